// Carries out what operators ask for: freezes a payload at its version, has an earlier one served, and lets go of both.
import type { Clock } from '../../domain/clock.js';
import type { PayloadKey } from '../../domain/payload-key.js';
import type { Payload } from '../../domain/payload.js';
import { hashSdkKey } from '../../domain/sdk-key.js';
import { inBackground } from '../../observability/in-background.js';
import type { Logger } from '../../observability/logger.js';
import { logFields } from '../payload-words.js';
import type { PayloadStore } from '../payload-store.js';
import type { VersionHistory } from '../versions/version-history.js';
import { holdIdOf, ruleOf, type Hold } from './hold.js';
import type { OvertakenListener } from './hold-enforcer.js';
import type { HoldKeeper } from './hold-keeper.js';
import { HOLDS_MAX, type Holds } from './holds.js';

export interface Order {
  readonly who: string;
  readonly reason: string;
  /** How long it lasts. */
  readonly forMs: number;
}

/** Why an order was not carried out. Stable and machine-readable. */
export type HoldRefusalReason =
  | 'nothing_held'
  | 'version_not_kept'
  | 'version_in_force'
  | 'cannot_restate'
  | 'versions_changing'
  | 'too_many_holds'
  | 'not_on_hold'
  | 'not_held_back';

export type Operated =
  /** `isEverywhere`: it is stored wherever it should be; else that is tried again twice a second. */
  | { readonly kind: 'done'; readonly hold: Hold; readonly isEverywhere: boolean }
  | { readonly kind: 'refused'; readonly reason: HoldRefusalReason };

interface Rooms {
  readonly holds: Holds;
  readonly keeper: HoldKeeper;
  readonly store: PayloadStore;
  readonly history: Pick<VersionHistory, 'load' | 'keep'>;
}

/** New versions may come while an order is carried out: then it is done again for what is in force by then. */
const TRIES_MAX = 3;

export class HoldOperations implements OvertakenListener {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #rooms: Rooms;
  /** Payloads whose holds are being raised, by hold id. */
  readonly #raising = new Set<string>();

  constructor(clock: Clock, log: Logger, rooms: Rooms) {
    this.#clock = clock;
    this.#log = log;
    this.#rooms = rooms;
  }

