// A place in Redis that is connected for ever: sessions one after another, with bounded and jittered pauses between them.
import { randomInt } from 'node:crypto';
import type { Cancel, Clock } from '../../domain/clock.js';
import type { ConnectRedis } from './redis-client.js';
import { RedisFault, toRedisFault } from './redis-fault.js';
import { RedisSession, type Command } from './redis-session.js';

const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 5_000;
/** A session that lasted so long begins the pauses anew. */
const LASTING_MS = 5_000;
/** Within so long a connection on which nothing happens is asked whether it lives. */
const HEARTBEAT_MS = 10_000;
const HEARTBEAT_DEADLINE_MS = 1_000;
/** Between renewals for a server that goes on saying that it takes no writes: twice as long each time. */
const RENEWAL_MS_MIN = 5_000;
const RENEWAL_MS_MAX = 60_000;
const CLOSING_MS_MAX = 1_000;

export interface LinkOptions {
  readonly connectTimeoutMs: number;
  /** Where false, an attempt waits for `hurry`. */
  readonly mayTry: () => boolean;
  /** What makes a connection usable, within its time. */
  readonly prepare: (session: RedisSession) => Promise<void>;
  /** After every opening, and after every attempt that failed. */
  readonly onOpen: () => void;
  readonly onFault: (fault: RedisFault) => void;
}

export class RedisLink {
  readonly #clock: Clock;
  readonly #connect: ConnectRedis;
  readonly #options: LinkOptions;
  readonly #firstTry: Promise<void>;
  #endFirstTry: () => void = () => undefined;
  #fault = new RedisFault('connecting');
  #session: RedisSession | undefined;
  #opening: RedisSession | undefined;
  #openedMs = -Infinity;
  #renewedMs = -Infinity;
  #renewalPauseMs = 0;
  #attempts = 0;
  #failures = 0;
  #isPausing = false;
  #isClosed = false;
  #cancelPause: Cancel = () => undefined;
  #cancelHeartbeat: Cancel = () => undefined;

  constructor(clock: Clock, connect: ConnectRedis, options: LinkOptions) {
    this.#clock = clock;
    this.#connect = connect;
    this.#options = options;
    this.#firstTry = new Promise((resolve) => {
      this.#endFirstTry = resolve;
    });
    this.#openIfMay();
    this.#beat(0);
  }

  /** Resolves when the first attempt to connect has ended, in whatever way. */
  get firstTry(): Promise<void> {
    return this.#firstTry;
  }

  get isOpen(): boolean {
    return this.#session !== undefined;
  }

  /** Why it is not open. */
  get fault(): RedisFault {
    return this.#fault;
  }

  /** Rejects with a RedisFault, at once where there is no connection. */
  send(command: Command): Promise<unknown> {
    return this.#session === undefined ? Promise.reject(this.#fault) : this.#session.send(command);
  }

  /** Ends the pause before the next attempt: another connection to the same place was just made. */
  hurry(): void {
    if (!this.#isPausing) return;
    this.#cancelPause();
    this.#openIfMay();
  }

  /**
   * Connects anew, beside the connection there is, which is used until then: another server may stand at the address.
   * Does nothing where there is none, or was a renewal not long ago.
   */
  renew(): void {
    if (this.#session === undefined || this.#opening !== undefined) return;
    const nowMs = this.#clock.monotonicMs();
    const sinceMs = nowMs - this.#renewedMs;
    if (sinceMs < this.#renewalPauseMs) return;
    const isOver = sinceMs > 2 * RENEWAL_MS_MAX;
    this.#renewalPauseMs = isOver ? RENEWAL_MS_MIN : Math.min(RENEWAL_MS_MAX, 2 * this.#renewalPauseMs);
    this.#renewedMs = nowMs;
    void this.#open();
  }

  /** Commands that are on their way may end, for a moment. Never rejects. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const fault = new RedisFault('closed');
    this.#fault = fault;
    this.#isPausing = false;
    this.#cancelPause();
    this.#cancelHeartbeat();
    this.#opening?.drop(fault);
    const session = this.#session;
    if (session === undefined) return;
    this.#session = undefined;
    const cancel = this.#clock.schedule(CLOSING_MS_MAX, () => {
      session.drop(fault);
    });
    session.retire();
    await session.ended;
    cancel();
  }

  async #open(): Promise<void> {
    const session: RedisSession = new RedisSession(this.#clock, this.#connect(this.#attempts), (fault) => {
      this.#lost(session, fault);
    });
    this.#attempts += 1;
    this.#opening = session;
    try {
      await session.open(this.#options.connectTimeoutMs, this.#options.prepare);
    } catch (error) {
      this.#opening = undefined;
      if (!this.#isClosed) this.#failed(toRedisFault(error));
      return;
    }
    this.#opening = undefined;
    if (this.#isClosed) {
      session.retire();
      return;
    }
    const before = this.#session;
    this.#session = session;
    this.#openedMs = this.#clock.monotonicMs();
    before?.retire();
    this.#options.onOpen();
  }

  #failed(fault: RedisFault): void {
    // A renewal that failed leaves what was there.
    if (this.#session !== undefined) return;
    this.#fault = fault;
    this.#options.onFault(fault);
    this.#openAfterPause();
  }

  #lost(session: RedisSession, fault: RedisFault): void {
    // While it is being opened, `open` tells.
    if (session !== this.#session) return;
    this.#session = undefined;
    this.#fault = fault;
    if (this.#clock.monotonicMs() - this.#openedMs >= LASTING_MS) this.#failures = 0;
    if (this.#opening === undefined) this.#openAfterPause();
  }

  #openAfterPause(): void {
    if (this.#isClosed) return;
    const longestMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** this.#failures);
    this.#failures += 1;
    // Replicas that lost the same server must not come back in step.
    const pauseMs = longestMs / 2 + randomInt(Math.ceil(longestMs / 2));
    this.#isPausing = true;
    this.#cancelPause = this.#clock.schedule(pauseMs, () => {
      this.#openIfMay();
    });
  }

  #openIfMay(): void {
    this.#isPausing = !this.#options.mayTry();
    if (!this.#isPausing) void this.#open().then(this.#endFirstTry);
  }

  /** A dead peer is found by its silence: the session ends when the deadline passes. Any answer, even an error, will do. */
  #beat(sentBefore: number): void {
    this.#cancelHeartbeat = this.#clock.schedule(HEARTBEAT_MS, () => {
      const session = this.#session;
      if (session?.isIdle === true && session.sentCommands === sentBefore) {
        session.send({ name: 'ping', parts: [], deadlineMs: HEARTBEAT_DEADLINE_MS }).catch(() => undefined);
      }
      this.#beat(session?.sentCommands ?? 0);
    });
  }
}
