// Sends what waits to the origin: per SDK key in order and one at a time, over all keys a bounded number.
import type { Clock } from '../../../domain/clock.js';
import { createConcurrencyLimit, type ConcurrencyLimit } from '../../../domain/concurrency-limit.js';
import { inBackground } from '../../../observability/in-background.js';
import type { Logger } from '../../../observability/logger.js';
import type { DeliveryOutcome, EventOrigin } from '../origin/event-origin.js';
import { failed } from '../../../domain/failure.js';
import { isUnsent } from '../../../http-client/upstream-failure.js';
import { BatchDamage, BatchMoved, QueueAway, type Batch, type KeptBatch } from './batch.js';
import { UNREADABLE } from './dead-letters.js';
import type { ForwarderListener } from './forwarder-listener.js';
import { isHopeless, isRefusedForGood } from './giving-up.js';
import { AsideLane, Lane } from './lane.js';
import { PacedLine } from './paced-line.js';
import type { QueueRoom } from './queue-room.js';
import { DONE, probeWaitMs, retryWaitMs, type Progress } from './retry-schedule.js';

/** A slow key holds one of these; so many keys would have to be slow at once to delay the others. */
const DELIVERIES_MAX = 64;
/**
 * Between two tries again of unknown keys, and of batches that stepped aside, of all together: anybody can invent keys, and
 * each would be tried for days.
 */
const AGAIN_PAUSE_MS = 200;
/** An answer that says "never", but may come from a server in between, is not believed before this time. */
const DOUBTED_MS_MAX = 60 * 60 * 1000;
/** What turned out to be another replica's is taken out of its lane within this time. */
const MOVED_MS = 1_000;

export class Forwarder {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #origin: EventOrigin;
  readonly #listener: ForwarderListener;
  readonly #room: QueueRoom;
  readonly #lanes = new Map<string, Lane>();
  /** Of unknown keys that the origin refuses; the one refused for the longest time first. */
  readonly #strangers = new Set<Lane>();
  readonly #deliveries: ConcurrencyLimit = createConcurrencyLimit(DELIVERIES_MAX);
  readonly #again: PacedLine<Lane>;
  /** Read, sent, or given up at this moment. */
  readonly #sending = new Map<KeptBatch, Promise<unknown>>();
  #isStopped = false;
  /** What makes room for others is read and filed one at a time. */
  #givingUp: Promise<void> = Promise.resolve();

