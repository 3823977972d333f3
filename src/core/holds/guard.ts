// The payload guard: a version that has lost too much of the one before is held back until somebody has looked at it.
import type { Clock } from '../../domain/clock.js';
import type { Loss } from '../../domain/loss.js';
import type { PayloadKey } from '../../domain/payload-key.js';
import type { Payload } from '../../domain/payload.js';
import { hashSdkKey } from '../../domain/sdk-key.js';
import { isNewer } from '../../domain/version.js';
import type { Logger } from '../../observability/logger.js';
import { logFields } from '../payload-words.js';
import type { PayloadStore } from '../payload-store.js';
import type { VersionHistory } from '../versions/version-history.js';
import type { Hold } from './hold.js';
import type { HoldEnforcer } from './hold-enforcer.js';
import type { HoldKeeper } from './hold-keeper.js';
import type { Holds } from './holds.js';

export interface GuardOptions {
  /** Of its gates, configs or bytes. */
  readonly lossPercentMax: number;
  readonly holdMs: number;
}

interface Rooms {
  readonly holds: Holds;
  readonly keeper: HoldKeeper;
  readonly store: PayloadStore;
  readonly history: Pick<VersionHistory, 'list' | 'load'>;
  readonly enforcer: Pick<HoldEnforcer, 'enforce'>;
}

/** As the one who decided, in the record of the hold. */
export const GUARD = 'guard';

export class Guard {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #rooms: Rooms;
  readonly #options: GuardOptions;

  constructor(clock: Clock, log: Logger, rooms: Rooms, options: GuardOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#rooms = rooms;
    this.#options = options;
  }

  /**
   * To be asked before a version is taken in: where it has lost too much, its payload is held from now on. A version that
   * comes while another one is held back is judged as well, and ends that where it is sound. Where nothing is held, as after a
   * start, the last version that is kept is what it is judged by, and what is put in force. Never rejects.
   */
  async judge(key: PayloadKey, payload: Payload): Promise<void> {
    const { holds, keeper, store, enforcer } = this.#rooms;
    const before = store.peek(key)?.payload ?? (await this.#lastKept(key, payload));
    if (before === undefined || !this.#isToBeJudged(key, before, payload)) return;
    const hold = holds.of(key);
    const loss = await this.#lossOf(key, before, payload);
    if (loss !== undefined && loss.percent > this.#options.lossPercentMax) {
      if (isKnown(key, hold, before, loss)) return;
      // What was decided elsewhere meanwhile stands.
      await keeper.look();
      if (!this.#isToBeJudged(key, before, payload) || isKnown(key, holds.of(key), before, loss)) return;
      await keeper.put(this.#toHold(key, before, payload, loss.what));
      await enforcer.enforce(key);
    } else if (hold !== undefined && holds.demands(key, before.version)) await keeper.put(this.#ended(hold));
  }

  /** Of a payload that nothing is held of; undefined where none can be had. */
  async #lastKept(key: PayloadKey, { version }: Payload): Promise<Payload | undefined> {
    const { history } = this.#rooms;
    const records = (await history.list(key)) ?? [];
    const last = records.find((record) => isNewer(version, record.version, this.#clock.nowMs()));
    return last && (await history.load(key, last.version));
  }

  /** Not where an operator decides, or has just ended a rollback; nor a version that was judged: it waits, or was let go. */
  #isToBeJudged(key: PayloadKey, held: Payload, { version }: Payload): boolean {
    const { holds } = this.#rooms;
    if (holds.isOrdered(key) || holds.ruleFor(key)?.kind === 'returning') return false;
    return isNewer(version, held.version, this.#clock.nowMs()) && holds.of(key)?.waiting !== version;
  }

  async #lossOf(key: PayloadKey, before: Payload, after: Payload): Promise<Loss | undefined> {
    try {
      return await key.kind.lossOf?.(this.#clock, before, after);
    } catch (error) {
      // A guard that fails must not keep updates from anybody.
      this.#log.error(
        { ...logFields(key), err: error },
        'guard: a version could not be compared, and is served',
      );
      return undefined;
    }
  }

  #toHold(key: PayloadKey, held: Payload, { version: waiting }: Payload, reason: string): Hold {
    const nowMs = this.#clock.nowMs();
    const before = this.#rooms.holds.of(key);
    return {
      keyHash: hashSdkKey(key.sdkKey),
      api: key.kind.name,
      format: key.format,
      action: 'guard',
      version: held.version,
      bodyOf: held.version,
      reason,
      who: GUARD,
      sinceMs: nowMs,
      untilMs: nowMs + this.#options.holdMs,
      changedAtMs: Math.max(nowMs, (before?.changedAtMs ?? 0) + 1),
      raisedTo: before?.raisedTo ?? 0,
      waiting,
      loss: reason,
    };
  }

  /** By a sound version: nobody has let go of what was held back. */
  #ended(hold: Hold): Hold {
    const nowMs = this.#clock.nowMs();
    return { ...hold, loss: '', untilMs: nowMs, changedAtMs: Math.max(nowMs, hold.changedAtMs + 1) };
  }
}

/**
 * Where the origin gives versions no names, what was held back comes under a new one each time, and what it lost is what it
 * is known by: it goes on waiting, or was let go.
 */
function isKnown({ kind }: PayloadKey, hold: Hold | undefined, before: Payload, { what }: Loss): boolean {
  return kind.versions === 'assigned' && hold?.version === before.version && hold.loss === what;
}
