// Who hears what becomes of batches that are sent, and files those that are given up.
import type { DeliveryOutcome } from '../origin/event-origin.js';
import type { Batch, KeptBatch } from './batch.js';
import type { Death } from './dead-letters.js';
import type { AsideLane, Lane } from './lane.js';

export interface ForwarderListener {
  /** After every delivery, before the next. */
  delivered(lane: Lane, outcome: DeliveryOutcome, latencyMs: number): void;
  /** A batch could not be read: it is tried again. */
  notRead(lane: Lane, error: unknown): void;
  /** The lane's batch failed while a later one was accepted: the others overtake it. */
  steppedAside(lane: AsideLane): void;
  /** A batch left the queue: taken by the origin, or buried. */
  left(): void;
  /** `batch` is undefined where it cannot be read. Resolves when it need not be kept any more; never rejects. */
  bury(kept: KeptBatch, batch: Batch | undefined, death: Death): Promise<void>;
}
