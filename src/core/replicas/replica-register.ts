// Which replicas share something, and what each of them holds: every one says so of itself, and what says nothing for long is gone.
import type { Cancel, Clock } from '../../domain/clock.js';
import { inBackground } from '../../observability/in-background.js';
import type { Logger } from '../../observability/logger.js';
import type { Snapshots } from '../../storage/snapshots.js';
import { changeRecord, readRecord, toRecordPayload } from '../versions/stored-record.js';
import {
  readIds,
  readReplica,
  replicaKey,
  REPLICAS_KEY,
  type ReplicaFacts,
  type ReplicaRecord,
} from './replica-record.js';

/** Between two words of a replica; sooner where it holds something else. */
const SAID_EVERY_MS = 10_000;
const SAID_SOON_MS = 1_000;
/** What has said nothing for so long is gone: it may miss two words. */
export const GONE_AFTER_MS = 35_000;
/** Of one fleet; those that came first are left out. */
export const REPLICAS_MAX = 100;
/** What was read a moment ago is as good: many may look at one time. */
const READ_AGAIN_AFTER_MS = 1_000;

export interface KnownReplica extends ReplicaRecord {
  /** By the clock of what they share. */
  readonly saidAgoMs: number;
}

interface Others {
  readonly present: readonly KnownReplica[];
  /** Ids of those that are listed, and have said nothing for too long. */
  readonly gone: readonly string[];
}

export interface RegisterOptions {
  readonly own: ReplicaFacts;
  /** Of what is held here now. */
  readonly versions: () => ReplicaRecord['versions'];
  /** One replica looks for those that are gone. */
  readonly isLeader: () => boolean;
}

export class ReplicaRegister {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #shared: Snapshots;
  readonly #options: RegisterOptions;
  /** What was written last, as text, and the number that it has. */
  #written = '';
  #number = 0;
  #ids: readonly string[] = [];
  #cancel: Cancel = () => undefined;
  #dueMs = Infinity;
  #isStopped = false;
  #saying: Promise<void> = Promise.resolve();
  #read: { readonly atMs: number; readonly others: Promise<Others> } | undefined;

  constructor(clock: Clock, log: Logger, shared: Snapshots, options: RegisterOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#shared = shared;
    this.#options = options;
  }

  start(): void {
    this.#saying = this.#say();
    inBackground(
      this.#saying.finally(() => {
        this.#scheduleIn(SAID_EVERY_MS);
      }),
      this.#log,
    );
  }

  /** Something else is held now. */
  changed(): void {
    // Else a word is under way, or due soon, and the one after it will have it.
    if (this.#dueMs - this.#clock.monotonicMs() > SAID_SOON_MS && this.#dueMs !== Infinity)
      this.#scheduleIn(SAID_SOON_MS);
  }

  /** Takes this replica out, so that nobody waits for its next word. Never rejects. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await this.#saying;
    await this.#takeOut([this.#options.own.id]);
  }

  /** Of the replicas that are listed, this one included, as last read. */
  get ids(): readonly string[] {
    return this.#ids;
  }

  /** Every replica that has said something lately, this one as it is now. Never rejects. */
  async all(): Promise<readonly KnownReplica[]> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#read === undefined || nowMs - this.#read.atMs > READ_AGAIN_AFTER_MS)
      this.#read = { atMs: nowMs, others: this.#readOthers() };
    const { present } = await this.#read.others;
    return [{ ...this.#record, saidAgoMs: 0 }, ...present];
  }

  get #record(): ReplicaRecord {
    return { ...this.#options.own, versions: this.#options.versions() };
  }

  #scheduleIn(delayMs: number): void {
    this.#cancel();
    if (this.#isStopped) return;
    this.#dueMs = this.#clock.monotonicMs() + delayMs;
    this.#cancel = this.#clock.schedule(delayMs, () => {
      this.#dueMs = Infinity;
      this.start();
    });
  }

  async #readOthers(): Promise<Others> {
    const listed = await readRecord(this.#shared, REPLICAS_KEY);
    const ids = listed.kind === 'failed' ? [] : readIds(listed.value);
    const others = ids.filter((id) => id !== this.#options.own.id).slice(-REPLICAS_MAX);
    const read = await Promise.all(others.map(async (id) => ({ id, state: await this.#readOne(id) })));
    return {
      present: read.flatMap(({ state }) => (typeof state === 'string' ? [] : [state])),
      gone: read.flatMap(({ id, state }) => (state === 'gone' ? [id] : [])),
    };
  }

  async #readOne(id: string): Promise<KnownReplica | 'gone' | 'unreadable'> {
    const reading = await readRecord(this.#shared, replicaKey(id));
    if (reading.kind === 'failed') return 'unreadable';
    if (reading.agoMs > GONE_AFTER_MS) return 'gone';
    const record = readReplica(reading.value);
    return record === undefined ? 'unreadable' : { ...record, saidAgoMs: reading.agoMs };
  }

  async #say(): Promise<void> {
    const record = this.#record;
    const text = JSON.stringify(record);
    const key = replicaKey(record.id);
    const isSaid =
      text === this.#written && (await this.#shared.confirm(key, this.#number)).kind === 'stored';
    if (!isSaid) {
      this.#number += 1;
      const stored = await this.#shared.save(key, toRecordPayload(this.#number, record));
      this.#written = stored.kind === 'stored' ? text : '';
    }
    await this.#enlist(record.id);
    if (!this.#options.isLeader()) return;
    const { gone } = await this.#readOthers();
    this.#ids = this.#ids.filter((id) => !gone.includes(id));
    await this.#takeOut(gone);
  }

  async #enlist(own: string): Promise<void> {
    const listed = await readRecord(this.#shared, REPLICAS_KEY);
    if (listed.kind === 'failed') return;
    this.#ids = [...new Set([...readIds(listed.value), own])].sort();
    if (readIds(listed.value).includes(own)) return;
    await changeRecord(this.#clock, this.#shared, REPLICAS_KEY, (value) => {
      const ids = readIds(value);
      return ids.includes(own) ? undefined : [...ids, own].slice(-REPLICAS_MAX);
    });
  }

  async #takeOut(gone: readonly string[]): Promise<void> {
    if (gone.length === 0) return;
    await changeRecord(this.#clock, this.#shared, REPLICAS_KEY, (value) => {
      const ids = readIds(value);
      return ids.some((id) => gone.includes(id)) ? ids.filter((id) => !gone.includes(id)) : undefined;
    });
    for (const id of gone) await this.#shared.remove(replicaKey(id));
  }
}