  /** `room`: the caller of `add` has already taken the batch's place there. */
  constructor(clock: Clock, log: Logger, origin: EventOrigin, listener: ForwarderListener, room: QueueRoom) {
    this.#clock = clock;
    this.#log = log;
    this.#origin = origin;
    this.#listener = listener;
    this.#room = room;
    this.#again = new PacedLine(clock, AGAIN_PAUSE_MS, (lane) => {
      inBackground(this.#sendNext(lane), log);
    });
  }

  /** Of keys with something waiting. */
  get lanes(): ReadonlyMap<string, Lane> {
    return this.#lanes;
  }

  /** Without those that are few by their rate. */
  get inFlight(): number {
    return this.#deliveries.activeCount;
  }

  get inFlightMax(): number {
    return DELIVERIES_MAX;
  }

  add(batch: KeptBatch): void {
    let lane = this.#lanes.get(batch.sdkKey);
    if (lane === undefined) {
      lane = new Lane(batch.sdkKey);
      this.#lanes.set(batch.sdkKey, lane);
    }
    lane.push(batch);
    this.#goOn(lane);
  }

  /** Gives up the oldest batch of the stranger refused for the longest time; returns false where there is none. */
  giveUpStranger(): boolean {
    for (const lane of this.#strangers) {
      const kept = lane.first;
      if (kept === undefined || lane.isSending || this.#room.isKnown(lane.sdkKey)) continue;
      this.#drop(lane, kept);
      // One at a time; what is not filed when the proxy stops stays kept.
      this.#givingUp = this.#givingUp.then(async () => {
        if (!this.#isStopped) await this.#giveUp(kept, 'refused, and other keys need the room');
      });
      return true;
    }
    return false;
  }

  /** Takes out what is not to be sent from here any more; resolves once none of it is on its way. */
  async withdraw(isOne: (kept: KeptBatch) => boolean): Promise<void> {
    for (const main of [...this.#lanes.values()]) {
      for (const lane of [main, ...main.aside]) {
        for (const kept of lane.withdraw(isOne)) this.#room.leave(kept);
        this.#removeIfEmpty(lane);
      }
    }
    this.#listener.left();
    const onTheirWay = [...this.#sending].filter(([kept]) => isOne(kept));
    await Promise.all(onTheirWay.map(([, sending]) => sending));
  }

  /** Nothing is sent after this; what is in flight ends by itself, and what waits stays kept. */
  stop(): void {
    this.#isStopped = true;
    for (const main of this.#lanes.values()) {
      for (const lane of [main, ...main.aside]) lane.cancelWait();
    }
    this.#deliveries.clearQueue();
    this.#again.clear();
  }

  /** Arranges the lane's next try, now or when its time comes. */
  #goOn(lane: Lane): void {
    const turn = lane.next(this.#clock.monotonicMs());
    if (turn === undefined || lane.isBusy || this.#isStopped) return;
    lane.cancelWait();
    if (turn.inMs > 0) {
      lane.cancelWait = this.#clock.schedule(turn.inMs, () => {
        this.#goOn(lane);
      });
      return;
    }
    lane.isBusy = true;
    const isPaced = lane instanceof AsideLane || (lane.failures > 0 && !this.#room.isKnown(lane.sdkKey));
    const send = (): Promise<void> => this.#sendNext(lane);
    if (isPaced) this.#again.join(lane);
    else inBackground(this.#deliveries(send), this.#log);
  }

  async #sendNext(lane: Lane): Promise<void> {
    const kept = lane.next(this.#clock.monotonicMs())?.kept;
    if (kept === undefined || this.#isStopped) {
      lane.isBusy = false;
      return;
    }
    lane.isSending = true;
    const sending = isRefusedForGood(lane, kept, this.#clock)
      ? this.#giveUp(kept, 'refused for three days')
      : this.#readAndSend(lane, kept);
    this.#sending.set(kept, sending);
    const progress = await sending;
    this.#sending.delete(kept);
    lane.isBusy = false;
    lane.isSending = false;
    if (progress.isDone) this.#drop(lane, kept);
    else lane.wait(kept, this.#clock.monotonicMs() + progress.waitMs, progress.mayTry);
    this.#goOn(lane);
  }

  async #readAndSend(lane: Lane, kept: KeptBatch): Promise<Progress> {
    try {
      return await this.#send(lane, kept, await kept.read());
    } catch (error) {
      if (error instanceof BatchDamage) {
        await this.#listener.bury(kept, undefined, UNREADABLE);
        return DONE;
      }
      if (error instanceof BatchMoved) return { isDone: false, waitMs: MOVED_MS, mayTry: false };
      lane.failed(kept, 'not_read');
      this.#listener.notRead(lane, error);
      const mayTry = !(error instanceof QueueAway);
      return { isDone: false, waitMs: this.#retryWaitMs(lane, kept), mayTry };
    }
  }

  async #send(lane: Lane, kept: KeptBatch, batch: Batch): Promise<Progress> {
    const startMs = this.#clock.monotonicMs();
    const { id: batchId, sdkKey, headers, query, body } = batch;
    const outcome = this.#doubt(lane, await this.#origin.deliver({ batchId, sdkKey, headers, query, body }));
    this.#learn(lane, kept, outcome);
    this.#listener.delivered(lane, outcome, this.#clock.monotonicMs() - startMs);
    switch (outcome.kind) {
      case 'taken':
        kept.forget();
        return DONE;
      case 'rejected': {
        const { status, detail } = outcome;
        await this.#listener.bury(kept, batch, { reason: 'rejected', status, detail });
        return DONE;
      }
      case 'refused':
        return { isDone: false, waitMs: probeWaitMs(kept.id, lane.refusals), mayTry: false };
      case 'failed': {
        const { reason, detail, retryAfterMs } = outcome;
        if (isHopeless(lane, this.#clock)) {
          await this.#listener.bury(kept, batch, { reason: 'failed', detail });
          return DONE;
        }
        const waitMs = this.#retryWaitMs(lane, kept, retryAfterMs);
        return { isDone: false, waitMs, mayTry: retryAfterMs === undefined && !isUnsent(reason) };
      }
    }
  }

  /** An answer that may come from a server in between counts as a failure at first. */
  #doubt(lane: Lane, outcome: DeliveryOutcome): DeliveryOutcome {
    if (outcome.kind === 'failed') return outcome;
    if (outcome.kind !== 'rejected' || !outcome.isDoubtful) {
      lane.doubtedSinceMs = undefined;
      return outcome;
    }
    lane.doubtedSinceMs ??= this.#clock.monotonicMs();
    const isOver = this.#clock.monotonicMs() - lane.doubtedSinceMs >= DOUBTED_MS_MAX;
    return isOver ? outcome : failed(`status_${outcome.status}`, `HTTP status ${outcome.status}`);
  }

  #learn(lane: Lane, kept: KeptBatch, outcome: DeliveryOutcome): void {
    // A failure says nothing about the key.
    if (outcome.kind === 'failed') {
      lane.failed(kept, outcome.reason);
      return;
    }
    lane.isRefused = outcome.kind === 'refused';
    if (lane.isRefused && lane.refusals === 0) lane.refusedSinceMs = this.#clock.monotonicMs();
    lane.refusals = lane.isRefused ? lane.refusals + 1 : 0;
    if (lane.isRefused) lane.failed(kept, undefined);
    else this.#answered(lane, kept, outcome.kind === 'taken');
    if (lane.isRefused && !this.#room.isKnown(lane.sdkKey)) this.#strangers.add(lane);
    else this.#strangers.delete(lane);
  }

  #answered(lane: Lane, kept: KeptBatch, isTaken: boolean): void {
    lane.answered(isTaken);
    if (isTaken) this.#room.know(lane.sdkKey);
    const { first } = lane;
    if (isTaken && first !== undefined && first !== kept) this.#stepAside(lane, first);
    if (isTaken || first === kept) lane.endWait();
  }

  /** The first batch failed, and a later one was just taken. */
  #stepAside(main: Lane, kept: KeptBatch): void {
    const nowMs = this.#clock.monotonicMs();
    const lane = new AsideLane(main, kept, nowMs);
    lane.wait(kept, nowMs + this.#retryWaitMs(lane, kept), false);
    this.#listener.steppedAside(lane);
    this.#goOn(lane);
  }

  /** A later batch that failed was only a trial: the first one keeps waiting. */
  #retryWaitMs(lane: Lane, kept: KeptBatch, retryAfterMs = 0): number {
    return kept === lane.first ? retryWaitMs(kept.id, lane.firstFailures, retryAfterMs) : retryAfterMs;
  }

  /** Takes the batch out of its lane, and the lane away where it was the key's last. */
  #drop(lane: Lane, kept: KeptBatch): void {
    lane.remove(kept);
    this.#removeIfEmpty(lane);
    this.#room.leave(kept);
    this.#listener.left();
  }

  #removeIfEmpty(lane: Lane): void {
    if (lane.batches > 0) return;
    this.#again.leave(lane);
    lane.cancelWait();
    const main = lane instanceof AsideLane ? lane.main : lane;
    if (lane instanceof AsideLane) main.aside.delete(lane);
    // After a withdrawal the key may have a new lane by now.
    const isLast = main.batches === 0 && main.aside.size === 0 && this.#lanes.get(main.sdkKey) === main;
    if (isLast) this.#lanes.delete(main.sdkKey);
    this.#strangers.delete(lane);
  }

  async #giveUp(kept: KeptBatch, detail: string): Promise<Progress> {
    // Given up whether it can be filed whole or not.
    const batch = await kept.read().catch(() => undefined);
    await this.#listener.bury(kept, batch, { reason: 'refused', detail });
    return DONE;
  }
}
