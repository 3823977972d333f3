// Keeps what operators decided in every place that outlives the process, and learns there what other replicas' operators did.
import type { Cancel, Clock } from '../../domain/clock.js';
import type { PayloadKey } from '../../domain/payload-key.js';
import { inBackground } from '../../observability/in-background.js';
import type { Logger } from '../../observability/logger.js';
import type { Snapshots } from '../../storage/snapshots.js';
import { changeRecord, readRecord, recordKind } from '../versions/stored-record.js';
import { holdId, mergeHolds, readHolds, ruleOf, type Hold, type HoldRule } from './hold.js';
import type { Holds } from './holds.js';

/** Between looks at what all replicas share: all of them do the same within a second. */
const LOOK_EVERY_MS = 500;

const HOLDS_KEY: PayloadKey = {
  sdkKey: 'all',
  kind: recordKind('holds', '/holds'),
  format: 'json',
};

export interface HoldPlace {
  readonly snapshots: Snapshots;
  /** Other processes write there too: it is looked at all the time, and not only at the start. */
  readonly isShared: boolean;
}

export interface HoldListener {
  /** `rule`: what the hold means from now on; undefined where it is over. */
  changed(hold: Hold, rule: HoldRule | undefined): void;
  /** A place that lacked the hold has it now; never rejects. */
  stored?(hold: Hold): Promise<void>;
}

interface Place extends HoldPlace {
  /** What is known to be stored there, as text. */
  stored: string | undefined;
}

export class HoldKeeper {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #holds: Holds;
  readonly #places: readonly Place[];
  readonly #listener: HoldListener;
  /** What each hold meant when it was last told, with the hold as text. */
  readonly #told = new Map<string, string>();
  #cancel: Cancel = () => undefined;
  #isStopped = false;
  #looking: Promise<void> | undefined;

  constructor(clock: Clock, log: Logger, holds: Holds, places: readonly HoldPlace[], listener: HoldListener) {
    this.#clock = clock;
    this.#log = log;
    this.#holds = holds;
    this.#places = places.map((place) => ({ ...place, stored: undefined }));
    this.#listener = listener;
  }

  /** What is stored now is known then, as far as places can be asked. Never rejects. */
  async look(): Promise<void> {
    // One that is under way may have read before this.
    await this.#looking;
    await this.#look();
  }

  start(): void {
    this.#cancel = this.#clock.schedule(LOOK_EVERY_MS, () => {
      inBackground(
        this.#look().finally(() => {
          if (!this.#isStopped) this.start();
        }),
        this.#log,
      );
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  /** In force here at once. Whether it is stored in every place; where it is not, that is tried again with each look. */
  async put(hold: Hold): Promise<boolean> {
    this.#learn([hold]);
    await this.look();
    const text = JSON.stringify(this.#holds.all);
    return this.#places.every(({ stored }) => stored === text);
  }

  async #look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
  }

  async #lookOnce(): Promise<void> {
    for (const place of this.#places) {
      if (!place.isShared && place.stored === JSON.stringify(this.#holds.all)) continue;
      await this.#exchange(place);
    }
    this.#tellChanges();
  }

  /** What is stored there is learned, and what it lacks is written. */
  async #exchange(place: Place): Promise<void> {
    const reading = await readRecord(place.snapshots, HOLDS_KEY);
    if (reading.kind === 'failed') {
      place.stored = undefined;
      return;
    }
    const before = readHolds(reading.value);
    this.#learn(before);
    const { all } = this.#holds;
    const merged = JSON.stringify(all);
    const isStored = JSON.stringify(reading.value ?? []) === merged;
    place.stored = isStored || (await this.#write(place)) ? merged : undefined;
    if (isStored || place.stored === undefined) return;
    const known = new Set(before.map((hold) => JSON.stringify(hold)));
    for (const hold of all) if (!known.has(JSON.stringify(hold))) await this.#listener.stored?.(hold);
  }

  async #write({ snapshots }: Place): Promise<boolean> {
    return await changeRecord(this.#clock, snapshots, HOLDS_KEY, (value) => {
      const before = readHolds(value);
      const merged = mergeHolds(before, this.#holds.all, this.#clock.nowMs());
      return JSON.stringify(merged) === JSON.stringify(value) ? undefined : merged;
    });
  }

  #learn(holds: readonly Hold[]): void {
    this.#holds.replace(mergeHolds(this.#holds.all, holds, this.#clock.nowMs()));
    this.#tellChanges();
  }

  #tellChanges(): void {
    const ids = new Set<string>();
    for (const hold of this.#holds.all) {
      const id = holdId(hold);
      ids.add(id);
      const rule = ruleOf(hold, this.#clock.nowMs());
      const now = JSON.stringify([hold, rule]);
      if (this.#told.get(id) === now) continue;
      const isNew = !this.#told.has(id);
      this.#told.set(id, now);
      // One that was over before this process heard of it changes nothing.
      if (isNew && rule === undefined) continue;
      this.#listener.changed(hold, rule);
    }
    for (const id of this.#told.keys()) if (!ids.has(id)) this.#told.delete(id);
  }
}
