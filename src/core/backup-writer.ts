// Writes what is held to one place that outlives the process: one operation per payload at a time, the newest wish next.
import type { Cancel, Clock } from '../domain/clock.js';
import type { HeldPayload, PayloadStore } from './payload-store.js';
import { createConcurrencyLimit, type ConcurrencyLimit } from '../domain/concurrency-limit.js';
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import { inBackground } from '../observability/in-background.js';
import type { Logger } from '../observability/logger.js';
import type { Confirming, Removing, Snapshots } from '../storage/snapshots.js';
import { IdleWait } from './idle-wait.js';

/** Of one place: each may hold an uncompressed body for a moment. */
const WRITES_IN_FLIGHT_MAX = 8;

/** A removal that failed is tried again: what was refused must not stay in Redis until it expires. */
const REMOVE_AGAIN_MS = 5_000;
const REMOVALS_LEFT_MAX = 10_000;

type Wish = 'save' | 'confirm' | 'remove';
export type Written = Confirming | Removing;

interface Job {
  readonly key: PayloadKey;
  next: Wish | undefined;
}

/** `written` is called for every operation that ended. */
export class BackupWriter {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #snapshots: Snapshots;
  readonly #store: PayloadStore;
  readonly #written: (key: PayloadKey, written: Written) => void;
  readonly #limit: ConcurrencyLimit = createConcurrencyLimit(WRITES_IN_FLIGHT_MAX);
  /** Of payloads with something to do: no more entries than payloads. */
  readonly #jobs = new Map<string, Job>();
  readonly #removalsLeft = new Map<string, PayloadKey>();
  #cancelRemovals: Cancel | undefined;
  readonly #idleWait = new IdleWait();

  constructor(
    clock: Clock,
    log: Logger,
    snapshots: Snapshots,
    store: PayloadStore,
    written: (key: PayloadKey, written: Written) => void,
  ) {
    this.#clock = clock;
    this.#log = log;
    this.#snapshots = snapshots;
    this.#store = store;
    this.#written = written;
  }

  /** A newer version is held. */
  save(key: PayloadKey): void {
    this.#wish(key, 'save');
  }

  /** What is held was confirmed; what the place has missed is written. */
  confirm(key: PayloadKey): void {
    this.#wish(key, 'confirm');
  }

  remove(key: PayloadKey): void {
    this.#wish(key, 'remove');
  }

  stop(): void {
    this.#cancelRemovals?.();
    this.#removalsLeft.clear();
  }

  /** Payloads with something to do. */
  get pending(): number {
    return this.#jobs.size;
  }

  /** Resolves as soon as nothing is to be done. */
  idle(): Promise<void> {
    if (this.#jobs.size === 0) return Promise.resolve();
    return this.#idleWait.wait();
  }

  #wish(key: PayloadKey, wish: Wish): void {
    const id = payloadId(key);
    const running = this.#jobs.get(id);
    if (running !== undefined) {
      // A confirmation writes nothing that the save before it would not write.
      if (running.next !== 'save' || wish !== 'confirm') running.next = wish;
      return;
    }
    const job: Job = { key, next: wish };
    this.#jobs.set(id, job);
    inBackground(
      this.#limit(() => this.#run(id, job)),
      this.#log,
    );
  }

  async #run(id: string, job: Job): Promise<void> {
    try {
      while (job.next !== undefined) {
        const wish = job.next;
        job.next = undefined;
        const written = await this.#do(wish, job.key);
        if (written !== undefined) this.#written(job.key, written);
      }
    } finally {
      this.#jobs.delete(id);
      if (this.#jobs.size === 0) this.#idleWait.tell();
    }
  }

  async #do(wish: Wish, key: PayloadKey): Promise<Written | undefined> {
    if (wish === 'remove') return await this.#remove(key);
    // As it is held now: newer, it may be, than when this was wished for.
    const held = this.#store.peek(key);
    if (held === undefined) return undefined;
    if (wish === 'save') return await this.#save(held);
    const confirmed = await this.#snapshots.confirm(key, held.payload.version);
    return confirmed.kind === 'behind' ? await this.#save(held) : confirmed;
  }

  #save(held: HeldPayload): Promise<Written> {
    return this.#snapshots.save(held.key, held.payload, this.#clock.monotonicMs() - held.confirmedAtMs);
  }

  async #remove(key: PayloadKey): Promise<Written> {
    const removed = await this.#snapshots.remove(key);
    const isLeft = removed.kind === 'failed' && removed.reason !== 'closed';
    if (isLeft && this.#removalsLeft.size < REMOVALS_LEFT_MAX) {
      this.#removalsLeft.set(payloadId(key), key);
      this.#cancelRemovals ??= this.#clock.schedule(REMOVE_AGAIN_MS, () => {
        this.#removeAgain();
      });
    }
    return removed;
  }

  #removeAgain(): void {
    this.#cancelRemovals = undefined;
    const keys = [...this.#removalsLeft.values()];
    this.#removalsLeft.clear();
    // What is held again was given by the origin since.
    for (const key of keys) if (this.#store.peek(key) === undefined) this.remove(key);
  }
}
