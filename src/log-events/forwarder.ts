// Sends what waits to the origin: per SDK key in order and one at a time, over all keys a bounded number.
import type { Clock } from '../domain/clock.js';
import { createConcurrencyLimit, type ConcurrencyLimit } from '../domain/concurrency-limit.js';
import type { DeliveryOutcome, EventOrigin } from '../sources/event-origin.js';
import { BatchDamage, type Batch, type KeptBatch } from './batch.js';
import type { Death } from './dead-letters.js';
import { LaneShare } from './lane-share.js';
import { Lane } from './lane.js';
import type { QueueRoomOptions } from './queue-room.js';
import { retryWaitMs } from './retry-schedule.js';
import { findYielding, type Missing } from './yielding-lanes.js';

/** A slow key holds one of these; so many keys would have to be slow at once to delay the others. */
const DELIVERIES_MAX = 64;
/** Of keys that the origin refuses: they hold no place of the keys it takes. */
const PROBES_MAX = 4;
/** Keys get rotated, and mistakes get repaired: what is refused is tried again this often ... */
const PROBE_EVERY_MS = 30_000;
/** ... and given up when it waited and was refused for this long. */
const REFUSED_MS_MAX = 3 * 24 * 60 * 60 * 1000;
/** Of the queue, for all refused keys together; their SDKs are told to try again. */
const REFUSED_SHARE_MAX = 0.5;
/** The same for all keys that fail, or whose batches come faster than they leave: one key's trouble leaves room for others. */
const TROUBLED_SHARE_MAX = 0.8;
/** Of the queue, for one key: who has more waiting falls behind. */
const BEHIND_FROM_SHARE = 0.05;
const UNREADABLE: Death = { reason: 'unreadable', detail: 'it cannot be read back' };

export interface ForwarderListener {
  /** After every delivery, before the next. */
  delivered(lane: Lane, outcome: DeliveryOutcome, latencyMs: number): void;
  /** The first batch could not be read: it is tried again. */
  notRead(lane: Lane, error: unknown): void;
  /** The batch left the queue: taken by the origin, or buried. */
  left(batch: KeptBatch): void;
  /** `batch` is undefined where it cannot be read. Resolves when it need not be kept any more; never rejects. */
  bury(kept: KeptBatch, batch: Batch | undefined, death: Death): Promise<void>;
}

export class Forwarder {
  readonly #clock: Clock;
  readonly #origin: EventOrigin;
  readonly #listener: ForwarderListener;
  readonly #lanes = new Map<string, Lane>();
  readonly #refused: LaneShare;
  readonly #troubled: LaneShare;
  readonly #options: QueueRoomOptions;
  readonly #deliveries: ConcurrencyLimit = createConcurrencyLimit(DELIVERIES_MAX);
  readonly #probes: ConcurrencyLimit = createConcurrencyLimit(PROBES_MAX);
  #isStopped = false;
  /** What makes room for others is read and filed one at a time. */
  #givingUp: Promise<void> = Promise.resolve();

  constructor(clock: Clock, origin: EventOrigin, listener: ForwarderListener, options: QueueRoomOptions) {
    this.#clock = clock;
    this.#origin = origin;
    this.#listener = listener;
    this.#refused = new LaneShare(options, REFUSED_SHARE_MAX);
    this.#troubled = new LaneShare(options, TROUBLED_SHARE_MAX);
    this.#options = options;
  }

  /** Lanes with something in them. */
  get lanes(): ReadonlyMap<string, Lane> {
    return this.#lanes;
  }

  get inFlight(): number {
    return this.#deliveries.activeCount + this.#probes.activeCount;
  }

  get inFlightMax(): number {
    return DELIVERIES_MAX + PROBES_MAX;
  }

  /** Whether what waits for keys in trouble leaves room for one more batch of this key. */
  hasRoomFor(sdkKey: string, bytes: number): boolean {
    const lane = this.#lanes.get(sdkKey);
    if (lane === undefined) return true;
    return this.#refused.hasRoomFor(lane, bytes) && this.#troubled.hasRoomFor(lane, bytes);
  }

