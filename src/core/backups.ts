// The places that outlive the process, as one: restored from in their order, written to behind everybody's back.
import type { Clock } from '../domain/clock.js';
import { Listeners } from '../domain/listeners.js';
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import { createConcurrencyLimit, type ConcurrencyLimit } from '../domain/concurrency-limit.js';
import type { Logger } from '../observability/logger.js';
import type { FetchOutcome } from './origin.js';
import type { Loading, LoadPatience, Snapshot, SnapshotFault, Snapshots } from '../storage/snapshots.js';
import { BackupWriter, type Written } from './backup-writer.js';
import type { HeldPayload, PayloadStore } from './payload-store.js';
import type { OutcomeListener, RefreshEffect, Told } from './refresher.js';

/** Bodies read from backups at one time for clients and polls; as many for what other replicas have stored. */
const LOADS_IN_FLIGHT_MAX = 8;

export type PlaceName = 'redis' | 'disk';

export interface BackupPlace {
  readonly name: PlaceName;
  readonly snapshots: Snapshots;
}

export interface Restored {
  readonly held: HeldPayload;
  readonly place: PlaceName;
  readonly confirmedAgoMs: number;
}

/** Told what it wants to know. */
export interface BackupListener {
  /** A version from a backup is held now. */
  restored?(restored: Restored): void;
  /** The stored entry cannot be used: reported once for a held payload, until something else happens in that place. */
  unusable?(key: PayloadKey, place: PlaceName, fault: SnapshotFault): void;
  /** Another process confirmed the payload at this place, so long before we did. */
  confirmedByOthers?(key: PayloadKey, place: PlaceName, agoMs: number): void;
  /** A place has a newer version than was to be written there. */
  newer?(key: PayloadKey, place: PlaceName, version: number): void;
}

/** What became of the operations on one payload in one place. Times by the wall clock. */
export interface BackupState {
  /** Of the last one, in words. */
  readonly last: string;
  readonly lastAtMs: number;
  /** When what was held was last seen to be stored there. */
  readonly storedAtMs: number | undefined;
  /** Operations that failed, in a row. */
  readonly failures: number;
}

interface Place extends BackupPlace {
  readonly writer: BackupWriter;
  readonly last: Map<string, BackupState>;
}

export class Backups implements OutcomeListener {
  readonly #clock: Clock;
  readonly #store: PayloadStore;
  readonly #listeners = new Listeners<BackupListener>();
  readonly #places: readonly Place[];
  readonly #restoring: ConcurrencyLimit = createConcurrencyLimit(LOADS_IN_FLIGHT_MAX);
  readonly #catchingUp: ConcurrencyLimit = createConcurrencyLimit(LOADS_IN_FLIGHT_MAX);

