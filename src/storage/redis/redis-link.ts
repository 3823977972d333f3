// A connection to Redis that is kept up: reopened after jittered pauses, and replaced by a new one without a gap.
import type { Cancel, Clock } from '../../domain/clock.js';
import { jittered } from '../../domain/jitter.js';
import { inBackground } from '../../observability/in-background.js';
import type { Logger } from '../../observability/logger.js';
import type { ConnectRedis } from './redis-client.js';
import { inTime } from '../../domain/deadline.js';
import { RedisFault, toRedisFault } from './redis-fault.js';
import { RedisSession, type RedisTask } from './redis-session.js';

const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 5_000;
/** After a session that lasted this long, pauses start from the shortest again. */
const LASTING_MS = 5_000;
/** How often an idle connection is checked with PING. */
const HEARTBEAT_MS = 10_000;
const HEARTBEAT_DEADLINE_MS = 1_000;
/** Between renewals, for a server that keeps refusing writes. */
const RENEWAL_PAUSE_MS = 5_000;
/** An older connection is replaced: its address may lead to another server by now, though this one still answers. */
const AGE_MS_MAX = 600_000;

export interface LinkOptions {
  readonly connectTimeoutMs: number;
  readonly log: Logger;
  /** Where false, there is no attempt to connect until `open` is called. */
  readonly mayRetry: () => boolean;
  /** What makes a connection usable; counts towards the time for connecting. */
  readonly prepare: RedisTask<unknown>;
  /** After every successful attempt. */
  readonly onOpen: () => void;
  /** After every failed attempt that leaves no connection. */
  readonly onFault: (fault: RedisFault) => void;
}

export class RedisLink {
  readonly #clock: Clock;
  readonly #connect: ConnectRedis;
  readonly #options: LinkOptions;
  #fault = new RedisFault('connecting');
  #session: RedisSession | undefined;
  #opening: RedisSession | undefined;
  #attempt: Promise<void> | undefined;
  #attempts = 0;
  #failures = 0;
  #openedMs = -Infinity;
  #isOldMs = Infinity;
  #renewedMs = -Infinity;
  #isClosed = false;
  #cancelPause: Cancel = () => undefined;
  #cancelHeartbeat: Cancel = () => undefined;

  constructor(clock: Clock, connect: ConnectRedis, options: LinkOptions) {
    this.#clock = clock;
    this.#connect = connect;
    this.#options = options;
    this.#scheduleHeartbeat();
  }

  get isOpen(): boolean {
    return this.#session !== undefined;
  }

  /** Why it is not open. */
  get fault(): RedisFault {
    return this.#fault;
  }

  /** Connects now, without waiting for the end of a pause. Resolves when the attempt has succeeded or failed. */
  async open(): Promise<void> {
    if (this.isOpen || this.#isClosed) return;
    this.#cancelPause();
    await this.#try();
  }

  /** Rejects with a RedisFault, at once where there is no connection. */
  run<Value>(deadlineMs: number, task: RedisTask<Value>): Promise<Value> {
    return this.#session === undefined ? Promise.reject(this.#fault) : this.#session.run(deadlineMs, task);
  }

  /** Replaces the connection, as another server may be at its address by now; it is used until the new one is open. */
  renew(): void {
    const nowMs = this.#clock.monotonicMs();
    const isTooSoon = nowMs - this.#renewedMs < RENEWAL_PAUSE_MS;
    if (!this.isOpen || this.#attempt !== undefined || isTooSoon) return;
    this.#renewedMs = nowMs;
    inBackground(this.#try(), this.#options.log);
  }

  /** Running tasks fail. */
  close(): void {
    const fault = new RedisFault('closed');
    this.#isClosed = true;
    this.#fault = fault;
    this.#cancelPause();
    this.#cancelHeartbeat();
    this.#opening?.drop(fault);
    this.#session?.drop(fault);
    this.#session = undefined;
  }

  #try(): Promise<void> {
    this.#attempt ??= this.#connectOnce().finally(() => {
      this.#attempt = undefined;
    });
    return this.#attempt;
  }

  async #connectOnce(): Promise<void> {
    let session: RedisSession;
    try {
      session = await this.#openSession();
    } catch (error) {
      this.#failed(toRedisFault(error));
      return;
    } finally {
      this.#opening = undefined;
    }
    if (this.#isClosed) return;
    const before = this.#session;
    this.#session = session;
    this.#openedMs = this.#clock.monotonicMs();
    this.#isOldMs = this.#openedMs + jittered(AGE_MS_MAX);
    before?.retire();
    this.#options.onOpen();
  }

  async #openSession(): Promise<RedisSession> {
    const { connectTimeoutMs, prepare } = this.#options;
    const late = new RedisFault('connect_timeout', 'PASSWORD_FILE');
    const client = await inTime(this.#clock, connectTimeoutMs, late, this.#connect(this.#attempts++));
    if (this.#isClosed) throw this.#fault;
    const session: RedisSession = new RedisSession(this.#clock, client, (fault) => {
      this.#lost(session, fault);
    });
    this.#opening = session;
    await session.open(connectTimeoutMs, prepare);
    return session;
  }

  #failed(fault: RedisFault): void {
    // A renewal that failed leaves the connection there was.
    if (this.isOpen || this.#isClosed) return;
    this.#fault = fault;
    this.#options.onFault(fault);
    this.#pause();
  }

  #lost(session: RedisSession, fault: RedisFault): void {
    // A session that is not in use yet: its attempt fails.
    if (session !== this.#session) return;
    this.#session = undefined;
    this.#fault = fault;
    if (this.#clock.monotonicMs() - this.#openedMs >= LASTING_MS) this.#failures = 0;
    if (this.#attempt === undefined) this.#pause();
  }

  #pause(): void {
    const longestMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** this.#failures);
    this.#failures += 1;
    this.#cancelPause = this.#clock.schedule(jittered(longestMs), () => {
      if (this.#options.mayRetry()) inBackground(this.#try(), this.#options.log);
    });
  }

  /** Also replaces what is old. A dead peer is found by its silence: the missed deadline ends the session. Any answer will do, even an error. */
  #scheduleHeartbeat(): void {
    this.#cancelHeartbeat = this.#clock.schedule(HEARTBEAT_MS, () => {
      if (this.#session?.isIdle === true) {
        this.#session.run(HEARTBEAT_DEADLINE_MS, (client) => client.ping()).catch(() => undefined);
      }
      if (this.#clock.monotonicMs() >= this.#isOldMs) this.renew();
      this.#scheduleHeartbeat();
    });
  }
}