  /**
   * For a batch of this key that would be turned away: keys that have been refused for long give up their oldest, the one
   * refused for the longest time first. Nothing is given up where that would not be enough, or for a refused key.
   */
  makeRoomFor(sdkKey: string, missing: Missing): void {
    if (this.#lanes.get(sdkKey)?.isRefused === true) return;
    const giving = findYielding(this.#refused.lanes, missing, this.#clock.monotonicMs());
    let { batches, bytes } = missing;
    for (const lane of giving) {
      while (lane.first !== undefined && (batches > 0 || bytes > 0)) {
        const kept = lane.first;
        batches -= 1;
        bytes -= kept.bytes;
        this.#drop(lane);
        this.#giveUpInTurn(kept);
      }
    }
  }

  add(batch: KeptBatch): void {
    let lane = this.#lanes.get(batch.sdkKey);
    if (lane === undefined) {
      lane = new Lane(batch.sdkKey);
      this.#lanes.set(batch.sdkKey, lane);
    }
    lane.push(batch);
    this.#count(lane, 1, batch.bytes);
    if (lane.batches === 1) this.#sendSoon(lane);
  }

  /** Nothing is sent after this; what is in flight ends by itself, and what waits stays kept. */
  stop(): void {
    this.#isStopped = true;
    for (const lane of this.#lanes.values()) lane.cancelWait();
    this.#deliveries.clearQueue();
    this.#probes.clearQueue();
  }

  #sendSoon(lane: Lane): void {
    if (this.#isStopped || lane.isBusy) return;
    lane.isBusy = true;
    const limit = lane.isRefused ? this.#probes : this.#deliveries;
    void limit(() => this.#sendFirst(lane));
  }

  async #sendFirst(lane: Lane): Promise<void> {
    const kept = lane.first;
    if (kept === undefined || this.#isStopped) return;
    lane.isSending = true;
    const isDone = this.#isOver(lane, kept)
      ? await this.#giveUp(kept, 'refused for three days')
      : await this.#readAndSend(lane, kept);
    lane.isBusy = false;
    lane.isSending = false;
    if (!isDone) return;
    this.#drop(lane);
    if (lane.batches > 0) this.#sendSoon(lane);
  }

  async #readAndSend(lane: Lane, kept: KeptBatch): Promise<boolean> {
    try {
      return await this.#send(lane, kept, await kept.read());
    } catch (error) {
      if (error instanceof BatchDamage) {
        await this.#listener.bury(kept, undefined, UNREADABLE);
        return true;
      }
      lane.failures += 1;
      lane.reason = 'not_read';
      this.#weigh(lane);
      this.#listener.notRead(lane, error);
      this.#wait(lane, retryWaitMs(kept.id, lane.failures));
      return false;
    }
  }

  /** Whether the batch is done with, for good or ill. Where it is not, the next try is arranged. */
  async #send(lane: Lane, kept: KeptBatch, batch: Batch): Promise<boolean> {
    const startMs = this.#clock.monotonicMs();
    const { id: batchId, sdkKey, headers, query, body } = batch;
    const outcome = await this.#origin.deliver({ batchId, sdkKey, headers, query, body });
    this.#learn(lane, outcome);
    this.#listener.delivered(lane, outcome, this.#clock.monotonicMs() - startMs);
    switch (outcome.kind) {
      case 'taken':
        kept.forget();
        return true;
      case 'rejected': {
        const { status, detail } = outcome;
        await this.#listener.bury(kept, batch, { reason: 'rejected', status, detail });
        return true;
      }
      case 'refused':
        this.#wait(lane, PROBE_EVERY_MS);
        return false;
      case 'failed':
        this.#wait(lane, retryWaitMs(kept.id, lane.failures, outcome.retryAfterMs));
        return false;
    }
  }

  #learn(lane: Lane, outcome: DeliveryOutcome): void {
    const isGood = outcome.kind === 'taken' || outcome.kind === 'rejected';
    lane.failures = isGood ? 0 : lane.failures + 1;
    lane.reason = outcome.kind === 'failed' ? outcome.reason : undefined;
    this.#weigh(lane);
    // A failure says nothing about the key.
    if (outcome.kind === 'failed') return;
    lane.isRefused = outcome.kind === 'refused';
    if (lane.isRefused && lane.refusals === 0) lane.refusedSinceMs = this.#clock.monotonicMs();
    lane.refusals = lane.isRefused ? lane.refusals + 1 : 0;
    this.#refused.put(lane, lane.isRefused);
  }

  /** Both since it was accepted and since the key was first refused: neither a long wait before counts, nor a wrong clock. */
  #isOver(lane: Lane, kept: KeptBatch): boolean {
    if (!lane.isRefused || this.#clock.nowMs() - kept.acceptedAtMs <= REFUSED_MS_MAX) return false;
    return this.#clock.monotonicMs() - lane.refusedSinceMs > REFUSED_MS_MAX;
  }

  #wait(lane: Lane, waitMs: number): void {
    if (this.#isStopped) return;
    lane.cancelWait = this.#clock.schedule(waitMs, () => {
      this.#sendSoon(lane);
    });
  }

  /** Takes the first batch out of its lane, and the lane away where it was the last. */
  #drop(lane: Lane): void {
    const batch = lane.shift();
    if (batch === undefined) return;
    this.#count(lane, -1, batch.bytes);
    if (lane.batches === 0) {
      this.#refused.put(lane, false);
      this.#troubled.put(lane, false);
      lane.cancelWait();
      this.#lanes.delete(lane.sdkKey);
    }
    this.#listener.left(batch);
  }

  #count(lane: Lane, change: 1 | -1, bytes: number): void {
    this.#refused.changed(lane, change, bytes);
    this.#troubled.changed(lane, change, bytes);
    this.#weigh(lane);
  }

  #weigh(lane: Lane): void {
    const { batchesMax, bytesMax } = this.#options;
    const isBehind = Math.max(lane.batches / batchesMax, lane.bytes / bytesMax) > BEHIND_FROM_SHARE;
    this.#troubled.put(lane, lane.failures > 0 || isBehind);
  }

  /** What is not filed when the proxy stops stays kept. */
  #giveUpInTurn(kept: KeptBatch): void {
    this.#givingUp = this.#givingUp.then(async () => {
      if (!this.#isStopped) await this.#giveUp(kept, 'refused, and another key needs the room');
    });
  }

  async #giveUp(kept: KeptBatch, detail: string): Promise<true> {
    // Given up whether it can be filed whole or not.
    const batch = await kept.read().catch(() => undefined);
    await this.#listener.bury(kept, batch, { reason: 'refused', detail });
    return true;
  }
}
