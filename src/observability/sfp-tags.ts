// Tags as Statsig's forward proxy writes them, so that its users' dashboards and monitors go on.
import { catalogue, TAG_FIELDS, type CatalogueRow, type ProxyEventName, type Tag } from './catalogue.js';
import type { ProxyEventFields } from './event-fields.js';
import type { SdkKeyForms } from './sdk-key-forms.js';
import { LABEL_VALUES_MAX, OTHER } from './series.js';

/** What SFP's tags show where an event has nothing to show. */
const NOTHING: Partial<Record<Tag, string>> = { sdk_key: 'none', path: 'other', lcut: '0' };
/** Clients say whatever they like there. */
const OF_CLIENTS: readonly Tag[] = ['sdk_type', 'sdk_version', 'client_service'];
const PROBE = /^\/v1\/(?:health|ready|startup)$/;

export class SfpTags {
  readonly #forms: SdkKeyForms;
  /** Values that clients have sent of each, by tag. */
  readonly #sent = new Map<Tag, Set<string>>();
  /** In the order of the table: SFP's. */
  readonly #tagsOf: ReadonlyMap<string, readonly Tag[]>;

  constructor(forms: SdkKeyForms) {
    this.#forms = forms;
    const rows: readonly (readonly [string, CatalogueRow])[] = Object.entries(catalogue);
    const all = Object.keys(TAG_FIELDS) as Tag[];
    this.#tagsOf = new Map(
      rows.map(([name, { sfp }]) => [name, all.filter((tag) => sfp?.tags.includes(tag) === true)]),
    );
  }

  /** `name:value` for each tag of the event that has a value. */
  of(name: ProxyEventName, fields: ProxyEventFields): string[] {
    const tags: string[] = [];
    for (const tag of this.#tagsOf.get(name) ?? []) {
      const value = this.#valueOf(tag, fields) ?? NOTHING[tag];
      if (value !== undefined) tags.push(`${tag}:${value}`);
    }
    return tags;
  }

  #valueOf(tag: Tag, fields: ProxyEventFields): string | number | undefined {
    const value = fields[TAG_FIELDS[tag]];
    if (typeof value !== 'string') return value;
    if (tag === 'sdk_key') return this.#forms.of(value);
    if (OF_CLIENTS.includes(tag)) return this.#bounded(tag, value);
    return tag === 'path' && !PROBE.test(value) ? `${value}/` : value;
  }

  #bounded(tag: Tag, value: string): string {
    const sent = this.#sent.get(tag) ?? new Set();
    this.#sent.set(tag, sent);
    if (sent.size < LABEL_VALUES_MAX) sent.add(value);
    return sent.has(value) ? value : OTHER;
  }
}
