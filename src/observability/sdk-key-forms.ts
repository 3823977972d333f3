// What stands for an SDK key in metrics: never the whole key, and for no more invented keys than a table holds.
import { maskedForm, nameOfSdkKey } from '../domain/sdk-key.js';
import type { ProxyEventName } from './catalogue.js';
import type { ProxyEventFields } from './event-fields.js';
import type { EventSink } from './proxy-events.js';
import { OTHER } from './series.js';

/** SFP's: its first 20 characters, and at most half of a short one. */
const SFP_CHARACTERS = 20;
/** Keys that the origin gave specs for; beyond them the table starts anew. */
const KNOWN_KEYS_MAX = 10_000;
/** Keys that it gave none for, which anybody can invent. */
const UNKNOWN_KEYS_MAX = 200;

/** `name`: masked where the key has none. */
export type SdkKeyForm = 'masked' | 'name' | 'sfp';

const SHAPES: Readonly<Record<SdkKeyForm, (sdkKey: string) => string>> = {
  masked: maskedForm,
  name: maskedForm,
  sfp: (sdkKey) => `${sdkKey.slice(0, Math.min(SFP_CHARACTERS, sdkKey.length / 2))}***`,
};

export class SdkKeyForms implements EventSink {
  readonly #showsNames: boolean;
  readonly #shape: (sdkKey: string) => string;
  readonly #known = new Map<string, string>();
  readonly #unknown = new Map<string, string>();

  constructor(form: SdkKeyForm) {
    this.#showsNames = form === 'name';
    this.#shape = SHAPES[form];
  }

  /** A key is known once a version of a spec of it was held. */
  record(name: ProxyEventName, fields: ProxyEventFields): void {
    if (name !== 'ConfigSpecStoreGotData') return;
    const { sdkKey } = fields;
    if (sdkKey === undefined || this.#known.has(sdkKey)) return;
    if (this.#known.size >= KNOWN_KEYS_MAX) this.#known.clear();
    this.#known.set(sdkKey, this.#shape(sdkKey));
    this.#unknown.delete(sdkKey);
  }

  of(sdkKey: string): string {
    // Not kept, as names may change while the process runs.
    const name = this.#showsNames ? nameOfSdkKey(sdkKey) : undefined;
    const form = name ?? this.#known.get(sdkKey) ?? this.#unknown.get(sdkKey);
    if (form !== undefined) return form;
    if (this.#unknown.size >= UNKNOWN_KEYS_MAX) return OTHER;
    const made = this.#shape(sdkKey);
    this.#unknown.set(sdkKey, made);
    return made;
  }
}
