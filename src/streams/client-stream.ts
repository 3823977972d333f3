// One streaming client: the current spec, then each newer one; the newest only while it is slow; a heartbeat while idle.
import type { HeldPayload } from '../core/payload-store.js';
import type { Cancel, Clock } from '../domain/clock.js';
import { hasNewsFor, isNewer } from '../domain/version.js';
import { inBackground } from '../observability/in-background.js';
import type { Logger } from '../observability/logger.js';

export type StreamMessage =
  | { readonly kind: 'spec'; readonly held: HeldPayload }
  /** `version`: that of the last spec sent on this stream; a client skips a version for good once it was announced too early. */
  | { readonly kind: 'no-updates'; readonly version: number };

export type StreamEnd =
  /** The origin refuses the key, or it is pinned no more where only pinned keys are served. */
  | 'refused'
  | 'draining'
  /** Its place was needed for another. */
  | 'displaced'
  /** The client took nothing for too long. */
  | 'stalled'
  /** A message could not be made. */
  | 'failed';

/** The wire under a stream. */
export interface StreamSink {
  /** Makes what sending this spec needs; undefined where that is there already: then it is sent at once. */
  prepare(held: HeldPayload): Promise<void> | undefined;
  /** Calls `took` whenever the client took some of it, and `done` once when it took the last, perhaps at once. */
  send(message: StreamMessage, took: () => void, done: () => void): void;
  end(why: StreamEnd): void;
}

export interface ClientStreamOptions {
  /** Silence after which a heartbeat is sent. */
  readonly heartbeatMs: number;
  /** How long a client may take nothing of a message before it is dropped. */
  readonly stallMs: number;
}

/**
 * Holds at most one spec that is being sent and one that waits, by reference. Each version on the wire is newer than the last.
 * The owner subscribes to updates first, offers what comes, and opens the stream with a reading made after that.
 */
export class ClientStream {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #sink: StreamSink;
  readonly #options: ClientStreamOptions;
  #state: 'idle' | 'sending' | 'ended' = 'idle';
  #isOpen = false;
  /** The newest that was not sent yet. */
  #waiting: HeldPayload | undefined;
  /** Of the last spec sent; of the one that was held where none was. */
  #version = -1;
  /** Nothing is sent that is not newer: a client may come from a replica that is ahead of this one. -1 for none. */
  #floor = -1;
  #cancelTimer: Cancel = () => undefined;

  constructor(clock: Clock, log: Logger, sink: StreamSink, options: ClientStreamOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#sink = sink;
    this.#options = options;
  }

  /** By either side. */
  get hasEnded(): boolean {
    return this.#state === 'ended';
  }

  /** A version that may be newer than what the client has. */
  offer(held: HeldPayload): void {
    const newest = this.#waiting?.payload.version ?? this.#floor;
    if (this.#state === 'ended' || !this.#isNewer(held.payload.version, newest)) return;
    this.#waiting = held;
    this.#sendIfIdle();
  }

  /**
   * Nothing is held yet. A client that has a spec gets a heartbeat from time to time; one that has none
   * must hear nothing before its first.
   */
  waitForFirst(sinceTime: number): void {
    if (this.#isOpen || this.#state !== 'idle' || sinceTime <= 0) return;
    this.#version = sinceTime;
    this.#waitForHeartbeat();
  }

  /** Sends the first message: the spec, or "no updates" to a client whose `sinceTime` is current. */
  open(held: HeldPayload, sinceTime: number): void {
    if (this.#isOpen || this.#state === 'ended') return;
    this.offer(held);
    this.#isOpen = true;
    const newest = this.#waiting ?? held;
    if (hasNewsFor(newest.payload.version, sinceTime, this.#clock.nowMs())) {
      this.#sendIfIdle();
      return;
    }
    this.#waiting = undefined;
    // What is held may have a version in the future, which this client must not hear of.
    this.#version = Math.min(newest.payload.version, sinceTime);
    this.#floor = sinceTime;
    // Else one is on its way.
    if (this.#state === 'idle') this.#send({ kind: 'no-updates', version: this.#version });
  }

  /** Ends the stream with a reason for the client. */
  end(why: StreamEnd): void {
    if (this.#state === 'ended') return;
    this.close();
    this.#sink.end(why);
  }

  /** The client is gone: nothing more is sent, and nothing held. */
  close(): void {
    this.#state = 'ended';
    this.#waiting = undefined;
    this.#cancelTimer();
  }

  #sendIfIdle(): void {
    if (!this.#isOpen || this.#state !== 'idle' || this.#waiting === undefined) return;
    inBackground(this.#sendWaiting(), this.#log);
  }

  #isNewer(version: number, other: number): boolean {
    return other === -1 || isNewer(version, other, this.#clock.nowMs());
  }

  async #sendWaiting(): Promise<void> {
    this.#state = 'sending';
    this.#cancelTimer();
    for (let held = this.#waiting; held !== undefined; held = this.#waiting) {
      try {
        const preparing = this.#sink.prepare(held);
        if (preparing !== undefined) await preparing;
      } catch {
        // What failed was logged where it failed; the client reconnects and tries again.
        this.end('failed');
        return;
      }
      // While it was made ready, a newer one may have come, or the client gone.
      if (this.#waiting !== held) continue;
      this.#waiting = undefined;
      this.#version = held.payload.version;
      this.#floor = this.#version;
      this.#send({ kind: 'spec', held });
      return;
    }
  }

  #send(message: StreamMessage): void {
    this.#state = 'sending';
    this.#watchForStall();
    this.#sink.send(
      message,
      () => {
        if (this.#state === 'sending') this.#watchForStall();
      },
      () => {
        if (this.#state !== 'sending') return;
        this.#state = 'idle';
        this.#waitForHeartbeat();
        this.#sendIfIdle();
      },
    );
  }

  #watchForStall(): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.schedule(this.#options.stallMs, () => {
      this.end('stalled');
    });
  }

  #waitForHeartbeat(): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.schedule(this.#options.heartbeatMs, () => {
      this.#send({ kind: 'no-updates', version: this.#version });
    });
  }
}
