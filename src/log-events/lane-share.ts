// Lanes of one kind of trouble, and the part of the queue that they may fill: the rest is for keys that are well.
import type { Lane } from './lane.js';
import type { QueueRoomOptions } from './queue-room.js';

export class LaneShare {
  readonly #batchesMax: number;
  readonly #bytesMax: number;
  /** The one in trouble for the longest time first. */
  readonly #lanes = new Set<Lane>();
  #batches = 0;
  #bytes = 0;

  /** `share`: of the whole queue, from 0 to 1. */
  constructor(options: QueueRoomOptions, share: number) {
    this.#batchesMax = Math.ceil(options.batchesMax * share);
    this.#bytesMax = options.bytesMax * share;
  }

  get lanes(): ReadonlySet<Lane> {
    return this.#lanes;
  }

  /** Whether one more batch may come to a lane that is in here; to any other it may. */
  hasRoomFor(lane: Lane, bytes: number): boolean {
    if (!this.#lanes.has(lane)) return true;
    return this.#batches < this.#batchesMax && this.#bytes + bytes <= this.#bytesMax;
  }

  put(lane: Lane, isIn: boolean): void {
    if (this.#lanes.has(lane) === isIn) return;
    if (isIn) this.#lanes.add(lane);
    else this.#lanes.delete(lane);
    const sign = isIn ? 1 : -1;
    this.#batches += sign * lane.batches;
    this.#bytes += sign * lane.bytes;
  }

  /** A batch came to a lane, or left it (`change` -1). */
  changed(lane: Lane, change: 1 | -1, bytes: number): void {
    if (!this.#lanes.has(lane)) return;
    this.#batches += change;
    this.#bytes += change * bytes;
  }
}
