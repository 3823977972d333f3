// Snapshots that live as long as this process, within a number of bytes: for what is kept where nothing outlives it.
import type { Clock } from '../../domain/clock.js';
import { payloadId, type PayloadKey } from '../../domain/payload-key.js';
import type { Payload } from '../../domain/payload.js';
import { isNewer } from '../../domain/version.js';
import type { Confirming, Loading, Removing, Snapshots, Storing } from '../snapshots.js';

interface MemoryEntry {
  readonly payload: Payload;
  readonly confirmedAtMs: number;
}

const CLOSED = { kind: 'failed', reason: 'closed' } as const;
/** Of one entry besides its body. */
const ENTRY_OVERHEAD_BYTES = 1_024;

/** What several handles may share: by payload id, the entry that was saved longest ago first. */
export class MemoryShelf {
  readonly #entries = new Map<string, MemoryEntry>();
  /** Counted as they come and go: adding them up at each one took 5 s of the first fetches of 10,000 keys. */
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get(id: string): MemoryEntry | undefined {
    return this.#entries.get(id);
  }

  /** Behind all others. */
  put(id: string, entry: MemoryEntry): void {
    this.drop(id);
    this.#entries.set(id, entry);
    this.#bytes += bytesOf(entry);
  }

  /** The same payload, in the same place. */
  confirm(id: string, { payload }: MemoryEntry, confirmedAtMs: number): void {
    this.#entries.set(id, { payload, confirmedAtMs });
  }

  drop(id: string): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    this.#bytes -= bytesOf(entry);
    return this.#entries.delete(id);
  }

  /** Drops the oldest until no more than `bytesMax` are left, or only the newest is. */
  shrinkTo(bytesMax: number): void {
    for (const id of this.#entries.keys()) {
      if (this.#bytes <= bytesMax || this.#entries.size === 1) return;
      this.drop(id);
    }
  }
}

export class MemorySnapshots implements Snapshots {
  readonly #clock: Clock;
  readonly #bytesMax: number;
  readonly #shelf: MemoryShelf;
  #isClosed = false;

  /** `bytesMax`: of all bodies as they came; what was saved longest ago leaves first. */
  constructor(clock: Clock, bytesMax: number, shelf = new MemoryShelf()) {
    this.#clock = clock;
    this.#bytesMax = bytesMax;
    this.#shelf = shelf;
  }

  get bytes(): number {
    return this.#shelf.bytes;
  }

  async load(key: PayloadKey): Promise<Loading> {
    if (this.#isClosed) return CLOSED;
    const entry = this.#shelf.get(payloadId(key));
    if (entry === undefined) return { kind: 'missing' };
    const { payload, confirmedAtMs } = entry;
    return {
      kind: 'found',
      snapshot: { payload, confirmedAgoMs: this.#clock.monotonicMs() - confirmedAtMs },
    };
  }

  async save(key: PayloadKey, payload: Payload, confirmedAgoMs = 0): Promise<Storing> {
    const confirmed = this.#confirm(key, payload.version, confirmedAgoMs);
    if (confirmed.kind !== 'behind') return confirmed;
    const confirmedAtMs = this.#clock.monotonicMs() - confirmedAgoMs;
    this.#shelf.put(payloadId(key), { payload, confirmedAtMs });
    this.#shelf.shrinkTo(this.#bytesMax);
    return { kind: 'stored' };
  }

  async confirm(key: PayloadKey, version: number): Promise<Confirming> {
    return this.#confirm(key, version, 0);
  }

  async remove(key: PayloadKey): Promise<Removing> {
    if (this.#isClosed) return CLOSED;
    return { kind: this.#shelf.drop(payloadId(key)) ? 'removed' : 'missing' };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  /** In one step with what follows: nobody comes in between. */
  #confirm(key: PayloadKey, version: number, agoMs: number): Confirming {
    if (this.#isClosed) return CLOSED;
    const entry = this.#shelf.get(payloadId(key));
    if (entry === undefined) return { kind: 'behind' };
    const { payload } = entry;
    if (isNewer(payload.version, version, this.#clock.nowMs()))
      return { kind: 'newer', version: payload.version };
    if (payload.version !== version) return { kind: 'behind' };
    const confirmedAtMs = Math.max(entry.confirmedAtMs, this.#clock.monotonicMs() - agoMs);
    this.#shelf.confirm(payloadId(key), entry, confirmedAtMs);
    return { kind: 'stored' };
  }
}

function bytesOf({ payload }: MemoryEntry): number {
  return payload.originForm.bytes.length + ENTRY_OVERHEAD_BYTES;
}
