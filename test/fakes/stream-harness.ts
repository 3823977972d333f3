// ClientStream over a wire that a test turns by hand: takes messages, or does not, and keeps what it took.
import { BodyForms } from '../../src/bodies/body-forms.js';
import type { HeldPayload } from '../../src/core/payload-store.js';
import { UpdateFeed } from '../../src/core/update-feed.js';
import { createConcurrencyLimit } from '../../src/domain/concurrency-limit.js';
import {
  ClientStream,
  type StreamEnd,
  type StreamMessage,
  type StreamSink,
} from '../../src/streams/client-stream.js';
import type { SeenMessage, StreamHarness } from '../contracts/stream-contract.js';
import { ManualClock, settle } from './manual-clock.js';
import { SPEC_V2 } from '../../src/protocols/statsig/resource-kinds.js';
import { createTestLog } from './log-sink.js';

const KEY = { sdkKey: 'k', kind: SPEC_V2, format: 'json' } as const;
const LIMIT = createConcurrencyLimit(1);

export function heldVersion(version: number): HeldPayload {
  const originForm = { encoding: 'identity', bytes: Buffer.from('{}'), etag: '"x"' } as const;
  const payload = { format: 'json', version, originForm, identityBytes: 2 } as const;
  return {
    key: KEY,
    payload,
    forms: new BodyForms(payload, LIMIT),
    confirmedAtMs: 0,
    relayedMs: 0,
    askedAtMs: 0,
    source: 'origin',
  };
}

/** A wire whose client takes a message when it is told to, or at once while it is not paused. */
export class HandTurnedSink implements StreamSink {
  readonly seen: SeenMessage[] = [];
  ended: StreamEnd | undefined;
  isPaused = false;
  /** Set where making a message ready is to take until `release`, or to fail. */
  preparing: 'at-once' | 'held' | 'failing' = 'at-once';
  readonly #ready: (() => void)[] = [];
  #inFlight:
    { readonly message: StreamMessage; readonly took: () => void; readonly done: () => void } | undefined;

  prepare(): Promise<void> {
    if (this.preparing === 'failing') return Promise.reject(new Error('no memory'));
    if (this.preparing === 'at-once') return Promise.resolve();
    return new Promise((resolve) => {
      this.#ready.push(resolve);
    });
  }

  /** What was held in preparation is ready. */
  release(): void {
    for (const resolve of this.#ready.splice(0)) resolve();
  }

  send(message: StreamMessage, took: () => void, done: () => void): void {
    if (this.#inFlight !== undefined) throw new Error('two messages in flight on one stream');
    if (this.ended !== undefined) throw new Error('a message after the end');
    this.#inFlight = { message, took, done };
    if (!this.isPaused) this.takeAll();
  }

  end(why: StreamEnd): void {
    if (this.ended !== undefined) throw new Error('ended twice');
    this.ended = why;
  }

  /** The client takes a part of what is in flight. */
  takeSome(): void {
    this.#inFlight?.took();
  }

  /** The client takes the whole of what is in flight. */
  takeAll(): void {
    const flight = this.#inFlight;
    if (flight === undefined) return;
    this.#inFlight = undefined;
    const { message } = flight;
    const version = message.kind === 'spec' ? message.held.payload.version : message.version;
    this.seen.push({ kind: message.kind, version });
    flight.took();
    flight.done();
  }

  get isSending(): boolean {
    return this.#inFlight !== undefined;
  }
}

export class HandTurnedStream implements StreamHarness {
  readonly clock = new ManualClock();
  readonly sink = new HandTurnedSink();
  readonly feed = new UpdateFeed();
  readonly stream = new ClientStream(this.clock, createTestLog(), this.sink, {
    heartbeatMs: 30_000,
    stallMs: 30_000,
  });

  constructor() {
    this.feed.subscribe(KEY, {
      updated: (held) => {
        this.stream.offer(held);
      },
      removed: () => {
        this.stream.end('refused');
      },
    });
  }

  async open(version: number, sinceTime: number): Promise<void> {
    this.stream.open(heldVersion(version), sinceTime);
    await settle();
  }

  async publish(version: number): Promise<void> {
    this.feed.publish(heldVersion(version));
    await settle();
  }

  pause(): void {
    this.sink.isPaused = true;
  }

  async resume(): Promise<void> {
    this.sink.isPaused = false;
    this.sink.takeAll();
    await settle();
  }

  async advance(durationMs: number): Promise<void> {
    this.clock.advance(durationMs);
    await settle();
  }

  async revoke(): Promise<void> {
    this.feed.remove(KEY);
    await settle();
  }

  get seen(): readonly SeenMessage[] {
    return this.sink.seen;
  }

  get ended(): string | undefined {
    return this.sink.ended;
  }

  async close(): Promise<void> {
    this.stream.close();
  }
}
