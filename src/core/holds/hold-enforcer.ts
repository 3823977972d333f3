// Makes what is served follow the holds: the version that one demands is put in force, and the origin is asked again when one ends.
import type { Clock } from '../../domain/clock.js';
import type { PayloadKey } from '../../domain/payload-key.js';
import { isNewer } from '../../domain/version.js';
import { inBackground } from '../../observability/in-background.js';
import type { Logger } from '../../observability/logger.js';
import { Listeners } from '../../domain/listeners.js';
import type { BackupListener, Backups, PlaceName } from '../backups.js';
import { logFields } from '../payload-words.js';
import type { HeldPayload, PayloadStore } from '../payload-store.js';
import type { Poller } from '../poller.js';
import type { VersionHistory } from '../versions/version-history.js';
import { holdId, holdIdOf, type Hold, type HoldRule } from './hold.js';
import type { HoldListener } from './hold-keeper.js';
import type { Holds } from './holds.js';

export interface EnforcerRooms {
  readonly holds: Holds;
  readonly store: PayloadStore;
  readonly history: Pick<VersionHistory, 'load' | 'keep'>;
  readonly backups: Backups;
  readonly poller: Poller;
}

export interface OvertakenListener {
  /**
   * A version above the one that a hold demands is in force here, or stored where others find it: whoever has it takes what
   * is demanded only with a version above that.
   */
  overtaken(key: PayloadKey, version: number): void;
}

export class HoldEnforcer implements HoldListener, BackupListener {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #rooms: EnforcerRooms;
  readonly #listeners = new Listeners<OvertakenListener>();

  constructor(clock: Clock, log: Logger, rooms: EnforcerRooms) {
    this.#clock = clock;
    this.#log = log;
    this.#rooms = rooms;
  }

  subscribe(listener: OvertakenListener): void {
    this.#listeners.add(listener);
  }

  /**
   * What is held of the payload after the version that a hold demands was put in force, where there is such a hold and a
   * place has that version. Never rejects.
   */
  async enforce(key: PayloadKey): Promise<HeldPayload | undefined> {
    const { holds, store, history, backups } = this.#rooms;
    const rule = holds.ruleFor(key);
    const before = store.peek(key);
    if (rule?.kind !== 'held' || before?.payload.version === rule.version) return before;
    if (before !== undefined && isNewer(before.payload.version, rule.version, this.#clock.nowMs())) {
      this.#tellOvertaken(key, before.payload.version);
      return before;
    }
    const payload = await history.load(key, rule.version);
    if (payload !== undefined && holds.demands(key, rule.version)) {
      const confirmedAgoMs = before === undefined ? 0 : this.#clock.monotonicMs() - before.confirmedAtMs;
      if (store.apply(key, payload, { confirmedAgoMs, source: 'operator' })) backups.save(key);
    }
    return store.peek(key);
  }

  newer(key: PayloadKey, _place: PlaceName, version: number): void {
    const held = this.#rooms.store.peek(key)?.payload.version;
    if (held !== undefined && this.#rooms.holds.demands(key, held)) this.#tellOvertaken(key, version);
  }

  changed(hold: Hold, rule: HoldRule | undefined): void {
    const { store, poller } = this.#rooms;
    const { action, version, bodyOf, who, reason, untilMs, ...of } = hold;
    const until = new Date(untilMs).toISOString();
    const facts = {
      api: of.api,
      format: of.format,
      action,
      specVersion: version,
      bodyOf,
      who,
      reason,
      until,
    };
    for (const { key } of store.all()) {
      if (holdIdOf(key) !== holdId(hold)) continue;
      if (rule?.kind === 'held') {
        this.#log.warn({ ...logFields(key), ...facts }, 'spec held by an operator');
        inBackground(this.enforce(key), this.#log);
      } else {
        this.#log.info(
          { ...logFields(key), ...facts },
          'spec held no more: the newest of the origin is served',
        );
        poller.hasten(key, this.#clock.monotonicMs());
      }
    }
  }

  /**
   * Whoever learns of the hold looks for its version there. The place may have missed that version: a freeze or a guard takes
   * whatever is in force, also where a replica is cut off from all others.
   */
  async stored(hold: Hold): Promise<void> {
    const { holds, store, history } = this.#rooms;
    for (const { key, payload } of store.all()) {
      const isOfHold = holdIdOf(key) === holdId(hold) && payload.version === hold.version;
      if (isOfHold && holds.demands(key, payload.version)) await history.keep(key, payload);
    }
  }

  #tellOvertaken(key: PayloadKey, version: number): void {
    this.#listeners.tell((listener) => {
      listener.overtaken(key, version);
    });
  }
}
