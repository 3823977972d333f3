// Whose turn it is at the disk: one operation at a time for each file, two in all, and none that waits for a disk that hangs.
import type { Cancel, Clock } from '../../domain/clock.js';

/**
 * At one time there is one of each. Node has four threads for files, compression and DNS together: a disk that hangs
 * keeps these two, and the others go on. A read waits for no write but those of its own file.
 */
export type Access = 'read' | 'write';
const ACCESSES: readonly Access[] = ['read', 'write'];

/**
 * Who wants to read is answered after so long, whether it waits or runs: SDKs wait 3 s to 10 s for an answer, and the
 * origin is still to be asked then.
 */
const READ_DEADLINE_MS = 2_000;
/** Longer than thousands of writes take that come at once, as they do after a start. */
const WRITE_WAITING_DEADLINE_MS = 120_000;
/** Longer than the largest body takes on a slow disk. */
const OPERATION_DEADLINE_MS = 30_000;
/** The process has 5 s for all that has to be done before its end. */
const CLOSE_DEADLINE_MS = 1_000;

interface Turn {
  readonly file: string;
  readonly access: Access;
  /** Ends when the operation does, and never rejects. */
  readonly take: () => Promise<void>;
  /** Tells the caller that it is too late. Nothing where the caller was told something before. */
  readonly giveUp: () => void;
  /** Ends the deadline of the caller. */
  cancelDeadline: Cancel;
  /** Ends the deadline of the operation. */
  cancelWatch: Cancel;
}

export class FileQueue {
  readonly #clock: Clock;
  readonly #waitingMax: number;
  /** The turns of each file that has any, in order; the first one runs, or is ready to. */
  readonly #lines = new Map<string, Turn[]>();
  readonly #ready: Readonly<Record<Access, Set<Turn>>> = { read: new Set(), write: new Set() };
  readonly #running = new Map<Access, Turn>();
  readonly #waiting = new Set<Turn>();
  /** Those whose callers were told nothing yet. */
  readonly #unsettled = new Set<Turn>();
  /** Operations beyond their deadline. */
  readonly #late = new Set<Turn>();
  #whenSettled: (() => void)[] = [];

  constructor(clock: Clock, options: { readonly waitingMax: number }) {
    this.#clock = clock;
    this.#waitingMax = options.waitingMax;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether an operation is beyond its deadline: all that is asked for meanwhile comes to nothing at once. */
  get isHanging(): boolean {
    return this.#late.size > 0;
  }

  /**
   * What `task`, which never rejects, comes to; or `tooLate` where a deadline is over or too many wait. A task that is
   * late goes on, as nothing can stop it; one that has not begun when its caller is told so is not begun any more.
   */
  run<Outcome>(
    file: string,
    access: Access,
    task: () => Promise<Outcome>,
    tooLate: () => Outcome,
  ): Promise<Outcome> {
    if (this.isHanging || this.waiting >= this.#waitingMax) return Promise.resolve(tooLate());
    return new Promise((resolve) => {
      const turn: Turn = {
        file,
        access,
        take: async () => {
          const outcome = await task();
          if (this.#settle(turn)) resolve(outcome);
        },
        giveUp: () => {
          if (this.#settle(turn)) resolve(tooLate());
        },
        cancelDeadline: this.#clock.schedule(
          access === 'read' ? READ_DEADLINE_MS : WRITE_WAITING_DEADLINE_MS,
          () => {
            turn.giveUp();
          },
        ),
        cancelWatch: () => undefined,
      };
      this.#enter(turn);
    });
  }

  /** Resolves when every caller was told something. */
  settled(): Promise<void> {
    if (this.#unsettled.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenSettled.push(resolve);
    });
  }

  /** Waits a second for what was asked for, and gives up the rest. Nothing may be asked for any more. */
  async close(): Promise<void> {
    const cancel = this.#clock.schedule(CLOSE_DEADLINE_MS, () => {
      for (const turn of this.#unsettled) turn.giveUp();
    });
    await this.settled();
    cancel();
    for (const turn of this.#running.values()) turn.cancelWatch();
  }

  #enter(turn: Turn): void {
    this.#unsettled.add(turn);
    this.#waiting.add(turn);
    const line = this.#lines.get(turn.file);
    if (line === undefined) {
      this.#lines.set(turn.file, [turn]);
      this.#ready[turn.access].add(turn);
      this.#takeTurns();
    } else line.push(turn);
  }

  #takeTurns(): void {
    for (const access of ACCESSES) {
      const [turn] = this.#ready[access];
      if (turn !== undefined && !this.isHanging && !this.#running.has(access)) this.#begin(turn);
    }
  }

  #begin(turn: Turn): void {
    const { access } = turn;
    this.#waiting.delete(turn);
    this.#ready[access].delete(turn);
    this.#running.set(access, turn);
    // Once begun, a write may take as long as it needs.
    if (access === 'write') turn.cancelDeadline();
    turn.cancelWatch = this.#clock.schedule(OPERATION_DEADLINE_MS, () => {
      this.#late.add(turn);
      for (const each of [turn, ...this.#waiting]) each.giveUp();
    });
    void turn.take().then(() => {
      turn.cancelWatch();
      this.#late.delete(turn);
      this.#running.delete(access);
      this.#leave(turn);
    });
  }

  /** Whether this is the first that the caller is told. */
  #settle(turn: Turn): boolean {
    if (!this.#unsettled.delete(turn)) return false;
    turn.cancelDeadline();
    if (this.#waiting.delete(turn)) this.#leave(turn);
    if (this.#unsettled.size === 0) {
      for (const resolve of this.#whenSettled) resolve();
      this.#whenSettled = [];
    }
    return true;
  }

  /** Ends the turn, and gives it to the next one of its file. */
  #leave(turn: Turn): void {
    this.#ready[turn.access].delete(turn);
    const line = (this.#lines.get(turn.file) ?? []).filter((other) => other !== turn);
    const [first] = line;
    if (first === undefined) this.#lines.delete(turn.file);
    else {
      this.#lines.set(turn.file, line);
      if (this.#waiting.has(first)) this.#ready[first.access].add(first);
    }
    this.#takeTurns();
  }
}
