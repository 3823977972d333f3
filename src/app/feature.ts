// What each part of the app declares, and how all parts start, stop and report: app.ts only has to list them.
import type { Clock } from '../domain/clock.js';
import { atMost } from '../domain/deadline.js';
import type { Gauges } from '../observability/gauges.js';
import { readInstruments as to } from '../observability/instruments.js';
import type { Reader, WriteReading } from '../observability/metrics.js';
import type { KeyFilter } from './key-rows.js';
import type { Problem } from './problems.js';

export interface Feature {
  readonly name: string;
  /** Takes over what an earlier process left. All features do so at once, before the first one opens. */
  readonly prepare?: () => Promise<void>;
  /** Features open in the order of the list. */
  readonly open?: () => Promise<void> | void;
  /** Accepts nothing new and lets what is under way end, within a deadline of its own. All features do so at once. */
  readonly drain?: () => Promise<void> | void;
  /** Runs after all features have drained, in the reverse order of the list. */
  readonly close?: () => Promise<void> | void;
  /** What /metrics reads of it, besides its tables. */
  readonly readings?: Reader;
  /** How full its bounded tables are. */
  readonly gauges?: () => Gauges;
  /** Folders that cannot be used now: /v1/ready names them as well. */
  readonly unusable?: () => readonly Problem[];
  /** Whatever else is wrong now. */
  readonly problems?: () => readonly Problem[];
  /** Its members of /status; those about single SDK keys only for the keys that `shows` picks. */
  readonly status?: (shows: KeyFilter | undefined) => object;
}

/** A feature whose disk hangs must not delay the start for longer. */
const PREPARE_MS_MAX = 5_000;

export class Features {
  readonly #clock: Clock;
  readonly #features: Feature[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(...features: readonly Feature[]): void {
    this.#features.push(...features);
  }

  /** Rejects with the first failure; what was opened until then stays open. */
  async open(): Promise<void> {
    const preparing = this.#features.map(async ({ prepare }) => {
      if (prepare !== undefined) await atMost(this.#clock, PREPARE_MS_MAX, prepare());
    });
    await Promise.all(preparing);
    for (const { open } of this.#features) await open?.();
  }

  /** Also after a start that failed half-way. A failure stops no other feature from closing; the first is thrown at the end. */
  async close(): Promise<void> {
    const reversed = [...this.#features].reverse();
    const ends = await Promise.allSettled(reversed.map(async ({ drain }) => drain?.()));
    const failures = ends.flatMap((end): unknown[] => (end.status === 'rejected' ? [end.reason] : []));
    for (const { close } of reversed) {
      try {
        await close?.();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Everything that /metrics reads. */
  read(write: WriteReading): void {
    for (const { readings } of this.#features) readings?.(write);
    for (const [table, { entries, entriesMax }] of Object.entries(this.gauges)) {
      write(to.tableEntries, entries, table);
      write(to.tableEntriesMax, entriesMax, table);
    }
    for (const { reason, count } of this.problems) write(to.problems, count, reason);
  }

  get gauges(): Gauges {
    return this.#merged(({ gauges }) => gauges?.()) as Gauges;
  }

  /** In sentences. */
  get unusable(): readonly string[] {
    return this.#unusable.map(({ what }) => what);
  }

  get problems(): readonly Problem[] {
    return [...this.#unusable, ...this.#features.flatMap(({ problems }) => problems?.() ?? [])];
  }

  /** What clients meet first comes first. */
  status(shows: KeyFilter | undefined): object {
    return this.#merged(({ status }) => status?.(shows));
  }

  /** What the feature of this name has to show. */
  statusOf(name: string, shows?: KeyFilter): object {
    return this.#features.find((feature) => feature.name === name)?.status?.(shows) ?? {};
  }

  get #unusable(): readonly Problem[] {
    return this.#features.flatMap(({ unusable }) => unusable?.() ?? []);
  }

  #merged(of: (feature: Feature) => object | undefined): object {
    return Object.assign({}, ...[...this.#features].reverse().map(of)) as object;
  }
}
