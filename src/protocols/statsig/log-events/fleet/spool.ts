// Batches on this replica's disk that wait for the fleet's queue: it was away, or they date from before there was one.
import {
  bytesOf,
  BatchDamage,
  QueueFull,
  type Batch,
  type Found,
  type KeptBatch,
  type LocalKeeper,
} from '../batch.js';
import type { QueueRoom } from '../queue-room.js';

export class Spool {
  readonly #keeper: LocalKeeper;
  readonly #room: QueueRoom;
  /** In their order. */
  readonly #waiting = new Set<KeptBatch>();
  #beingKept = 0;
  #isOpen = false;

  /** `room`: for what is on this replica's disk alone. */
  constructor(keeper: LocalKeeper, room: QueueRoom) {
    this.#keeper = keeper;
    this.#room = room;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether something has to go into the queue before what comes now. */
  get isEmpty(): boolean {
    return this.#waiting.size === 0 && this.#beingKept === 0;
  }

  get batches(): number {
    return this.#waiting.size;
  }

  /** By the wall clock; undefined where nothing waits. */
  get oldestAcceptedAtMs(): number | undefined {
    const [first] = this.#waiting;
    return first?.acceptedAtMs;
  }

  get bytes(): number {
    return this.#room.bytes;
  }

  async open(): Promise<void> {
    const found: Found = (batches) => {
      for (const kept of batches) {
        this.#room.enter(kept, kept.bytes);
        this.#waiting.add(kept);
      }
    };
    found(await this.#keeper.open(found));
    this.#isOpen = true;
  }

  /** Rejects where it is not kept. */
  async keep(batch: Batch): Promise<void> {
    if (!this.#room.tryEnter(batch, bytesOf(batch))) {
      throw new QueueFull(this.#room.heldBy(batch.sdkKey).batches === 0);
    }
    this.#beingKept += 1;
    try {
      const kept = await this.#keeper.keep(batch);
      this.#room.replace(batch, kept, kept.bytes);
      this.#waiting.add(kept);
    } catch (error) {
      this.#room.leave(batch);
      throw error;
    } finally {
      this.#beingKept -= 1;
    }
  }

  /** Takes them out one by one, in their order, each once `put` has it; rejects with the first failure. */
  async moveAll(
    put: (batch: Batch) => Promise<void>,
    bury: (kept: KeptBatch) => Promise<void>,
  ): Promise<void> {
    for (const kept of this.#waiting) {
      try {
        await put(await kept.read());
        kept.forget();
      } catch (error) {
        if (!(error instanceof BatchDamage)) throw error;
        await bury(kept);
      }
      this.#waiting.delete(kept);
      this.#room.leave(kept);
    }
  }

  close(): Promise<void> {
    return this.#keeper.close();
  }
}
