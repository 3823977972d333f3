// One SDK key's batches in their order, and how the origin received the last one sent.
import type { Cancel } from '../domain/clock.js';
import type { KeptBatch } from './batch.js';

export class Lane {
  readonly sdkKey: string;
  readonly #waiting: KeptBatch[] = [];
  #bytes = 0;
  /** Deliveries in a row that failed. */
  failures = 0;
  /** Why the last one failed; undefined after one that did not. */
  reason: string | undefined;
  /** What people were told of it: a reason, or `refused`; undefined where all is well. */
  told: string | undefined;
  /** The origin answered 401 or 403. */
  isRefused = false;
  /** How often, since it was last taken or rejected; what failed in between does not count. */
  refusals = 0;
  /** When the first of these came, by a clock that never goes back. */
  refusedSinceMs = 0;
  /** The first batch is on its way, or in line for that. */
  isBusy = false;
  /** The first batch is on its way. */
  isSending = false;
  /** Ends the wait for the next try. */
  cancelWait: Cancel = () => undefined;

  constructor(sdkKey: string) {
    this.sdkKey = sdkKey;
  }

  get first(): KeptBatch | undefined {
    return this.#waiting[0];
  }

  get batches(): number {
    return this.#waiting.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(batch: KeptBatch): void {
    this.#waiting.push(batch);
    this.#bytes += batch.bytes;
  }

  shift(): KeptBatch | undefined {
    const batch = this.#waiting.shift();
    this.#bytes -= batch?.bytes ?? 0;
    return batch;
  }
}
