// Answers of /api/v1 that many pages ask for at one time: made once, and given to all until something changes or a second is over.
import type { Clock } from '../../domain/clock.js';

const FRESH_MS = 1_000;
/** Of all answers that are kept. */
const BYTES_MAX = 8 * 1024 * 1024;

export class AnswerCache {
  readonly #clock: Clock;
  readonly #changes: () => number;
  readonly #answers = new Map<string, Buffer>();
  #bytes = 0;
  #sinceMs = 0;
  #sinceChange = 0;

  /** `changes`: how many there were so far. */
  constructor(clock: Clock, changes: () => number) {
    this.#clock = clock;
    this.#changes = changes;
  }

  /** `question`: its path and query. Whoever is given an answer may have every other one to the same question. */
  answer(question: string, make: () => object): Buffer {
    this.#forget();
    const known = this.#answers.get(question);
    if (known !== undefined) return known;
    const bytes = toBytes(make());
    if (this.#bytes + bytes.length <= BYTES_MAX) {
      this.#answers.set(question, bytes);
      this.#bytes += bytes.length;
    }
    return bytes;
  }

  /** All at once: none is older than a second, and none is from before a change. */
  #forget(): void {
    const [nowMs, change] = [this.#clock.monotonicMs(), this.#changes()];
    if (nowMs - this.#sinceMs < FRESH_MS && change === this.#sinceChange) return;
    this.#answers.clear();
    this.#bytes = 0;
    this.#sinceMs = nowMs;
    this.#sinceChange = change;
  }
}

export function toBytes(body: object): Buffer {
  return Buffer.from(`${JSON.stringify(body)}\n`);
}
