// At most so many tasks at one time: clients whose tasks wait take turns, however many of them one client has.
import { FairPlaces } from '../domain/fair-places.js';

/** Something of a client's that waits for a turn, perhaps for several, one after the other. */
export interface TurnTaker {
  /** The client; those with an equal one share their turns. */
  readonly client: string;
  isTurnedAway: boolean;
  /** Ends its wait; does nothing while it does not wait. */
  wake: () => void;
}

export const TURNED_AWAY = 'turned-away';

/**
 * Who begins to wait while others do has its turn after one task of each client that waits already, at most: that is the
 * bound, whatever these clients have waiting.
 */
export class FairTurns {
  readonly #tasksMax: number;
  readonly #waiting = new FairPlaces<TurnTaker>(Infinity);
  #running = 0;

  constructor(tasksMax: number) {
    this.#tasksMax = tasksMax;
  }

  get running(): number {
    return this.#running;
  }

  async run<Result>(taker: TurnTaker, task: () => Promise<Result>): Promise<Result | typeof TURNED_AWAY> {
    if (taker.isTurnedAway) return TURNED_AWAY;
    if (this.#running < this.#tasksMax) this.#running += 1;
    else if (!(await this.#turnOf(taker))) return TURNED_AWAY;
    try {
      return await task();
    } finally {
      const next = this.#waiting.takeNext();
      if (next === undefined) this.#running -= 1;
      else next.wake();
    }
  }

  /** What it runs goes on; where it waits, it waits no longer. */
  turnAway(taker: TurnTaker): void {
    taker.isTurnedAway = true;
    if (this.#waiting.remove(taker)) taker.wake();
  }

  /** False where it was turned away instead. */
  async #turnOf(taker: TurnTaker): Promise<boolean> {
    await new Promise<void>((resolve) => {
      taker.wake = resolve;
      this.#waiting.add(taker, taker.client);
    });
    return !taker.isTurnedAway;
  }
}
