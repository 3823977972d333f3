// How much may wait at one time, in batches and in bytes: a place is taken before a batch is looked at.
import type { Missing } from './yielding-lanes.js';

export interface QueueRoomOptions {
  readonly batchesMax: number;
  /** Of bodies as they travel, with their headers and queries. */
  readonly bytesMax: number;
}

export class QueueRoom {
  readonly options: QueueRoomOptions;
  #batches = 0;
  #bytes = 0;

  constructor(options: QueueRoomOptions) {
    this.options = options;
  }

  get batches(): number {
    return this.#batches;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What has to leave before so much can enter; 0 or less where there is enough. */
  missingFor(bytes: number): Missing {
    const { batchesMax, bytesMax } = this.options;
    return { batches: this.#batches + 1 - batchesMax, bytes: this.#bytes + bytes - bytesMax };
  }

  /** Takes a place, or returns false. */
  tryEnter(bytes: number): boolean {
    const missing = this.missingFor(bytes);
    if (missing.batches > 0 || missing.bytes > 0) return false;
    this.enter(bytes);
    return true;
  }

  /** For what is there already: an earlier process left it, under bounds of its own. */
  enter(bytes: number): void {
    this.#batches += 1;
    this.#bytes += bytes;
  }

  leave(bytes: number): void {
    this.#batches -= 1;
    this.#bytes -= bytes;
  }
}
