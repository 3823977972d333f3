// A line whose members get their turn one after the other, with a pause between two turns.
import type { Cancel, Clock } from '../../../domain/clock.js';

export class PacedLine<Member> {
  readonly #clock: Clock;
  readonly #pauseMs: number;
  readonly #take: (member: Member) => void;
  readonly #members = new Set<Member>();
  #cancelPause: Cancel | undefined;

  constructor(clock: Clock, pauseMs: number, take: (member: Member) => void) {
    this.#clock = clock;
    this.#pauseMs = pauseMs;
    this.#take = take;
  }

  join(member: Member): void {
    this.#members.add(member);
    this.#takeNext();
  }

  leave(member: Member): void {
    this.#members.delete(member);
  }

  /** Its members get no turn any more. */
  clear(): void {
    this.#members.clear();
    this.#cancelPause?.();
  }

  #takeNext(): void {
    const [next] = this.#members;
    if (next === undefined || this.#cancelPause !== undefined) return;
    this.#members.delete(next);
    this.#cancelPause = this.#clock.schedule(this.#pauseMs, () => {
      this.#cancelPause = undefined;
      this.#takeNext();
    });
    this.#take(next);
  }
}
