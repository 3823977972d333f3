// Answers a bounded number of calls per turn of the event loop, so that a rush of them holds nothing else up.

/** About 5 ms of work. One read of a socket can bring a thousand calls. */
const CALLS_PER_TURN_MAX = 50;

export class CallTurns {
  /** In the order in which they came. */
  readonly #waiting: (() => void)[] = [];
  #left = CALLS_PER_TURN_MAX;
  #isTurnAwaited = false;

  /** Calls `answer` at once, or in its turn. */
  take(answer: () => void): void {
    this.#awaitTurn();
    if (this.#left === 0) {
      this.#waiting.push(answer);
      return;
    }
    this.#left -= 1;
    answer();
  }

  #awaitTurn(): void {
    if (this.#isTurnAwaited) return;
    this.#isTurnAwaited = true;
    setImmediate(() => {
      this.#isTurnAwaited = false;
      const due = this.#waiting.splice(0, CALLS_PER_TURN_MAX);
      this.#left = CALLS_PER_TURN_MAX - due.length;
      if (due.length > 0) this.#awaitTurn();
      for (const answer of due) answer();
    });
  }
}
