// The last versions of each payload: recorded behind everything else as they come, listed and read back for operators.
import type { Clock } from '../../domain/clock.js';
import { createConcurrencyLimit, type ConcurrencyLimit } from '../../domain/concurrency-limit.js';
import { payloadId, type PayloadKey } from '../../domain/payload-key.js';
import type { Payload } from '../../domain/payload.js';
import { inBackground } from '../../observability/in-background.js';
import type { Logger } from '../../observability/logger.js';
import type { Snapshots } from '../../storage/snapshots.js';
import type { FetchOutcome } from '../origin.js';
import type { HeldPayload, StoreListener } from '../payload-store.js';
import type { OutcomeListener, RefreshEffect } from '../refresher.js';
import { changeRecord, readRecord } from './stored-record.js';
import {
  bodyKey,
  listKey,
  newestWithin,
  readRecords,
  toRecord,
  type VersionRecord,
} from './version-record.js';
import { IdleWait } from '../idle-wait.js';

/** Payloads recorded at one time. */
const RECORDING_MAX = 2;

export interface HistoryPlace {
  readonly name: 'redis' | 'disk' | 'memory';
  readonly snapshots: Snapshots;
}

export interface HistoryOptions {
  /** Of one payload. */
  readonly versionsMax: number;
  /** Of one payload: of the bodies as they came. The newest is kept whatever its size. */
  readonly bytesMax: number;
  /** Whether versions of this payload are kept at all. */
  readonly keeps: (key: PayloadKey) => boolean;
  readonly instanceName: string;
}

interface Waiting {
  readonly held: HeldPayload;
  /** When it was first held, by the wall clock. */
  readonly atMs: number;
}

interface Job {
  readonly key: PayloadKey;
  /** All that is kept of it goes, before anything else is recorded. */
  mustForget: boolean;
  /** To be recorded in this order. */
  waiting: Waiting[];
}

/**
 * Nothing but what is being recorded is held here: lists and bodies are in the places. What a place lacks because it
 * failed at that moment it lacks for good; the versions after that are recorded again.
 */
export class VersionHistory implements StoreListener, OutcomeListener {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #places: readonly HistoryPlace[];
  readonly #options: HistoryOptions;
  readonly #limit: ConcurrencyLimit = createConcurrencyLimit(RECORDING_MAX);
  readonly #jobs = new Map<string, Job>();
  readonly #idleWait = new IdleWait();

  /** `places`: in the order in which bodies are looked for. */
  constructor(clock: Clock, log: Logger, places: readonly HistoryPlace[], options: HistoryOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#places = places;
    this.#options = options;
  }

