// A batch in the fleet's queue that this replica is to send; only its key and its place are in memory.
import type { Batch, KeptBatch } from '../batch.js';
import { letterFacts, type DeadLetters, type Death } from '../dead-letters.js';

/** The shard that it is in, while this replica owns that. */
export interface BatchPlace {
  read(batch: FleetBatch): Promise<Batch>;
  done(batch: FleetBatch): void;
}

export interface FleetBatchFacts extends Pick<KeptBatch, 'id' | 'sdkKey' | 'acceptedAtMs' | 'bytes'> {
  readonly position: string;
}

export class FleetBatch implements KeptBatch {
  readonly id: string;
  readonly sdkKey: string;
  readonly acceptedAtMs: number;
  readonly bytes: number;
  /** In its shard's order. */
  readonly position: string;
  readonly #place: BatchPlace;
  /** What is written beside it among the dead ones; undefined while it is to be sent, or was taken. */
  letter: string | undefined;

  constructor(facts: FleetBatchFacts, place: BatchPlace) {
    this.id = facts.id;
    this.sdkKey = facts.sdkKey;
    this.acceptedAtMs = facts.acceptedAtMs;
    this.bytes = facts.bytes;
    this.position = facts.position;
    this.#place = place;
  }

  read(): Promise<Batch> {
    return this.#place.read(this);
  }

  forget(): void {
    this.#place.done(this);
  }

  isAt(place: BatchPlace): boolean {
    return this.#place === place;
  }
}

/** Batches of the fleet's queue die there, in the step that takes them out; others elsewhere. */
export class FleetDeadLetters implements DeadLetters {
  readonly #elsewhere: DeadLetters;

  constructor(elsewhere: DeadLetters) {
    this.#elsewhere = elsewhere;
  }

  async add(kept: KeptBatch, batch: Batch | undefined, death: Death): Promise<void> {
    if (!(kept instanceof FleetBatch)) {
      await this.#elsewhere.add(kept, batch, death);
      return;
    }
    kept.letter = JSON.stringify(letterFacts(kept, batch, death));
  }

  close(): Promise<void> {
    return this.#elsewhere.close();
  }
}
