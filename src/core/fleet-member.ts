// One replica among others that share what they fetch: decides which payloads it polls, and when.
import type { Cancel, Clock } from '../domain/clock.js';
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import { phaseMs } from '../domain/phase.js';
import { isNewer } from '../domain/version.js';
import { inBackground } from '../observability/in-background.js';
import type { Logger } from '../observability/logger.js';
import type { EntryState, FleetLink, FleetListener } from '../storage/fleet-link.js';
import type { BackupListener } from './backups.js';
import type { OutcomeLog } from './outcome-log.js';
import type { StoreListener } from './payload-store.js';
import { CatchUp, type CatchUpRooms } from './catch-up.js';

/** An entry that nobody has confirmed for so long is anybody's to confirm. */
const UNCONFIRMED_INTERVALS = 2;
/** Replicas that find the same entry unconfirmed ask one after another: the second finds what the first has written. */
const TAKEOVER_SPREAD_MS_MAX = 500;
const TAKEOVER_SPREAD_INTERVALS_MAX = 0.25;

export interface FleetMemberOptions {
  /** Between looks at Redis. */
  readonly lookMs: number;
  /** Between polls of the payload by the leader. */
  readonly intervalMs: (key: PayloadKey) => number;
  /** Whether all that can push to this replica does: the leader is to have every stream of an origin that pushes. */
  readonly isFed: (key: PayloadKey) => boolean;
  readonly instanceName: string;
  /** What is missing in Redis may have been removed by the replica that was refused first: it is not written back from memory. */
  readonly clearOnUnauthorized: boolean;
}

interface Rooms extends CatchUpRooms {
  readonly outcomes: OutcomeLog;
  /** Ends what pushes the payload to this replica: another one asks for it. */
  readonly standDown: (key: PayloadKey) => void;
}

/**
 * The leader polls like a replica that is alone. A follower puts each poll off until two intervals after the last
 * confirmation that it has seen in Redis; each look at Redis, once an interval, puts it off further. So nothing has to
 * be noticed for a takeover: where confirmations stay away, or Redis does, polls come due.
 */
export class FleetMember implements FleetListener, StoreListener {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #link: FleetLink;
  readonly #rooms: Rooms;
  readonly #options: FleetMemberOptions;
  readonly #catchUp: CatchUp;
  #cancelLook: Cancel = () => undefined;
  #isStopped = false;

  constructor(clock: Clock, log: Logger, link: FleetLink, rooms: Rooms, options: FleetMemberOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#link = link;
    this.#rooms = rooms;
    this.#options = options;
    this.#catchUp = new CatchUp(clock, log, link, rooms);
  }

  start(): void {
    this.#link.join(this);
    const { instanceName, lookMs } = this.#options;
    this.#scheduleLook(phaseMs(instanceName, 'look', lookMs));
  }

  /** Gives the lead to another at once. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#catchUp.stop();
    this.#cancelLook();
    await this.#link.leave();
  }

  /** The payload is held from now on. */
  added(key: PayloadKey): void {
    this.#catchUp.know(key);
  }

  removed(key: PayloadKey): void {
    this.#catchUp.forget(key);
  }

