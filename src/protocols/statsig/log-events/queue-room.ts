// How much may wait at one time, and how much of that for one SDK key: fair in whatever order keys come.
import type { Gauges } from '../../../observability/gauges.js';
import type { PartLimits, QueueLimits } from '../../../storage/shard-queue.js';

export interface QueueRoomOptions {
  readonly batchesMax: number;
  /** Of bodies as they travel, with their headers and queries. */
  readonly bytesMax: number;
}

/** Whatever holds a place: a batch being accepted, or one that is kept. */
export interface Guest {
  readonly sdkKey: string;
}

/** Of the queue, for keys that the origin is known to take. Anybody can invent others, which share the rest. */
const KNOWN_SHARE = 7 / 8;
/** Of each part, for keys that hold little ... */
const RESERVED_SHARE = 1 / 8;
/** ... which is up to this much of the part: 25 keys have to fill the reserve. */
const LITTLE_SHARE = 1 / 200;
/** The same limits, for a queue that many replicas share: it gives room by the same rule. */
export function sharedLimits(options: QueueRoomOptions): QueueLimits {
  const part = (share: number): PartLimits => {
    const { batchesMax, bytesMax } = new Part(options, share);
    return { batchesMax, bytesMax };
  };
  const shares = { reservedShare: RESERVED_SHARE, littleShare: LITTLE_SHARE };
  const { batchesMax, bytesMax } = options;
  return { batchesMax, bytesMax, ...shares, known: part(KNOWN_SHARE), unknown: part(1 - KNOWN_SHARE) };
}

/** Known keys that are remembered; the one whose events were taken longest ago leaves first. */
const KNOWN_KEYS_MAX = 10_000;

/** What waits of one key, or of several. */
export class Held {
  batches = 0;
  bytes = 0;

  add(batches: number, bytes: number): void {
    this.batches += batches;
    this.bytes += bytes;
  }
}

const NOTHING: Readonly<Held> = new Held();

/** A part of the queue, in batches and in bytes. */
class Part {
  readonly batchesMax: number;
  readonly bytesMax: number;
  readonly #batches: PartLimit;
  readonly #bytes: PartLimit;
  readonly held = new Held();

  constructor({ batchesMax, bytesMax }: QueueRoomOptions, share: number) {
    this.batchesMax = Math.ceil(batchesMax * share);
    this.#batches = new PartLimit(this.batchesMax, 1);
    this.bytesMax = bytesMax * share;
    this.#bytes = new PartLimit(this.bytesMax, 0);
  }

  hasRoomFor(own: Readonly<Held>, bytes: number): boolean {
    return (
      this.#batches.allows(own.batches, 1, this.held.batches) &&
      this.#bytes.allows(own.bytes, bytes, this.held.bytes)
    );
  }
}

class PartLimit {
  readonly #max: number;
  readonly #little: number;

  constructor(max: number, littleMin: number) {
    this.#max = max;
    this.#little = Math.max(littleMin, max * LITTLE_SHARE);
  }

  /**
   * Whether a key that holds `own` may get `more`, where all keys hold `all`: as long as it has less than is free. The size
   * of what comes plays no part in that, so that one batch of any size gets in where little waits.
   */
  allows(own: number, more: number, all: number): boolean {
    const free = this.#max - all;
    if (free <= 0) return false;
    return own < free - this.#max * RESERVED_SHARE || own + more <= this.#little;
  }
}

interface Place {
  readonly part: Part;
  readonly bytes: number;
}

/**
 * Room is given so that no key, first or last, takes what others need: one gets more while it holds less than is free, and
 * the last of it is for keys that hold little. A place is taken before a batch is looked at, and stays in its part of the
 * queue until it is left.
 */
export class QueueRoom {
  readonly options: QueueRoomOptions;
  readonly #isKnownOtherwise: (sdkKey: string) => boolean;
  readonly #known: Part;
  readonly #unknown: Part;
  readonly #places = new Map<Guest, Place>();
  readonly #perKey = new Map<string, Held>();
  readonly #knownKeys = new Set<string>();
  #refused = 0;

  /** `isKnownOtherwise`: whether the origin is known to take the key, though nothing of it was taken here yet. */
  constructor(options: QueueRoomOptions, isKnownOtherwise: (sdkKey: string) => boolean) {
    this.options = options;
    this.#isKnownOtherwise = isKnownOtherwise;
    this.#known = new Part(options, KNOWN_SHARE);
    this.#unknown = new Part(options, 1 - KNOWN_SHARE);
  }

  get batches(): number {
    return this.#known.held.batches + this.#unknown.held.batches;
  }

  get bytes(): number {
    return this.#known.held.bytes + this.#unknown.held.bytes;
  }

  /** What a key holds. */
  heldBy(sdkKey: string): Readonly<Held> {
    return this.#perKey.get(sdkKey) ?? NOTHING;
  }

  isKnown(sdkKey: string): boolean {
    return this.#knownKeys.has(sdkKey) || this.#isKnownOtherwise(sdkKey);
  }

  /** The origin accepted events of this key: it is not an invented one. */
  know(sdkKey: string): void {
    this.#knownKeys.delete(sdkKey);
    this.#knownKeys.add(sdkKey);
    if (this.#knownKeys.size <= KNOWN_KEYS_MAX) return;
    const [oldest = ''] = this.#knownKeys;
    this.#knownKeys.delete(oldest);
  }

  /** Batches are what is told of: bytes and the parts of the queue are reached with them. */
  get gauges(): Gauges {
    const { batchesMax, bytesMax } = this.options;
    return {
      logEventBatches: { entries: this.batches, entriesMax: batchesMax, reached: this.#refused },
      logEventBytes: { entries: this.bytes, entriesMax: bytesMax },
      logEventBatchesOfUnknownKeys: {
        entries: this.#unknown.held.batches,
        entriesMax: this.#unknown.batchesMax,
      },
    };
  }

  /** Takes a place, or returns false. */
  tryEnter(guest: Guest, bytes: number): boolean {
    const { batchesMax, bytesMax } = this.options;
    const hasRoom = this.batches < batchesMax && this.bytes + bytes <= bytesMax;
    if (hasRoom && this.#partOf(guest.sdkKey).hasRoomFor(this.heldBy(guest.sdkKey), bytes)) {
      this.enter(guest, bytes);
      return true;
    }
    this.#refused += 1;
    return false;
  }

  /** For what is there already: an earlier process left it, under bounds of its own. */
  enter(guest: Guest, bytes: number): void {
    this.#take(guest, { part: this.#partOf(guest.sdkKey), bytes });
  }

  /** One leaves its place to another of the same key. */
  replace(guest: Guest, by: Guest, bytes: number): void {
    const part = this.#places.get(guest)?.part ?? this.#partOf(by.sdkKey);
    this.leave(guest);
    this.#take(by, { part, bytes });
  }

  leave(guest: Guest): void {
    const place = this.#places.get(guest);
    if (place === undefined) return;
    this.#places.delete(guest);
    place.part.held.add(-1, -place.bytes);
    const own = this.#perKey.get(guest.sdkKey);
    own?.add(-1, -place.bytes);
    if (own?.batches === 0) this.#perKey.delete(guest.sdkKey);
  }

  #take(guest: Guest, place: Place): void {
    this.#places.set(guest, place);
    place.part.held.add(1, place.bytes);
    let own = this.#perKey.get(guest.sdkKey);
    if (own === undefined) this.#perKey.set(guest.sdkKey, (own = new Held()));
    own.add(1, place.bytes);
  }

  #partOf(sdkKey: string): Part {
    return this.isKnown(sdkKey) ? this.#known : this.#unknown;
  }
}