  constructor(clock: Clock, log: Logger, store: PayloadStore, places: readonly BackupPlace[]) {
    this.#clock = clock;
    this.#store = store;
    this.#places = places.map((place) => {
      const last = new Map<string, BackupState>();
      const writer = new BackupWriter(clock, log, place.snapshots, store, (key, written) => {
        this.#written(place.name, last, key, written);
      });
      return { ...place, writer, last };
    });
  }

  subscribe(listener: BackupListener): void {
    this.#listeners.add(listener);
  }

  /** Holds what the first place has of the payload; undefined if none has it or there is no room. Never rejects. */
  restore(key: PayloadKey): Promise<Restored | undefined> {
    return this.#restoring(async () => {
      for (const place of this.#places) {
        const { restored } = await this.#restoreFrom(place, key, 'client');
        if (restored !== undefined) return restored;
      }
      return undefined;
    });
  }

  /**
   * The same from one place: whether that could be asked. What it had is held then, if it is newer, of any use, and
   * still wanted.
   */
  async catchUpFrom(name: PlaceName, key: PayloadKey, isWanted: () => boolean): Promise<boolean> {
    const place = this.#places.find((candidate) => candidate.name === name);
    if (place === undefined) return false;
    const { loaded } = await this.#catchingUp(() => this.#restoreFrom(place, key, 'background', isWanted));
    return loaded.kind !== 'failed';
  }

  fetched(key: PayloadKey, _outcome: FetchOutcome, effect: RefreshEffect): void {
    for (const { writer } of this.#places) {
      if (effect === 'stored') writer.save(key);
      else if (effect === 'confirmed') writer.confirm(key);
      else if (effect === 'removed') writer.remove(key);
    }
  }

  heard(key: PayloadKey, told: Told, effect: RefreshEffect): void {
    this.fetched(key, told, effect);
  }

  /** What is held was put in force by an operator. */
  save(key: PayloadKey): void {
    for (const { writer } of this.#places) writer.save(key);
  }

  /** The place is seen to have less than what is held. */
  saveAt(place: PlaceName, key: PayloadKey): void {
    for (const { name, writer } of this.#places) if (name === place) writer.save(key);
  }

  /** What is held came from this place. */
  saveElsewhere(place: PlaceName, key: PayloadKey): void {
    for (const { name, writer } of this.#places) if (name !== place) writer.save(key);
  }

  /** Another replica has just confirmed what is held, and has written that to this place. */
  confirmElsewhere(place: PlaceName, key: PayloadKey): void {
    for (const { name, writer } of this.#places) if (name !== place) writer.confirm(key);
  }

  /** The payload is held no more. */
  forget(key: PayloadKey): void {
    for (const { last } of this.#places) last.delete(payloadId(key));
  }

  /** What became of the last operation on the payload, by place. */
  lastOf(key: PayloadKey): Readonly<Partial<Record<PlaceName, string>>> {
    return Object.fromEntries(this.#places.map(({ name, last }) => [name, last.get(payloadId(key))?.last]));
  }

  /** The same with times and failures; undefined for a place without an operation on it. */
  statesOf(
    key: PayloadKey,
  ): readonly { readonly place: PlaceName; readonly state: BackupState | undefined }[] {
    return this.#places.map(({ name, last }) => ({ place: name, state: last.get(payloadId(key)) }));
  }

  /** Payloads with something to be written, by place. */
  get pending(): Readonly<Partial<Record<PlaceName, number>>> {
    return Object.fromEntries(this.#places.map(({ name, writer }) => [name, writer.pending]));
  }

  /** No removal that failed is tried again. */
  stop(): void {
    for (const { writer } of this.#places) writer.stop();
  }

  /** Resolves when everything that was to be written is written, or has failed. */
  async idle(): Promise<void> {
    await Promise.all(this.#places.map(({ writer }) => writer.idle()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#places.map(({ snapshots }) => snapshots.close()));
  }

  async #restoreFrom(
    { name, snapshots, last }: Place,
    key: PayloadKey,
    patience: LoadPatience,
    isWanted = (): boolean => true,
  ): Promise<{ readonly loaded: Loading; readonly restored?: Restored }> {
    const loaded = await snapshots.load(key, patience);
    const restored =
      loaded.kind === 'found' && isWanted() ? this.#hold(name, key, loaded.snapshot) : undefined;
    this.#tell(name, last, key, loaded);
    return restored === undefined ? { loaded } : { loaded, restored };
  }

  #hold(place: PlaceName, key: PayloadKey, snapshot: Snapshot): Restored | undefined {
    const { payload } = snapshot;
    // Where nobody wrote when it was confirmed: it was when it was made.
    const confirmedAgoMs = Number.isFinite(snapshot.confirmedAgoMs)
      ? snapshot.confirmedAgoMs
      : Math.max(0, this.#clock.nowMs() - payload.version);
    const arrival = { confirmedAgoMs, source: place, from: snapshot.confirmedBy };
    const isNew = this.#store.apply(key, payload, arrival);
    const held = this.#store.peek(key);
    if (held === undefined) return undefined;
    const restored = { held, place, confirmedAgoMs };
    if (isNew) this.#listeners.tell((listener) => listener.restored?.(restored));
    return restored;
  }

  #written(place: PlaceName, last: Place['last'], key: PayloadKey, written: Written): void {
    this.#tell(place, last, key, written);
    this.#listeners.tell((listener) => {
      if (written.kind === 'stored' && written.othersAgoMs !== undefined) {
        listener.confirmedByOthers?.(key, place, written.othersAgoMs);
      }
      if (written.kind === 'newer') listener.newer?.(key, place, written.version);
    });
  }

  #tell(place: PlaceName, last: Place['last'], key: PayloadKey, done: Loading | Written): void {
    const id = payloadId(key);
    const before = last.get(id);
    const now = inWords(done);
    const isNews = before?.last !== now;
    // Nothing is remembered of payloads that nobody holds: strangers name as many as they like.
    if (this.#store.peek(key) !== undefined) {
      const lastAtMs = this.#clock.nowMs();
      last.set(id, {
        last: now,
        lastAtMs,
        storedAtMs: done.kind === 'stored' ? lastAtMs : before?.storedAtMs,
        failures: done.kind === 'failed' ? (before?.failures ?? 0) + 1 : 0,
      });
    }
    if (done.kind === 'unusable' && isNews) {
      this.#listeners.tell((listener) => listener.unusable?.(key, place, done.fault));
    }
  }
}

function inWords(done: Loading | Written): string {
  if (done.kind === 'unusable') return `unusable: ${done.fault}`;
  return done.kind === 'failed' ? `failed: ${done.reason}` : done.kind;
}
