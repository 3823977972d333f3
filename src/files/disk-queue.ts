// The queue for one disk: operations run in order for each file, one read and one write at a time, and none waits for a disk that hangs.
import type { Clock } from '../domain/clock.js';
import { createConcurrencyLimit } from '../domain/concurrency-limit.js';

/** Node has four threads for files, compression and DNS together: a disk that hangs keeps two of them, and the others go on. */
export type Access = 'read' | 'write';

/** For reads, waiting included: SDKs wait 3 s to 10 s for an answer, and the origin is still to be asked then. */
const READ_DEADLINE_MS = 2_000;
/** Longer than thousands of writes take that come at once, as they do after a start. Once begun, a write has no such deadline. */
const WRITE_WAITING_DEADLINE_MS = 120_000;
/** Longer than the largest body takes on a slow disk. */
const OPERATION_DEADLINE_MS = 30_000;

/** The disk hangs, or has more to do than it gets done. */
export class DiskTooSlow extends Error {
  override readonly name = 'DiskTooSlow';

  constructor() {
    super('the disk is too slow');
  }
}

export class DiskQueue {
  readonly #clock: Clock;
  readonly #lanes = { read: createConcurrencyLimit(1), write: createConcurrencyLimit(1) };
  /** By file, the end of the operation that was asked for last. */
  readonly #lines = new Map<string, Promise<void>>();
  /** Rejects an operation that has not begun, and keeps it from beginning. */
  readonly #waiting = new Set<() => void>();
  /** Operations that are still running beyond their deadline. */
  readonly #late = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether an operation is beyond its deadline: everything that is asked for meanwhile is rejected at once. */
  get isHanging(): boolean {
    return this.#late.size > 0;
  }

  /** Settles as the task does; rejects with a DiskTooSlow when a deadline passes. What has begun then cannot be stopped. */
  run<Value>(access: Access, file: string, task: () => Promise<Value>): Promise<Value> {
    if (this.isHanging) return Promise.reject(new DiskTooSlow());
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiting.delete(giveUp);
        cancelDeadline();
        reject(new DiskTooSlow());
      };
      const deadlineMs = access === 'read' ? READ_DEADLINE_MS : WRITE_WAITING_DEADLINE_MS;
      const cancelDeadline = this.#clock.schedule(deadlineMs, giveUp);
      this.#waiting.add(giveUp);
      this.#enter(access, file, async () => {
        if (!this.#waiting.delete(giveUp)) return;
        if (access === 'write') cancelDeadline();
        await this.#watched(giveUp, () => task().then(resolve, reject));
        cancelDeadline();
      });
    });
  }

  /** `operation` never rejects. */
  #enter(access: Access, file: string, operation: () => Promise<void>): void {
    const before = this.#lines.get(file) ?? Promise.resolve();
    const end = before
      .then(() => this.#lanes[access](operation))
      .then(() => {
        if (this.#lines.get(file) === end) this.#lines.delete(file);
      });
    this.#lines.set(file, end);
  }

  async #watched(giveUp: () => void, operation: () => Promise<void>): Promise<void> {
    const cancelWatch = this.#clock.schedule(OPERATION_DEADLINE_MS, () => {
      this.#late.add(giveUp);
      for (const each of [giveUp, ...this.#waiting]) each();
    });
    await operation();
    cancelWatch();
    this.#late.delete(giveUp);
  }
}