  /** How long a payload that was confirmed so long ago, as Redis has it, need not be polled by this replica. */
  sparedMs(key: PayloadKey, confirmedAgoMs: number): number {
    const intervalMs = this.#options.intervalMs(key);
    if (this.#link.isLeader) return this.#options.isFed(key) ? Math.max(0, intervalMs - confirmedAgoMs) : 0;
    if (confirmedAgoMs >= UNCONFIRMED_INTERVALS * intervalMs) return 0;
    return UNCONFIRMED_INTERVALS * intervalMs - confirmedAgoMs + this.#spreadMs(key);
  }

  /** The same for a poll that is due now, after a look at Redis; 0: it is ours to do. Never rejects. */
  async sparedNowMs(key: PayloadKey): Promise<number> {
    if (this.#link.isLeader) return 0;
    const state = (await this.#link.states([key]))?.[0];
    if (state === undefined || state.isConfirmedByUs) return 0;
    if (!(await this.#catchUp.upTo(key, state.version))) return 0;
    return this.sparedMs(key, state.confirmedAgoMs);
  }

  stored(entryName: string, version: number): void {
    this.#catchUp.heardByName(entryName, version);
  }

  /** To be told what backups find out: of Redis, what others have written there. */
  readonly ofRedis: BackupListener = {
    confirmedByOthers: (key, place, agoMs) => {
      if (place === 'redis') this.#confirmedByOthers(key, agoMs);
    },
    newer: (key, place, version) => {
      if (place === 'redis') this.#catchUp.heard(key, version);
    },
  };

  /**
   * Another replica confirmed the payload, so long before we did. Two that ask the origin at nearly the same time see
   * nothing of each other before they ask; so the later of two steps back here.
   */
  #confirmedByOthers(key: PayloadKey, agoMs: number): void {
    if (this.#link.isLeader || agoMs > this.#options.intervalMs(key) / 2) return;
    this.#rooms.poller.postpone(key, this.#clock.monotonicMs() + this.sparedMs(key, 0));
  }

  lead(): void {
    this.#log.info('this replica leads: it asks the origin for all replicas');
    inBackground(this.#look(), this.#log);
  }

  reachable(): void {
    inBackground(this.#look(), this.#log);
  }

  #scheduleLook(delayMs: number): void {
    this.#cancelLook = this.#clock.schedule(delayMs, () => {
      // From when it was due on, whatever the look takes.
      this.#scheduleLook(this.#options.lookMs);
      inBackground(this.#look(), this.#log);
    });
  }

  /** Compares all versions held with those stored: no message has to arrive for anything. */
  async #look(): Promise<void> {
    const keys = this.#rooms.poller.watched;
    this.#catchUp.knowOnly(keys);
    const states = await this.#link.states(keys);
    if (states === undefined || this.#isStopped) return;
    await Promise.all(keys.map((key, index) => this.#take(key, states[index])));
  }

  async #take(key: PayloadKey, state: EntryState | undefined): Promise<void> {
    const { backups, store, isDemanded } = this.#rooms;
    if (state === undefined) {
      if (!this.#options.clearOnUnauthorized) backups.saveAt('redis', key);
      return;
    }
    if (state.isConfirmedByUs || !(await this.#catchUp.upTo(key, state.version))) return;
    const { confirmedAgoMs } = state;
    const held = store.peek(key)?.payload.version ?? state.version;
    // What an operator demands is written where it is older, too: that this cannot be is told then, and set right.
    const isDecided = held !== state.version && isDemanded?.(key, held) === true;
    if (isDecided || isNewer(held, state.version, this.#clock.nowMs())) backups.saveAt('redis', key);
    else this.#confirm(key, confirmedAgoMs);
    this.#putOff(key, this.sparedMs(key, confirmedAgoMs));
  }

  #confirm(key: PayloadKey, agoMs: number): void {
    const { backups, outcomes, store } = this.#rooms;
    store.confirm(key, agoMs);
    if (agoMs >= this.#options.intervalMs(key)) return;
    backups.confirmElsewhere('redis', key);
    // What a leader knows of the origin it knows from its own polls.
    if (!this.#link.isLeader) outcomes.confirmedByFleet(key);
  }

  #putOff(key: PayloadKey, sparedMs: number): void {
    const untilMs = this.#clock.monotonicMs() + sparedMs;
    // The leader asks once an interval; a replica that has just become leader may still have postponed polls.
    if (this.#link.isLeader) this.#rooms.poller.hasten(key, untilMs);
    else if (sparedMs > 0) {
      this.#rooms.poller.postpone(key, untilMs);
      this.#rooms.standDown(key);
    }
  }

  #spreadMs(key: PayloadKey): number {
    const { instanceName } = this.#options;
    const intervalMs = this.#options.intervalMs(key);
    const rangeMs = Math.min(TAKEOVER_SPREAD_MS_MAX, TAKEOVER_SPREAD_INTERVALS_MAX * intervalMs);
    return phaseMs(instanceName, payloadId(key), Math.max(1, Math.floor(rangeMs)));
  }
}
