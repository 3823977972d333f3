// What to call a spec whose SDK key is known by its hash alone, as in holds and in the audit log.
import type { Api, SpecName } from './api.js';
import type { Spec, Specs } from './api-answers.js';

/** As many as one answer has, so often: each key may have several specs. */
const SPECS_A_PAGE = 1_000;
const PAGES_MAX = 5;
const HASH_CHARACTERS_SHOWN = 10;

export class KeyNames {
  readonly #api: Api;
  readonly #names = new Map<string, string>();
  /** Asked for without a find: these are of other replicas, or of keys that are gone. */
  readonly #unknown = new Set<string>();

  constructor(api: Api) {
    this.#api = api;
  }

  note(specs: readonly Pick<Spec, 'keyHash' | 'sdkKey'>[]): void {
    for (const { keyHash, sdkKey } of specs) this.#names.set(keyHash, sdkKey);
  }

  /** Asks for names that are not known yet, once. */
  async learn(hashes: readonly string[], signal: AbortSignal): Promise<void> {
    const isNew = (hash: string): boolean => !this.#names.has(hash) && !this.#unknown.has(hash);
    let cursor: string | null = '';
    for (let page = 0; page < PAGES_MAX && cursor !== null && hashes.some(isNew); page += 1) {
      const { specs, next }: Specs = await this.#api.specs({ limit: SPECS_A_PAGE, cursor }, signal);
      this.note(specs);
      cursor = next;
    }
    for (const hash of hashes.filter(isNew)) this.#unknown.add(hash);
  }

  /** A name, a masked key, or the beginning of the hash. */
  of(keyHash: string): string {
    return this.#names.get(keyHash) ?? `${shortHash(keyHash)}…`;
  }
}

/** Enough for people to tell keys apart whose masked forms are the same, and for `ctl` to find one. */
export function shortHash(keyHash: string): string {
  return keyHash.slice(0, HASH_CHARACTERS_SHOWN);
}

export function routeOf({ keyHash, api, format }: SpecName): string {
  return `/spec/${[keyHash, api, format].map(encodeURIComponent).join('/')}`;
}
