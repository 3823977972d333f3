// Tags as Statsig's forward proxy writes them, so that its users' dashboards and monitors go on.
import {
  catalogue,
  TAG_VALUES,
  type CatalogueRow,
  type Operation,
  type ProxyEventName,
  type Tag,
} from './catalogue.js';
import type { ProxyEventFields } from './event-fields.js';
import type { SdkKeyForms } from './sdk-key-forms.js';
import { LABEL_VALUES_MAX, OTHER, type LabelValue } from './series.js';
import { sfpMetricName } from './sfp-names.js';

/** What SFP's tags show where an event has nothing to show. */
const NOTHING: Partial<Record<Tag, string>> = { sdk_key: 'none', path: 'other', lcut: '0' };
/** Clients say whatever they like there. */
const OF_CLIENTS: readonly Tag[] = ['sdk_type', 'sdk_version', 'client_service'];
const PROBE = /^\/v1\/(?:health|ready|startup)$/;
/** Places in the trees of tags; beyond them the trees start anew, as versions that clients name have no end. */
const PLACES_MAX = 20_000;

/** One of SFP's metrics with tags of an event. The same ones come as the same object for as long as it is remembered. */
export interface TaggedMetric {
  readonly event: ProxyEventName;
  /** SFP's name of it. */
  readonly name: string;
  readonly operation: Operation;
  /** `name:value` for each tag that has a value, in SFP's order. */
  readonly tags: readonly string[];
  /** Equal where all tags of two metrics of the same name are. */
  readonly id: string;
}

interface Level {
  readonly tag: Tag;
  readonly valueOf: (fields: ProxyEventFields) => LabelValue | undefined;
}

/** The metric of an event, and the tree of its tags: one level for each tag. */
interface Tree {
  readonly metric: Pick<TaggedMetric, 'event' | 'name' | 'operation'>;
  readonly levels: readonly Level[];
  root: Place;
}

class Place implements TaggedMetric {
  readonly event: ProxyEventName;
  readonly name: string;
  readonly operation: Operation;
  readonly tags: readonly string[];
  readonly children = new Map<LabelValue | undefined, Place>();
  #id: string | undefined;

  constructor({ event, name, operation }: Tree['metric'], tags: readonly string[]) {
    this.event = event;
    this.name = name;
    this.operation = operation;
    this.tags = tags;
  }

  get id(): string {
    this.#id ??= this.tags.join('\n');
    return this.#id;
  }
}

/** Tags are found without making anything, as each request has some. */
export class SfpTags {
  readonly #forms: SdkKeyForms;
  /** Values that clients have sent of each, by tag. */
  readonly #sent = new Map<Tag, Set<LabelValue>>(OF_CLIENTS.map((tag) => [tag, new Set()]));
  readonly #trees: ReadonlyMap<ProxyEventName, Tree>;
  #places = 0;

  constructor(forms: SdkKeyForms) {
    this.#forms = forms;
    const rows = Object.entries(catalogue) as [ProxyEventName, CatalogueRow][];
    this.#trees = new Map(rows.flatMap(([name, row]) => this.#treeOf(name, row)));
  }

  /** Undefined for an event that SFP does not know. */
  of(name: ProxyEventName, fields: ProxyEventFields): TaggedMetric | undefined {
    const tree = this.#trees.get(name);
    if (tree === undefined) return undefined;
    let place = tree.root;
    for (const level of tree.levels) {
      const value = level.valueOf(fields);
      place = place.children.get(value) ?? this.#grow(tree, place, level.tag, value);
    }
    return place;
  }

  #treeOf(event: ProxyEventName, { sfp }: CatalogueRow): [ProxyEventName, Tree][] {
    if (sfp === undefined) return [];
    const { operation } = sfp;
    const metric = { event, operation, name: sfpMetricName(event, operation) };
    // In the order of the table: SFP's.
    const tags = (Object.keys(TAG_VALUES) as Tag[]).filter((tag) => sfp.tags.includes(tag));
    const levels = tags.map((tag) => ({ tag, valueOf: this.#readerOf(tag) }));
    return [[event, { metric, levels, root: new Place(metric, []) }]];
  }

  #readerOf(tag: Tag): Level['valueOf'] {
    const forms = this.#forms;
    if (tag !== 'sdk_key') return TAG_VALUES[tag];
    return ({ sdkKey }) => (sdkKey === undefined ? undefined : forms.of(sdkKey));
  }

  #grow(tree: Tree, place: Place, tag: Tag, value: LabelValue | undefined): Place {
    const shown = this.#bounded(tag, value ?? NOTHING[tag]);
    const known = place.children.get(shown);
    if (known !== undefined) return known;
    const { metric } = tree;
    const tags = shown === undefined ? place.tags : [...place.tags, `${tag}:${toText(tag, shown)}`];
    const child = new Place(metric, tags);
    if (this.#places >= PLACES_MAX) {
      this.#places = 0;
      for (const each of this.#trees.values()) each.root = new Place(each.metric, []);
    }
    this.#places += 1;
    // Where the trees have just been cut down, what grows here is forgotten with the old one.
    place.children.set(shown, child);
    return child;
  }

  #bounded(tag: Tag, value: LabelValue | undefined): LabelValue | undefined {
    const sent = this.#sent.get(tag);
    if (sent === undefined || value === undefined) return value;
    if (sent.size < LABEL_VALUES_MAX) sent.add(value);
    return sent.has(value) ? value : OTHER;
  }
}

/** Name and value of a tag. */
export function tagEntry(tag: string): [name: string, value: string] {
  const at = tag.indexOf(':');
  return [tag.slice(0, at), tag.slice(at + 1)];
}

function toText(tag: Tag, value: LabelValue): string {
  return tag === 'path' && value !== NOTHING.path && !PROBE.test(String(value)) ? `${value}/` : String(value);
}
