// The audit log: what operators did, and what changed what clients get, written in order to every place that takes it.
import type { Cancel, Clock } from '../../domain/clock.js';
import { inBackground } from '../../observability/in-background.js';
import type { Logger } from '../../observability/logger.js';
import type { AuditEvent } from './audit-line.js';

/** Where lines are chained and kept. Nothing rejects. */
export interface AuditPlace {
  /** Whether events that every replica has of its own are kept there as well. */
  readonly takesEvery: boolean;
  /** False where they could not be written: they are brought again. */
  append(events: readonly AuditEvent[]): Promise<boolean>;
  /** The newest lines as they are written, the newest last; undefined where they cannot be read. */
  newest(linesMax: number): Promise<readonly string[] | undefined>;
  close(): Promise<void>;
}

/** Of one place that takes nothing: the oldest are given up, which the log says. */
const WAITING_MAX = 10_000;
const AT_ONCE_MAX = 500;
/** Between tries, where a place did not take them. */
const AGAIN_MS = 5_000;

interface Sink {
  readonly place: AuditPlace;
  readonly waiting: AuditEvent[];
  writing: Promise<void>;
  isBusy: boolean;
  cancel: Cancel;
}

export class AuditLog {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #sinks: readonly Sink[];
  #isClosed = false;

  constructor(clock: Clock, log: Logger, places: readonly AuditPlace[]) {
    this.#clock = clock;
    this.#log = log;
    this.#sinks = places.map((place) => ({
      place,
      waiting: [],
      writing: Promise.resolve(),
      isBusy: false,
      cancel: () => undefined,
    }));
  }

  /** `isOfAll`: it concerns the fleet, and not this replica alone. */
  record(event: AuditEvent, isOfAll: boolean): void {
    for (const sink of this.#sinks) {
      if (!isOfAll && !sink.place.takesEvery) continue;
      sink.waiting.push(event);
      if (sink.waiting.length > WAITING_MAX) {
        sink.waiting.splice(0, AT_ONCE_MAX);
        this.#log.error({ lines: AT_ONCE_MAX }, 'audit lines given up: their place takes nothing');
      }
      this.#write(sink);
    }
  }

  /** From the first place that can be read; undefined where none can. */
  async newest(linesMax: number): Promise<readonly string[] | undefined> {
    for (const { place } of this.#sinks) {
      const lines = await place.newest(linesMax);
      if (lines !== undefined) return lines;
    }
    return undefined;
  }

  get waiting(): { readonly entries: number; readonly entriesMax: number } {
    const entries = Math.max(0, ...this.#sinks.map(({ waiting }) => waiting.length));
    return { entries, entriesMax: WAITING_MAX };
  }

  /** What waits is tried once more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const sink of this.#sinks) {
      await sink.writing;
      sink.cancel();
      if (sink.waiting.length > 0) await sink.place.append(sink.waiting);
      await sink.place.close();
    }
  }

  #write(sink: Sink): void {
    if (sink.isBusy || this.#isClosed) return;
    sink.isBusy = true;
    sink.writing = this.#writeAll(sink);
    inBackground(sink.writing, this.#log);
  }

  async #writeAll(sink: Sink): Promise<void> {
    try {
      // What comes in the same turn is written together.
      await Promise.resolve();
      while (sink.waiting.length > 0 && !this.#isClosed) {
        if (await this.#writeSome(sink)) continue;
        sink.cancel();
        sink.cancel = this.#clock.schedule(AGAIN_MS, () => {
          this.#write(sink);
        });
        return;
      }
    } finally {
      // In the same turn in which nothing was left: what comes after it begins anew.
      sink.isBusy = false;
    }
  }

  async #writeSome({ place, waiting }: Sink): Promise<boolean> {
    const events = waiting.slice(0, AT_ONCE_MAX);
    const isWritten = await place.append(events);
    // Others may have come, or the oldest been given up.
    if (isWritten) waiting.splice(0, waiting.findLastIndex((event) => events.includes(event)) + 1);
    return isWritten;
  }
}
