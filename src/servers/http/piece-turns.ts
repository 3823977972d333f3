// Lets bodies that come in very many small pieces take turns, so that reading them never holds up everything else.
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { sourceOf } from './request-source.js';

/**
 * Of all bodies together, in one turn of the event loop. Honest ones come in pieces of some kB: this would be megabytes.
 * One read of a socket can bring 10,900 chunks of one byte, which take 13 ms.
 */
const PIECES_PER_TURN_MAX = 1_000;

export class PieceTurns {
  #pieces = 0;
  #isTurnAwaited = false;
  /** Not read from until their turn comes, in this order. */
  readonly #waiting = new Set<Readable>();

  /** To be called for each piece as it comes. */
  took(request: IncomingMessage): void {
    const source = sourceOf(request);
    this.#pieces += 1;
    if (this.#pieces > PIECES_PER_TURN_MAX && !this.#waiting.has(source)) {
      this.#waiting.add(source);
      // What this read brought still comes.
      source.on('resume', holdBack).pause();
    }
    this.#awaitTurn();
  }

  #awaitTurn(): void {
    if (this.#isTurnAwaited) return;
    this.#isTurnAwaited = true;
    setImmediate(() => {
      this.#isTurnAwaited = false;
      this.#pieces = 0;
      const [next] = this.#waiting;
      if (next === undefined) return;
      this.#waiting.delete(next);
      next.off('resume', holdBack).resume();
      this.#awaitTurn();
    });
  }
}

/** After every read, a request that flows makes its source flow. */
function holdBack(this: Readable): void {
  this.pause();
}
