// Compares two versions of a spec in a thread of its own, one pair at a time: the event loop serves specs meanwhile.
import { runOneShot, type OneShot } from '../../../bodies/one-shot-thread.js';
import type { Clock } from '../../../domain/clock.js';
import type { Payload } from '../../../domain/payload.js';
import { toRequest } from './diff-bodies.js';
import type { DiffAnswer } from './diff-thread.js';

/** A pair that takes longer is given up: two specs of 10 MB take about a second (`npm run bench -- version-diff`). */
export const DIFF_MS_MAX = 60_000;
/** And one that needs more: two specs of 10 MB need up to 230 MB. */
const DIFF_HEAP_MIB_MAX = 512;

export type Differing =
  { readonly kind: 'diff'; readonly diff: DiffAnswer } | { readonly kind: 'busy' | 'failed' };

export class ThreadedDiffer {
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  readonly #heapMibMax: number;
  #running: OneShot<DiffAnswer> | undefined;

  /** `failed` is told why a comparison failed. */
  constructor(clock: Clock, failed: (error: unknown) => void, heapMibMax = DIFF_HEAP_MIB_MAX) {
    this.#clock = clock;
    this.#failed = failed;
    this.#heapMibMax = heapMibMax;
  }

  /** Never rejects. `busy`: another pair is being compared. */
  async compare(before: Payload, after: Payload): Promise<Differing> {
    if (this.#running !== undefined) return { kind: 'busy' };
    try {
      this.#running = runOneShot(
        this.#clock,
        new URL('./diff-thread.js', import.meta.url),
        toRequest(before, after),
        DIFF_MS_MAX,
        this.#heapMibMax,
      );
      return { kind: 'diff', diff: await this.#running.answer };
    } catch (error) {
      this.#failed(error);
      return { kind: 'failed' };
    } finally {
      this.#running = undefined;
    }
  }

  async close(): Promise<void> {
    await this.#running?.stop();
  }
}
