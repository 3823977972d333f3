// A batch that is kept on disk: only its key and its place are in memory.
import type { ConcurrencyLimit } from '../../../../domain/concurrency-limit.js';
import { bytesOf, type Batch, type KeptBatch } from '../batch.js';
import type { StoredBatch } from './record.js';
import type { Place, Segment } from './segment.js';

export class DiskBatch implements KeptBatch {
  readonly id: string;
  readonly sdkKey: string;
  readonly acceptedAtMs: number;
  readonly bytes: number;
  readonly sequence: number;
  #segment: Segment;
  #place: Place;
  #isDone = false;
  readonly #disk: ConcurrencyLimit;
  readonly #whenDone: (batch: DiskBatch) => void;

  constructor(
    stored: StoredBatch,
    segment: Segment,
    place: Place,
    disk: ConcurrencyLimit,
    whenDone: (batch: DiskBatch) => void,
  ) {
    this.id = stored.id;
    this.sdkKey = stored.sdkKey;
    this.acceptedAtMs = stored.acceptedAtMs;
    this.bytes = bytesOf(stored);
    this.sequence = stored.sequence;
    this.#segment = segment;
    this.#place = place;
    this.#disk = disk;
    this.#whenDone = whenDone;
  }

  get segment(): Segment {
    return this.#segment;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  async read(): Promise<Batch> {
    return await this.#disk(() => this.readStored());
  }

  /** Caller holds the disk slot. */
  async readStored(): Promise<StoredBatch> {
    return await this.#segment.read(this.#place);
  }

  forget(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#segment.done(this.#place);
    this.#whenDone(this);
  }

  /** It stands in another file as well, and from now on counts there. */
  moveTo(segment: Segment, place: Place): void {
    if (this.#isDone) segment.done(place);
    else this.#segment.done(this.#place);
    this.#segment = segment;
    this.#place = place;
  }
}

/** Oldest first. */
export function inOrder(batches: ReadonlyMap<string, DiskBatch>): readonly DiskBatch[] {
  return [...batches.values()].sort((one, other) => one.sequence - other.sequence);
}
