// Differences of versions, as the API makes them: it takes a second for a large spec, and a view is built anew every few seconds.
import type { Api, SpecName } from './api.js';
import type { Diff } from './api-answers.js';

/** The difference of two versions never changes: what was asked for last is kept. */
export class Diffs {
  readonly #api: Api;
  #last: { readonly id: string; readonly diff: Diff } | undefined;

  constructor(api: Api) {
    this.#api = api;
  }

  async get(spec: SpecName, from: number, to: number, signal: AbortSignal): Promise<Diff> {
    const id = [spec.keyHash, spec.api, spec.format, from, to].join('/');
    if (this.#last?.id === id) return this.#last.diff;
    const diff = await this.#api.diff(spec, from, to, signal);
    this.#last = { id, diff };
    return diff;
  }
}
