// Replane as an origin that pushes: of each project one stream, renewed at every poll, whose changes go into the core as they come.
import type { Clock } from '../../../domain/clock.js';
import { failed, type Failure } from '../../../domain/failure.js';
import { jittered } from '../../../domain/jitter.js';
import { payloadId, type PayloadKey } from '../../../domain/payload-key.js';
import type { Payload } from '../../../domain/payload.js';
import { maskSdkKey } from '../../../domain/sdk-key.js';
import { RequestSignal } from '../../../http-client/request-signal.js';
import { UpstreamPool, type UpstreamPoolOptions } from '../../../http-client/upstream-pool.js';
import { inBackground } from '../../../observability/in-background.js';
import type { Logger } from '../../../observability/logger.js';
import type { HeldPayload, PayloadStore, StoreListener } from '../../../core/payload-store.js';
import type { FetchOutcome, Origin } from '../../../core/origin.js';
import type { Poller } from '../../../core/poller.js';
import type { OutcomeListener, RefreshEffect, Refresher } from '../../../core/refresher.js';
import { REPLANE_PROJECT, SYNC_PATH } from '../project-kind.js';
import type { ConfigSlice } from '../project/config-slice.js';
import { changedPayload, projectPayload } from '../project/project.js';
import { openUpstreamStream, type UpstreamStream } from './upstream-stream.js';

/** Between attempts after a stream broke: doubled after each one that broke soon, up to the longest. */
const AGAIN_MS_MIN = 1_000;
const AGAIN_MS_MAX = 60_000;
/** A stream that lasted for so long did not break soon. */
const LASTED_MS_MIN = 30_000;
/** While a stream is alive, what is held is confirmed so often. */
export const CONFIRM_EVERY_MS = 10_000;

export interface ProjectFeedsOptions extends UpstreamPoolOptions {
  /** Scheme, host and port, with a path prefix where Replane stands under one. */
  readonly endpoint: URL;
  readonly requestTimeoutMs: number;
  /** Of a whole project. */
  readonly projectBytesMax: number;
  /** Our own version, told to the origin. */
  readonly version: string;
}

/** What the feeds need of the core. */
export interface FeedRooms {
  readonly store: Pick<PayloadStore, 'peek'>;
  readonly refresher: Pick<Refresher, 'judge' | 'hear'>;
  readonly poller: Pick<Poller, 'hasten'>;
  /** What operators ordered at other replicas is known then. Never rejects. */
  readonly learnHolds: () => Promise<void>;
}

interface Feed {
  /** Undefined while there is none. */
  stream: UpstreamStream | undefined;
  /** What it said first, until that is taken in and the rest may follow. */
  arriving: Payload | undefined;
  /** The project as the stream has told it, where something else is held by an order. Undefined where it is what is held. */
  waiting: Payload | undefined;
  openedMs: number;
  confirmedMs: number;
  /** Streams in a row that broke soon. */
  breaks: number;
}

/**
 * A stream speaks only while what is held is its own word, or is held back from it by an order: then its changes go into what
 * waits, so that none is missing once the order is over. Where another replica's word has come to be held, the stream ends and the
 * payload is polled at once: nothing on the wire is ordered, so a change that it tells of may be older than that.
 */
export class ProjectFeeds implements Origin, OutcomeListener, StoreListener {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #pool: UpstreamPool;
  readonly #options: ProjectFeedsOptions;
  readonly #feeds = new Map<string, Feed>();
  #rooms: FeedRooms | undefined;

  constructor(clock: Clock, log: Logger, options: ProjectFeedsOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#pool = new UpstreamPool(clock, options);
    this.#options = options;
  }

  /** Without rooms each stream ends with its first frame. */
  connect(rooms: FeedRooms): void {
    this.#rooms = rooms;
  }