  updated(held: HeldPayload): void {
    if (!this.#options.keeps(held.key)) return;
    const { waiting } = this.#jobOf(held.key);
    waiting.push({ held, atMs: this.#clock.nowMs() });
    while (waiting.length > 1 && this.#isTooMuch(waiting)) waiting.shift();
  }

  /** No place keeps more than that, so what came first would leave again. */
  #isTooMuch(waiting: readonly Waiting[]): boolean {
    const { versionsMax, bytesMax } = this.#options;
    const bytes = waiting.reduce((sum, { held }) => sum + held.payload.originForm.bytes.length, 0);
    return waiting.length > versionsMax || bytes > bytesMax;
  }

  /** What the origin refuses is kept nowhere, where refused payloads are removed. */
  fetched(key: PayloadKey, _outcome: FetchOutcome, effect: RefreshEffect): void {
    if (effect !== 'removed' || !this.#options.keeps(key)) return;
    const job = this.#jobOf(key);
    job.waiting = [];
    job.mustForget = true;
  }

  /** The newest first. Undefined where no place could be asked; never rejects. */
  async list(key: PayloadKey): Promise<readonly VersionRecord[] | undefined> {
    const readings = await Promise.all(
      this.#places.map(({ snapshots }) => readRecord(snapshots, listKey(key))),
    );
    const read = readings.flatMap((reading) => (reading.kind === 'read' ? [readRecords(reading.value)] : []));
    if (read.length === 0) return undefined;
    const byVersion = new Map<number, VersionRecord>();
    for (const record of read.flat()) {
      const known = byVersion.get(record.version);
      // Who had it first knows best where it came from.
      if (known === undefined || record.atMs < known.atMs) byVersion.set(record.version, record);
    }
    return newestWithin([...byVersion.values()], this.#options);
  }

  /** The body of a version; undefined where no place has it. Never rejects. */
  async load(key: PayloadKey, version: number): Promise<Payload | undefined> {
    for (const { snapshots } of this.#places) {
      const loading = await snapshots.load(bodyKey(key, version));
      if (loading.kind === 'found' && loading.snapshot.payload.version === version)
        return loading.snapshot.payload;
    }
    return undefined;
  }

  /** Keeps the body of a version that may never be in force here; whether a place has it now. Never rejects. */
  async keep(key: PayloadKey, payload: Payload): Promise<boolean> {
    const storings = await Promise.all(
      this.#places.map(({ snapshots }) => snapshots.save(bodyKey(key, payload.version), payload)),
    );
    return storings.some(({ kind }) => kind === 'stored');
  }

  /** Payloads with a version to be recorded. */
  get pending(): number {
    return this.#jobs.size;
  }

  /** Resolves when everything that was to be recorded is recorded, or has failed. */
  idle(): Promise<void> {
    if (this.#jobs.size === 0) return Promise.resolve();
    return this.#idleWait.wait();
  }

  /** The one that is under way, or a new one that begins behind what is done in this turn. */
  #jobOf(key: PayloadKey): Job {
    const id = payloadId(key);
    const running = this.#jobs.get(id);
    if (running !== undefined) return running;
    const job: Job = { key, mustForget: false, waiting: [] };
    this.#jobs.set(id, job);
    inBackground(
      this.#limit(() => this.#run(id, job)),
      this.#log,
    );
    return job;
  }

  async #run(id: string, job: Job): Promise<void> {
    try {
      for (;;) {
        if (job.mustForget) {
          job.mustForget = false;
          for (const { snapshots } of this.#places) await forgetAt(snapshots, job.key);
        }
        const next = job.waiting.shift();
        if (next === undefined) break;
        const record = toRecord(next.held, next.atMs, this.#options.instanceName);
        for (const place of this.#places) await this.#recordAt(place, next.held, record);
      }
    } finally {
      this.#jobs.delete(id);
      if (this.#jobs.size === 0) this.#idleWait.tell();
    }
  }

  async #recordAt(
    { name, snapshots }: HistoryPlace,
    { key, payload }: HeldPayload,
    record: VersionRecord,
  ): Promise<void> {
    const before = await readRecord(snapshots, listKey(key));
    if (before.kind === 'failed') return;
    const known = readRecords(before.value);
    if (known.some(({ version }) => version === record.version)) return;
    // Whoever brought it to this place records it there, unless it was there before anybody recorded anything.
    if (record.source === name && known.length > 0) return;
    const stored = await snapshots.save(bodyKey(key, record.version), payload);
    if (stored.kind !== 'stored') return;
    let dropped: readonly VersionRecord[] = [];
    const isListed = await changeRecord(this.#clock, snapshots, listKey(key), (value) => {
      const records = readRecords(value);
      if (records.some(({ version }) => version === record.version)) return undefined;
      const kept = newestWithin([record, ...records], this.#options);
      dropped = [record, ...records].filter((each) => !kept.includes(each));
      return kept;
    });
    if (!isListed) return;
    for (const { version } of dropped) await snapshots.remove(bodyKey(key, version));
  }
}

async function forgetAt(snapshots: Snapshots, key: PayloadKey): Promise<void> {
  const list = await readRecord(snapshots, listKey(key));
  if (list.kind === 'failed') return;
  for (const { version } of readRecords(list.value)) await snapshots.remove(bodyKey(key, version));
  await snapshots.remove(listKey(key));
}