  /** Whatever comes, the version that is in force now is served. */
  freeze(key: PayloadKey, order: Order): Promise<Operated> {
    return this.#hold(key, order, 'freeze', async (inForce) => ({
      payload: inForce,
      bodyOf: this.#bodyOf(key, inForce),
    }));
  }

  /**
   * The body of an earlier version is served with a version above the one in force, so that clients that run take it. The
   * body is kept in every place before anybody hears of it: replicas, and those that start later, find it there.
   */
  async rollBack(key: PayloadKey, version: number, order: Order): Promise<Operated> {
    const body = await this.#rooms.history.load(key, version);
    if (body === undefined) return refused('version_not_kept');
    return await this.#hold(key, order, 'rollback', async (inForce) => {
      if (inForce.version === version) return 'version_in_force';
      const payload = await this.#restated(key, body, inForce.version + 1);
      return payload === undefined ? 'cannot_restate' : { payload, bodyOf: version };
    });
  }

  /** What the guard holds back is not served before another version comes, or for as long as an order may last. */
  async refuse(key: PayloadKey, { who, reason, forMs }: Order): Promise<Operated> {
    const { holds, keeper } = this.#rooms;
    const hold = holds.of(key);
    const nowMs = this.#clock.nowMs();
    if (hold?.action !== 'guard' || ruleOf(hold, nowMs)?.kind !== 'held') return refused('not_held_back');
    const changedAtMs = Math.max(nowMs, hold.changedAtMs + 1);
    const kept = { ...hold, who, reason, untilMs: nowMs + forMs, changedAtMs };
    return { kind: 'done', hold: kept, isEverywhere: await keeper.put(kept) };
  }

  /** Ends what holds the payload. */
  async release(key: PayloadKey, who: string): Promise<Operated> {
    const { holds, keeper } = this.#rooms;
    const hold = holds.of(key);
    const nowMs = this.#clock.nowMs();
    if (hold === undefined || ruleOf(hold, nowMs)?.kind !== 'held') return refused('not_on_hold');
    const released = { ...hold, who, untilMs: nowMs, changedAtMs: Math.max(nowMs, hold.changedAtMs + 1) };
    return { kind: 'done', hold: released, isEverywhere: await keeper.put(released) };
  }

  /** A replica that did not know of the hold yet served a newer version: what is demanded goes out above that one. */
  overtaken(key: PayloadKey, version: number): void {
    const id = holdIdOf(key);
    if (this.#raising.has(id)) return;
    this.#raising.add(id);
    inBackground(
      this.#raise(key, version).finally(() => {
        this.#raising.delete(id);
      }),
      this.#log,
    );
  }

  async #raise(key: PayloadKey, overtakenBy: number): Promise<void> {
    const { holds, keeper, store, history } = this.#rooms;
    // What overtook it may be what goes out because it was released elsewhere.
    await keeper.look();
    const hold = holds.of(key);
    if (hold === undefined || !holds.demands(key, hold.version) || overtakenBy < hold.version) return;
    const inForce = store.peek(key)?.payload;
    // No place may have a version that a replica held on to while it was cut off from all of them.
    const body = inForce?.version === hold.version ? inForce : await history.load(key, hold.version);
    const payload = body && (await this.#restated(key, body, overtakenBy + 1));
    if (payload === undefined || !(await history.keep(key, payload))) return;
    // Unless it was changed, released or raised meanwhile.
    if (holds.of(key) !== hold || !holds.demands(key, hold.version)) return;
    await keeper.put({ ...hold, action: 'rollback', version: payload.version });
  }

  async #hold(
    key: PayloadKey,
    order: Order,
    action: Hold['action'],
    choose: (
      inForce: Payload,
    ) => Promise<{ readonly payload: Payload; readonly bodyOf: number } | HoldRefusalReason>,
  ): Promise<Operated> {
    const { holds, keeper, store, history } = this.#rooms;
    if (holds.of(key) === undefined && holds.all.length >= HOLDS_MAX) return refused('too_many_holds');
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const inForce = store.peek(key)?.payload;
      if (inForce === undefined) return refused('nothing_held');
      const chosen = await choose(inForce);
      if (typeof chosen === 'string') return refused(chosen);
      // Else nobody could serve it after a restart; where no place takes it, a freeze of what is held is still of use.
      const isKept = await history.keep(key, chosen.payload);
      if (!isKept && action === 'rollback') return refused('version_not_kept');
      if (store.peek(key)?.payload !== inForce) continue;
      const hold = this.#toHold(key, order, action, chosen.payload.version, chosen.bodyOf);
      return { kind: 'done', hold, isEverywhere: await keeper.put(hold) };
    }
    return refused('versions_changing');
  }

  async #restated(key: PayloadKey, body: Payload, version: number): Promise<Payload | undefined> {
    try {
      return await key.kind.restate?.(this.#clock, body, version);
    } catch (error) {
      this.#log.error(
        { ...logFields(key), err: error },
        'time of a version not set: the thread for it failed',
      );
      return undefined;
    }
  }

  /** Of what is in force: of a rollback the version that it had before. */
  #bodyOf(key: PayloadKey, { version }: Payload): number {
    const hold = this.#rooms.holds.of(key);
    return hold?.version === version ? hold.bodyOf : version;
  }

  #toHold(key: PayloadKey, order: Order, action: Hold['action'], version: number, bodyOf: number): Hold {
    const nowMs = this.#clock.nowMs();
    const before = this.#rooms.holds.of(key);
    // A freeze of what a rollback serves has to end as the rollback would.
    const isRollback = action === 'rollback' || (before?.action === 'rollback' && before.version === version);
    return {
      keyHash: hashSdkKey(key.sdkKey),
      api: key.kind.name,
      format: key.format,
      action: isRollback ? 'rollback' : 'freeze',
      version,
      bodyOf,
      reason: order.reason,
      who: order.who,
      sinceMs: nowMs,
      untilMs: nowMs + order.forMs,
      changedAtMs: Math.max(nowMs, (before?.changedAtMs ?? 0) + 1),
      raisedTo: before?.raisedTo ?? 0,
    };
  }
}

function refused(reason: HoldRefusalReason): Operated {
  return { kind: 'refused', reason };
}
