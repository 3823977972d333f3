// Snapshots that live as long as this process, within a number of bytes: for what is kept where nothing outlives it.
import type { Clock } from '../../domain/clock.js';
import { payloadId, type PayloadKey } from '../../domain/payload-key.js';
import type { Payload } from '../../domain/payload.js';
import { isNewer } from '../../domain/version.js';
import type { Confirming, Loading, Removing, Snapshots, Storing } from '../snapshots.js';

export interface MemoryEntry {
  readonly payload: Payload;
  readonly confirmedAtMs: number;
}

/** By payload id; the entry that was saved longest ago comes first. */
export type MemoryShelf = Map<string, MemoryEntry>;

const CLOSED = { kind: 'failed', reason: 'closed' } as const;
/** Of one entry besides its body. */
const ENTRY_OVERHEAD_BYTES = 1_024;

export class MemorySnapshots implements Snapshots {
  readonly #clock: Clock;
  readonly #bytesMax: number;
  readonly #shelf: MemoryShelf;
  #isClosed = false;

  /** `bytesMax`: of all bodies as they came; what was saved longest ago leaves first. */
  constructor(clock: Clock, bytesMax: number, shelf: MemoryShelf = new Map()) {
    this.#clock = clock;
    this.#bytesMax = bytesMax;
    this.#shelf = shelf;
  }

  get bytes(): number {
    let bytes = 0;
    for (const entry of this.#shelf.values()) bytes += bytesOf(entry);
    return bytes;
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
    const id = payloadId(key);
    this.#shelf.delete(id);
    this.#shelf.set(id, { payload, confirmedAtMs: this.#clock.monotonicMs() - confirmedAgoMs });
    this.#makeRoom(id);
    return { kind: 'stored' };
  }

  async confirm(key: PayloadKey, version: number): Promise<Confirming> {
    return this.#confirm(key, version, 0);
  }

  async remove(key: PayloadKey): Promise<Removing> {
    if (this.#isClosed) return CLOSED;
    return { kind: this.#shelf.delete(payloadId(key)) ? 'removed' : 'missing' };
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
    this.#shelf.set(payloadId(key), { payload, confirmedAtMs });
    return { kind: 'stored' };
  }

  /** What was just saved stays. */
  #makeRoom(saved: string): void {
    let { bytes } = this;
    for (const [id, entry] of this.#shelf) {
      if (bytes <= this.#bytesMax) return;
      if (id === saved) continue;
      this.#shelf.delete(id);
      bytes -= bytesOf(entry);
    }
  }
}

function bytesOf({ payload }: MemoryEntry): number {
  return payload.originForm.bytes.length + ENTRY_OVERHEAD_BYTES;
}
