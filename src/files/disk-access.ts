// One folder's way to its disk: through the queue that all folders of the disk share, with failures reported, until it is closed.
import type { Clock } from '../domain/clock.js';
import { atMost } from '../domain/deadline.js';
import type { DiskHealth } from './disk-health.js';
import { DiskTooSlow, type Access, type DiskQueue } from './disk-queue.js';

/** For what is under way when the folder is closed: the process has 5 s for everything it does at its end. */
const CLOSE_DEADLINE_MS = 1_000;

export class FolderClosed extends Error {
  override readonly name = 'FolderClosed';
}

export interface DiskAccessOptions {
  readonly queue: DiskQueue;
  /** Operations that run and wait. */
  readonly pendingMax: number;
}

export class DiskAccess {
  readonly #clock: Clock;
  readonly #health: DiskHealth;
  readonly #options: DiskAccessOptions;
  /** What rejects each of them, though the operation cannot be stopped. */
  readonly #pending = new Map<Promise<unknown>, () => void>();
  #isClosed = false;

  constructor(clock: Clock, health: DiskHealth, options: DiskAccessOptions) {
    this.#clock = clock;
    this.#health = health;
    this.#options = options;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Operations that run and wait. */
  get pending(): number {
    return this.#pending.size;
  }

  /**
   * Settles as the operation does; rejects with a DiskTooSlow where it is not done in time, and with FolderClosed where it
   * had not begun when the folder was closed. `line`: operations of one line run one after another; that of the file, if
   * not given.
   */
  async run<Value>(
    access: Access,
    file: string,
    operation: () => Promise<Value>,
    line = file,
  ): Promise<Value> {
    const task = async (): Promise<Value> => {
      this.#throwIfClosed();
      try {
        return await operation();
      } catch (error) {
        // Here, as it may be too late for anybody else to learn of it.
        this.#health.failed(access, file, error);
        throw error;
      }
    };
    this.#throwIfClosed();
    const isFull = this.pending >= this.#options.pendingMax;
    const running = isFull ? Promise.reject(new DiskTooSlow()) : this.#options.queue.run(access, line, task);
    try {
      return await this.#untilLeft(running);
    } catch (error) {
      if (error instanceof DiskTooSlow) this.#health.failed(access, file, error);
      throw error;
    }
  }

  /** Begins nothing more; waits for a second at most for what has begun, and then rejects that with FolderClosed too. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const settled = Promise.allSettled(this.#pending.keys()).then(() => undefined);
    await atMost(this.#clock, CLOSE_DEADLINE_MS, settled);
    for (const leave of this.#pending.values()) leave();
  }

  #untilLeft<Value>(running: Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#pending.set(running, () => {
        reject(closed());
      });
      running.then(resolve, reject).finally(() => this.#pending.delete(running));
    });
  }

  #throwIfClosed(): void {
    if (this.#isClosed) throw closed();
  }
}

function closed(): FolderClosed {
  return new FolderClosed('the folder is closed');
}
