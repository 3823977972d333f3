// Loads what other replicas have stored: told by a message or seen in Redis, one load per payload at a time.
import type { Clock } from '../domain/clock.js';
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import { isNewer } from '../domain/version.js';
import { inBackground } from '../observability/in-background.js';
import type { Logger } from '../observability/logger.js';
import type { FleetLink } from '../storage/fleet-link.js';
import type { Poller } from './poller.js';
import type { Backups } from './backups.js';
import type { PayloadStore } from './payload-store.js';

export interface CatchUpRooms {
  readonly store: PayloadStore;
  readonly poller: Poller;
  readonly backups: Backups;
  /** Whether the origin refuses the payload's key, so that it was dropped here. */
  readonly isRefused: (key: PayloadKey) => boolean;
  /** Whether an operator decided that this very version is served: then no other is caught up with. */
  readonly isDemanded?: (key: PayloadKey, version: number) => boolean;
}

export class CatchUp {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #link: FleetLink;
  readonly #rooms: CatchUpRooms;
  /** Payloads by the names that messages have for them. */
  readonly #keys = new Map<string, PayloadKey>();
  /** These names by the payloads' ids: each takes a hash, and is made once. */
  readonly #names = new Map<string, string>();
  /** The newest version heard of, of payloads that are being loaded. */
  readonly #loading = new Map<string, { version: number; readonly done: Promise<void> }>();
  /** Versions that turned out to be unusable as they are stored, by payload: they are not loaded again and again. */
  readonly #useless = new Map<string, number>();
  #isStopped = false;

  constructor(clock: Clock, log: Logger, link: FleetLink, rooms: CatchUpRooms) {
    this.#clock = clock;
    this.#log = log;
    this.#link = link;
    this.#rooms = rooms;
  }

  /** The payload is watched from now on. */
  know(key: PayloadKey): void {
    const id = payloadId(key);
    if (this.#names.has(id)) return;
    const name = this.#link.entryName(key);
    this.#names.set(id, name);
    this.#keys.set(name, key);
  }

  /** Exactly these payloads are watched. */
  knowOnly(keys: readonly PayloadKey[]): void {
    const ids = new Set(keys.map(payloadId));
    for (const id of [...this.#names.keys(), ...this.#useless.keys()]) if (!ids.has(id)) this.#forget(id);
    for (const key of keys) this.know(key);
  }

  forget(key: PayloadKey): void {
    this.#forget(payloadId(key));
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** A message says that this version is stored. */
  heardByName(entryName: string, version: number): void {
    const key = this.#keys.get(entryName);
    if (key !== undefined) this.heard(key, version);
  }

  heard(key: PayloadKey, version: number): void {
    inBackground(this.upTo(key, version), this.#log);
  }

  /** Whether what is held is as new as this version, if need be after loading that. Never rejects. */
  async upTo(key: PayloadKey, version: number): Promise<boolean> {
    if (this.#isBehind(key, version)) await this.#load(key, version);
    return !this.#isBehind(key, version);
  }

  #isBehind(key: PayloadKey, version: number): boolean {
    const { store, isDemanded } = this.#rooms;
    const held = store.peek(key)?.payload.version;
    if (held === undefined) return true;
    return isDemanded?.(key, held) !== true && this.#isNewer(version, held);
  }

  #isNewer(version: number, other: number): boolean {
    return isNewer(version, other, this.#clock.nowMs());
  }

  #forget(id: string): void {
    this.#keys.delete(this.#names.get(id) ?? '');
    this.#names.delete(id);
    this.#useless.delete(id);
  }

  /** A version that is heard of while another is loaded is loaded after it. */
  #load(key: PayloadKey, version: number): Promise<void> {
    const id = payloadId(key);
    const running = this.#loading.get(id);
    if (running !== undefined) {
      if (this.#isNewer(version, running.version)) running.version = version;
      return running.done;
    }
    if (this.#useless.get(id) === version) return Promise.resolve();
    const done = this.#loadUntilCurrent(key, id).finally(() => this.#loading.delete(id));
    this.#loading.set(id, { version, done });
    return done;
  }

  async #loadUntilCurrent(key: PayloadKey, id: string): Promise<void> {
    for (;;) {
      // After what called this has returned, so that the entry of this load is there.
      await Promise.resolve();
      const version = this.#loading.get(id)?.version ?? 0;
      if (!this.#isWanted(key) || !this.#isBehind(key, version)) return;
      const { backups } = this.#rooms;
      const wasAsked = await backups.catchUpFrom('redis', key, () => this.#isWanted(key));
      if (!this.#isBehind(key, version)) {
        this.#useless.delete(id);
        backups.saveElsewhere('redis', key);
      } else if (this.#loading.get(id)?.version === version) {
        if (wasAsked && this.#isWanted(key)) this.#useless.set(id, version);
        return;
      }
    }
  }

  /** Not a payload that has left meanwhile to make room: it would push out what a client has asked for. */
  #isWanted(key: PayloadKey): boolean {
    return !this.#isStopped && this.#rooms.poller.stateOf(key) !== undefined && !this.#rooms.isRefused(key);
  }
}
