// How this room gets at the disk: two operations at a time, none waited for too long, and one line when it begins to fail.
import type { Clock } from '../../domain/clock.js';
import type { Logger } from '../../observability/logger.js';
import { DiskHealth, DiskTooSlow, type DiskLines } from '../../sources/disk/disk-health.js';
import { FileQueue, type Access } from '../../sources/disk/file-queue.js';

/** Readers, mostly, each of which waits for one piece. */
const WAITING_MAX = 10_000;
const LINES: DiskLines = {
  fails: {
    read: 'folder of ID lists fails: copies that are stored there cannot be read',
    write: 'folder of ID lists fails: no copy can be made or grow there',
  },
  worksAgain: {
    read: 'folder of ID lists works again: copies that are stored there can be read',
    write: 'folder of ID lists works again: copies are made and grow there',
  },
};

export interface DiskTurn {
  readonly access: Access;
  /** Of the copy or the file it is about: the line of a disk that fails ends when this works again. */
  readonly name: string;
  /** Operations of one line run one after another; those of the same name, where none is given. */
  readonly line?: string;
}

type Ending<Value> =
  { readonly kind: 'done'; readonly value: Value } | { readonly kind: 'failed'; readonly error: unknown };

export class DiskAccess {
  readonly #health: DiskHealth;
  readonly #queue: FileQueue;
  #isClosed = false;

  constructor(clock: Clock, log: Logger, folder: string) {
    this.#health = new DiskHealth(clock, log, folder, LINES);
    this.#queue = new FileQueue(clock, { waitingMax: WAITING_MAX });
  }

  /**
   * What the operation comes to, or its error; a `DiskTooSlow` where it was not done in time. Nothing can stop it
   * then: `undo` is called with what it comes to when nobody waits for that any more.
   */
  async run<Value>(
    { access, name, line = name }: DiskTurn,
    operation: () => Promise<Value>,
    undo: (value: Value) => Promise<void> = async () => undefined,
  ): Promise<Value> {
    if (this.#isClosed) throw new Error('the folder of ID lists is closed');
    let isGivenUp = false;
    const ending = await this.#queue.run<Ending<Value>>(
      line,
      access,
      async () => {
        try {
          const value = await operation();
          if (isGivenUp) await undo(value);
          return { kind: 'done', value };
        } catch (error) {
          if (isGivenUp) this.failed(access, name, error);
          return { kind: 'failed', error };
        }
      },
      () => {
        isGivenUp = true;
        return { kind: 'failed', error: new DiskTooSlow('the disk is too slow') };
      },
    );
    if (ending.kind === 'failed') {
      this.failed(access, name, ending.error);
      throw ending.error;
    }
    this.#health.worked(access, name);
    return ending.value;
  }

  failed(access: Access, name: string, error: unknown): void {
    this.#health.failed(access, name, error);
  }

  describe(): object {
    return { waiting: this.#queue.waiting, ...this.#health.describe() };
  }

  /** What was asked for is done, or given up after a second: the process has little time left. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#queue.close();
  }
}
