// What changed lately, as numbered events: a bounded number of them, so that a reader who was away for a moment misses nothing.
import { Listeners } from '../../domain/listeners.js';
import { ownBytes } from '../../domain/own-copy.js';
import { eventFrame } from '../http/event-stream.js';
import type { EVENT_DATA } from './openapi/event-schemas.js';

export type ChangeName = Exclude<keyof typeof EVENT_DATA, 'reset' | 'end'>;

export const CHANGES_MAX = 1_000;
/** Of all events that are kept. */
export const CHANGE_BYTES_MAX = 256 * 1024;

export class ChangeLog {
  /** Begins every id: numbers of another process say nothing here. */
  readonly #epoch: string;
  readonly #listeners = new Listeners<(frame: Buffer) => void>();
  /** The oldest first; the last one has the number `#newest`. */
  readonly #frames: Buffer[] = [];
  #bytes = 0;
  #newest = 0;

  /** `epoch`: of this process alone, of characters that may stand in a header. */
  constructor(epoch: string) {
    this.#epoch = epoch;
  }

  /** How many were published so far. */
  get count(): number {
    return this.#newest;
  }

  publish(event: ChangeName, data: object): void {
    this.#newest += 1;
    const frame = ownBytes([eventFrame(event, JSON.stringify(data), this.#idOf(this.#newest))]);
    this.#frames.push(frame);
    this.#bytes += frame.length;
    while (this.#frames.length > CHANGES_MAX || this.#bytes > CHANGE_BYTES_MAX)
      this.#bytes -= this.#frames.shift()?.length ?? 0;
    this.#listeners.tell((listener) => {
      listener(frame);
    });
  }

  /** What a reader needs who saw the event with this id last: what came since, or word that this is not known. */
  since(id: string | undefined): readonly Buffer[] {
    const seen = this.#readId(id);
    const missed = seen === undefined ? Infinity : this.#newest - seen;
    if (missed > this.#frames.length) return [eventFrame('reset', '{}', this.#idOf(this.#newest))];
    return missed === 0 ? [] : this.#frames.slice(-missed);
  }

  /** Returns what ends the subscription. */
  subscribe(listener: (frame: Buffer) => void): () => void {
    return this.#listeners.add(listener);
  }

  #idOf(sequence: number): string {
    return `${this.#epoch}-${sequence}`;
  }

  /** Undefined for an id that is none of ours. */
  #readId(id: string | undefined): number | undefined {
    const [, epoch, digits] = /^(.{1,64})-(\d{1,15})$/.exec(id ?? '') ?? [];
    const sequence = Number(digits);
    return epoch === this.#epoch && sequence <= this.#newest ? sequence : undefined;
  }
}