  /**
   * Opens a stream beside the one there is, and ends that as soon as the new one has said what there is. Until then the old one
   * is not listened to: what it told of could be newer than what the new one says first, which would take it back.
   */
  async fetch(key: PayloadKey): Promise<FetchOutcome> {
    const { requestTimeoutMs, projectBytesMax } = this.#options;
    const former = this.#feeds.get(payloadId(key))?.stream;
    former?.hold();
    const opening = await openUpstreamStream(this.#clock, this.#pool, {
      url: this.#urlOf(REPLANE_PROJECT.path),
      headers: this.#headersFor(key),
      openMsMax: requestTimeoutMs,
      frameBytesMax: projectBytesMax,
    });
    if (opening.kind === 'unauthorized') this.#end(key);
    if (opening.kind !== 'opened') {
      former?.goOn();
      return opening;
    }
    await this.#learnHolds(key);
    // From here on until that is taken in, nothing else may make a version of what is held.
    const wasLive = this.isLive(key);
    this.standDown(key);
    const held = this.#rooms?.store.peek(key)?.payload;
    const payload = projectPayload(opening.configs, held, this.#nextVersion(held));
    const isTooLarge = payload.identityBytes > projectBytesMax;
    if (isTooLarge || this.#rooms === undefined) opening.stream.close();
    else this.#keep(key, opening.stream, payload, wasLive);
    if (isTooLarge) return failed('body_too_large', `a project of more than ${projectBytesMax} bytes`);
    return { kind: 'updated', payload };
  }

  /** For Replane's own tests: its server's status once it has taken in every change. Rejects where it cannot be asked. */
  async sync(sdkKey: string): Promise<number> {
    const signal = new RequestSignal();
    const cancel = this.#clock.schedule(this.#options.requestTimeoutMs, () => {
      signal.abort();
    });
    try {
      const url = this.#urlOf(SYNC_PATH);
      const headers = this.#headersFor({ sdkKey });
      const response = await this.#pool.post(url, headers, Buffer.from('{}'), signal);
      await response.body.dump();
      return response.statusCode;
    } finally {
      cancel();
    }
  }

  async close(): Promise<void> {
    for (const feed of this.#feeds.values()) this.#endStream(feed);
    this.#feeds.clear();
    await this.#pool.close();
  }

  /** What a stream said first is held now, or held back, or will never be. */
  fetched(key: PayloadKey, _outcome: FetchOutcome, effect: RefreshEffect): void {
    const feed = this.#feeds.get(payloadId(key));
    if (feed?.stream === undefined || feed.arriving === undefined) return;
    const { arriving } = feed;
    feed.arriving = undefined;
    const held = this.#rooms?.store.peek(key)?.payload;
    const isHeld = held?.originForm.etag === arriving.originForm.etag;
    if (held === undefined) this.#end(key);
    else if (isHeld || effect === 'confirmed') {
      if (!isHeld) feed.waiting = arriving;
      this.#follow(key, feed, feed.stream);
    } else this.#endStream(feed);
  }

  updated({ key, source }: HeldPayload, replaced: HeldPayload | undefined): void {
    const feed = this.#feeds.get(payloadId(key));
    if (source === 'origin' || feed?.stream === undefined) return;
    if (source === 'operator') {
      // It says nothing of what the origin has: what was held until now waits.
      if (feed.arriving === undefined) feed.waiting ??= replaced?.payload;
      return;
    }
    this.standDown(key);
    this.#rooms?.poller.hasten(key, this.#clock.monotonicMs());
  }

  removed(key: PayloadKey): void {
    this.#end(key);
  }

  /** Another replica has a stream of it. */
  standDown(key: PayloadKey): void {
    this.#endStream(this.#feeds.get(payloadId(key)));
  }

  isLive(key: PayloadKey): boolean {
    return this.#feeds.get(payloadId(key))?.stream !== undefined;
  }

  /** Whether all that can push to this replica does. */
  isFed(key: PayloadKey): boolean {
    return key.kind !== REPLANE_PROJECT || this.isLive(key);
  }

  /** Streams that are open. */
  get live(): number {
    return [...this.#feeds.values()].filter(({ stream }) => stream !== undefined).length;
  }

  /** Another replica's version may come before the order that demands it, and what is read here gets a newer one. */
  async #learnHolds(key: PayloadKey): Promise<void> {
    if (this.#rooms?.store.peek(key)?.source === 'redis') await this.#rooms.learnHolds();
  }

  #keep(key: PayloadKey, stream: UpstreamStream, arriving: Payload, wasLive: boolean): void {
    const id = payloadId(key);
    const breaks = wasLive ? 0 : (this.#feeds.get(id)?.breaks ?? 0);
    const nowMs = this.#clock.monotonicMs();
    const times = { openedMs: nowMs, confirmedMs: nowMs };
    this.#feeds.set(id, { stream, arriving, waiting: undefined, ...times, breaks });
  }

  #follow(key: PayloadKey, feed: Feed, stream: UpstreamStream): void {
    const following = stream.follow({
      changed: (config) => this.#take(key, feed, config),
      alive: () => {
        this.#confirm(key, feed);
      },
      ended: (failure) => {
        this.#broke(key, feed, failure);
      },
    });
    inBackground(following, this.#log);
  }

  /** Every change that is told of is news, whatever its bytes: nobody tells of removals, so it may be back after one. */
  async #take(key: PayloadKey, feed: Feed, config: ConfigSlice): Promise<void> {
    const held = this.#rooms?.store.peek(key)?.payload;
    if (held === undefined || this.#rooms === undefined) return;
    const payload = changedPayload(feed.waiting ?? held, config, this.#nextVersion(held, feed.waiting));
    const isTooLarge = payload.identityBytes > this.#options.projectBytesMax;
    if (!isTooLarge) await this.#rooms.refresher.judge(key, payload);
    // Meanwhile another stream or another replica may have got the word.
    if (feed.stream === undefined) return;
    feed.confirmedMs = this.#clock.monotonicMs();
    const effect = isTooLarge ? 'none' : this.#rooms.refresher.hear(key, { kind: 'updated', payload });
    if (effect === 'stored') feed.waiting = undefined;
    else if (effect === 'confirmed') feed.waiting = payload;
    // It goes on from what was not taken: the next poll begins anew.
    else this.#endStream(feed);
  }

  #confirm(key: PayloadKey, feed: Feed): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - feed.confirmedMs < CONFIRM_EVERY_MS) return;
    feed.confirmedMs = nowMs;
    this.#rooms?.refresher.hear(key, { kind: 'unchanged' });
  }

  #broke(key: PayloadKey, feed: Feed, { reason, detail }: Failure): void {
    const nowMs = this.#clock.monotonicMs();
    this.#endStream(feed);
    feed.breaks = nowMs - feed.openedMs < LASTED_MS_MIN ? feed.breaks + 1 : 0;
    const about = { sdkKey: maskSdkKey(key.sdkKey), reason, detail };
    this.#log.info(about, 'a stream from Replane broke: what is held is served, and another is opened');
    const againMs = Math.min(AGAIN_MS_MAX, AGAIN_MS_MIN * 2 ** Math.min(feed.breaks, 10));
    this.#rooms?.poller.hasten(key, nowMs + jittered(againMs));
  }

  #end(key: PayloadKey): void {
    const id = payloadId(key);
    this.#endStream(this.#feeds.get(id));
    this.#feeds.delete(id);
  }

  #endStream(feed: Feed | undefined): void {
    if (feed === undefined) return;
    feed.stream?.close();
    feed.stream = undefined;
    feed.arriving = undefined;
    feed.waiting = undefined;
  }

  /** The wire has no versions: ours are the time at which a version came, and always newer than what they replace. */
  #nextVersion(...known: readonly (Payload | undefined)[]): number {
    return Math.max(this.#clock.nowMs(), ...known.map((payload) => (payload?.version ?? 0) + 1));
  }

  #urlOf(path: string): URL {
    return new URL(this.#options.endpoint.href.replace(/\/+$/, '') + path);
  }

  #headersFor({ sdkKey }: Pick<PayloadKey, 'sdkKey'>): Readonly<Record<string, string>> {
    const { version } = this.#options;
    return {
      accept: 'text/event-stream',
      authorization: `Bearer ${sdkKey}`,
      'content-type': 'application/json',
      'user-agent': `spec-forward-proxy/${version}`,
      'x-sfp-version': version,
    };
  }
}
