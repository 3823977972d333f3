// Tags as Statsig's forward proxy writes them, so that its users' dashboards and monitors go on.
import { catalogue, TAG_FIELDS, type CatalogueRow, type ProxyEventName, type Tag } from './catalogue.js';
import type { ProxyEventFields } from './event-fields.js';
import type { SdkKeyForms } from './sdk-key-forms.js';
import { LABEL_VALUES_MAX, OTHER, type LabelValue } from './series.js';

/** What SFP's tags show where an event has nothing to show. */
const NOTHING: Partial<Record<Tag, string>> = { sdk_key: 'none', path: 'other', lcut: '0' };
/** Clients say whatever they like there. */
const OF_CLIENTS: readonly Tag[] = ['sdk_type', 'sdk_version', 'client_service'];
const PROBE = /^\/v1\/(?:health|ready|startup)$/;
/** Places in the trees of tags; beyond them the trees start anew, as versions that clients name have no end. */
const PLACES_MAX = 20_000;

/** The tags of an event. The same ones come as the same object for as long as it is remembered. */
export interface TagSet {
  /** Equal where all tags are. */
  readonly id: string;
  /** `name:value` for each tag that has a value, in SFP's order. */
  readonly tags: readonly string[];
}

/** A place in the tree of an event's tags, one level for each tag. */
class Place implements TagSet {
  readonly tags: readonly string[];
  readonly children = new Map<LabelValue | undefined, Place>();
  #id: string | undefined;

  constructor(tags: readonly string[]) {
    this.tags = tags;
  }

  get id(): string {
    this.#id ??= this.tags.join('\n');
    return this.#id;
  }
}

interface Tree {
  readonly tags: readonly Tag[];
  root: Place;
}

/** Tags are found without making anything, as each request has some. */
export class SfpTags {
  readonly #forms: SdkKeyForms;
  /** Values that clients have sent of each, by tag. */
  readonly #sent = new Map<Tag, Set<string>>();
  readonly #trees: ReadonlyMap<ProxyEventName, Tree>;
  #places = 0;

  constructor(forms: SdkKeyForms) {
    this.#forms = forms;
    const rows = Object.entries(catalogue) as [ProxyEventName, CatalogueRow][];
    // In the order of the table: SFP's.
    const all = Object.keys(TAG_FIELDS) as Tag[];
    this.#trees = new Map(
      rows.map(([name, { sfp }]) => {
        const tags = all.filter((tag) => sfp?.tags.includes(tag) === true);
        return [name, { tags, root: new Place([]) }];
      }),
    );
  }

  of(name: ProxyEventName, fields: ProxyEventFields): TagSet {
    const tree = this.#trees.get(name);
    if (tree === undefined) throw new Error(`${name} is not in the catalogue`);
    let place = tree.root;
    for (const tag of tree.tags) {
      const value = this.#valueOf(tag, fields) ?? NOTHING[tag];
      place = place.children.get(value) ?? this.#grow(place, tag, value);
    }
    return place;
  }

  #valueOf(tag: Tag, fields: ProxyEventFields): LabelValue | undefined {
    const value = fields[TAG_FIELDS[tag]];
    if (typeof value !== 'string') return value;
    if (tag === 'sdk_key') return this.#forms.of(value);
    return OF_CLIENTS.includes(tag) ? this.#bounded(tag, value) : value;
  }

  #bounded(tag: Tag, value: string): string {
    const sent = this.#sent.get(tag) ?? new Set();
    this.#sent.set(tag, sent);
    if (sent.size < LABEL_VALUES_MAX) sent.add(value);
    return sent.has(value) ? value : OTHER;
  }

  #grow(place: Place, tag: Tag, value: LabelValue | undefined): Place {
    const child = new Place(
      value === undefined ? place.tags : [...place.tags, `${tag}:${toText(tag, value)}`],
    );
    if (this.#places >= PLACES_MAX) {
      this.#places = 0;
      for (const tree of this.#trees.values()) tree.root = new Place([]);
    }
    this.#places += 1;
    // Where the trees have just been cut down, what grows here is forgotten with the old one.
    place.children.set(value, child);
    return child;
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
