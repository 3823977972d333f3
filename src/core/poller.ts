// Decides when each known payload is asked for again; knows neither what it is nor what becomes of the answer.
import { createConcurrencyLimit, type ConcurrencyLimit } from '../domain/concurrency-limit.js';
import type { Cancel, Clock } from '../domain/clock.js';
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import { phaseMs } from '../domain/phase.js';
import { inBackground } from '../observability/in-background.js';
import type { Logger } from '../observability/logger.js';
import { CoalescedTimers } from './coalesced-timers.js';
import type { FetchOutcome } from './origin.js';
import { nextPhaseMs, waitMs } from './poll-schedule.js';

export interface PollerOptions {
  readonly intervalMs: (key: PayloadKey) => number;
  readonly inFlightMax: number;
  /** Whether a version of the payload is held: what is not held yet is tried again sooner. */
  readonly isHeld: (key: PayloadKey) => boolean;
  /** Makes the phases of this instance different from another's. */
  readonly instanceName: string;
}

/** What came of a turn. */
export type Polled =
  | FetchOutcome
  /** The origin was not asked, as somebody else has asked it lately; the next turn comes after `forMs`. */
  | { readonly kind: 'spared'; readonly forMs: number };

/** What the poller knows of one payload; times by the monotonic clock. */
export interface PollState {
  readonly nextPollMs: number | undefined;
  readonly failures: number;
}

interface Target {
  readonly key: PayloadKey;
  readonly id: string;
  /** Undefined while a poll of it waits or runs. */
  nextPollMs: number | undefined;
  /** Where the poll after the one that waits or runs was moved to. */
  postponedToMs: number | undefined;
  /** Where it was moved to if it would come later. */
  hastenedToMs: number | undefined;
  failures: number;
  /** The origin asked not to be asked before. */
  notBeforeMs: number;
  cancel: Cancel;
}

export class Poller {
  readonly #clock: Clock;
  readonly #log: Logger;
  #pollOnce: (key: PayloadKey) => Promise<Polled> = notStarted;
  readonly #options: PollerOptions;
  readonly #limit: ConcurrencyLimit;
  readonly #timers: CoalescedTimers;
  readonly #targets = new Map<string, Target>();
  #isStopped = false;

  constructor(clock: Clock, log: Logger, options: PollerOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#options = options;
    this.#limit = createConcurrencyLimit(options.inFlightMax);
    this.#timers = new CoalescedTimers(clock);
  }

  /** To be called before any payload is watched. `poll` never rejects. */
  start(poll: (key: PayloadKey) => Promise<Polled>): void {
    this.#pollOnce = poll;
  }

  /** Polls the payload from its next phase on; a payload that is watched already stays as it is. */
  watch(key: PayloadKey): void {
    if (this.#targets.has(payloadId(key)) || this.#isStopped) return;
    const target = this.#add(key);
    const intervalMs = this.#options.intervalMs(key);
    this.#scheduleAt(target, nextPhaseMs(this.#clock.monotonicMs(), this.#phaseMs(key), intervalMs));
  }

  /** Polls the payload at once, and from then on like any other; resolves when that first poll is done. */
  async watchNow(key: PayloadKey): Promise<void> {
    if (this.#targets.has(payloadId(key)) || this.#isStopped) return;
    await this.#poll(this.#add(key));
  }

  unwatch(key: PayloadKey): void {
    const id = payloadId(key);
    this.#targets.get(id)?.cancel();
    this.#targets.delete(id);
  }

  /**
   * Moves the payload's next poll to `atMs`, and forgets its failures: somebody else got an answer. Where a poll of it
   * waits or runs, it is the one after that.
   */
  postpone(key: PayloadKey, atMs: number): void {
    const target = this.#targets.get(payloadId(key));
    if (target === undefined) return;
    if (target.nextPollMs === undefined) {
      target.postponedToMs = atMs;
      return;
    }
    target.failures = 0;
    target.cancel();
    this.#scheduleAt(target, atMs);
  }

  /**
   * Moves the payload's next poll to `atMs` if it would come later, unless that is for failures of the origin. Where a poll of
   * it waits or runs, it is the one after that.
   */
  hasten(key: PayloadKey, atMs: number): void {
    const target = this.#targets.get(payloadId(key));
    if (target === undefined || target.failures > 0) return;
    if (target.postponedToMs !== undefined) target.postponedToMs = Math.min(target.postponedToMs, atMs);
    if (target.nextPollMs === undefined)
      target.hastenedToMs = Math.min(target.hastenedToMs ?? Infinity, atMs);
    if (target.nextPollMs === undefined || target.nextPollMs <= atMs) return;
    target.cancel();
    this.#scheduleAt(target, atMs);
  }

  /** The payloads that are watched. */
  get watched(): readonly PayloadKey[] {
    return [...this.#targets.values()].map(({ key }) => key);
  }

  stateOf(key: PayloadKey): PollState | undefined {
    return this.#targets.get(payloadId(key));
  }

  get inFlight(): number {
    return this.#limit.activeCount;
  }

  /** No poll begins after this; polls in flight end by themselves. */
  stop(): void {
    this.#isStopped = true;
    for (const target of this.#targets.values()) target.cancel();
    this.#targets.clear();
    this.#limit.clearQueue();
  }

  #add(key: PayloadKey): Target {
    const target: Target = {
      key,
      id: payloadId(key),
      nextPollMs: undefined,
      postponedToMs: undefined,
      hastenedToMs: undefined,
      failures: 0,
      notBeforeMs: 0,
      cancel: () => undefined,
    };
    this.#targets.set(target.id, target);
    return target;
  }

  #scheduleAt(target: Target, atMs: number): void {
    target.nextPollMs = atMs;
    target.cancel = this.#timers.schedule(atMs, () => {
      inBackground(this.#poll(target), this.#log);
    });
  }

  async #poll(target: Target): Promise<void> {
    const dueMs = target.nextPollMs;
    target.nextPollMs = undefined;
    await this.#limit(async () => {
      if (!this.#isWatched(target)) return;
      const polled = await this.#pollOrPause(target);
      if (!this.#isWatched(target)) return;
      const { hastenedToMs } = target;
      target.hastenedToMs = undefined;
      this.#scheduleNext(target, polled, dueMs);
      if (hastenedToMs !== undefined) this.hasten(target.key, hastenedToMs);
    });
  }

  #scheduleNext(target: Target, polled: Polled, dueMs: number | undefined): void {
    const { postponedToMs } = target;
    target.postponedToMs = undefined;
    if (polled.kind !== 'spared' && postponedToMs === undefined) {
      this.#scheduleAfter(target, polled, dueMs);
      return;
    }
    const sparedToMs = polled.kind === 'spared' ? this.#clock.monotonicMs() + polled.forMs : 0;
    target.failures = 0;
    this.#scheduleAt(target, Math.max(sparedToMs, postponedToMs ?? 0));
  }

  /** An error of ours must not be the last poll of this payload. */
  async #pollOrPause(target: Target): Promise<Polled> {
    try {
      return await this.#pollOnce(target.key);
    } catch (error) {
      if (this.#isWatched(target)) {
        this.#scheduleAt(target, this.#clock.monotonicMs() + this.#options.intervalMs(target.key));
      }
      throw error;
    }
  }

  /** Counts from when the poll was due, not from when it ended: a slow origin does not stretch the interval. */
  #scheduleAfter(target: Target, outcome: FetchOutcome, dueMs: number | undefined): void {
    const nowMs = this.#clock.monotonicMs();
    const intervalMs = this.#options.intervalMs(target.key);
    const isGood = outcome.kind === 'updated' || outcome.kind === 'unchanged';
    const isBack = isGood && target.failures > 0;
    target.failures = isGood ? 0 : target.failures + 1;
    const nextPhase = (): number => nextPhaseMs(nowMs, this.#phaseMs(target.key), intervalMs);
    // Asking sooner does not help a key that was refused.
    const waitsLong = outcome.kind === 'unauthorized' || this.#options.isHeld(target.key);
    const afterWaitMs = (dueMs ?? nextPhase() - intervalMs) + waitMs(target.failures, intervalMs, waitsLong);
    const atMs = afterWaitMs > nowMs ? afterWaitMs : nextPhase();
    target.notBeforeMs = nowMs + (outcome.kind === 'failed' ? (outcome.retryAfterMs ?? 0) : 0);
    // At the phase after it, not right then: what all replicas were told would make them march in step.
    const isLater = target.notBeforeMs > atMs;
    this.#scheduleAt(
      target,
      isLater ? nextPhaseMs(target.notBeforeMs, this.#phaseMs(target.key), intervalMs) : atMs,
    );
    if (isBack) this.#wakeFailing();
  }

  /** The origin is back: what failed meanwhile need not wait out its back-off. Each at its own phase, so that they spread. */
  #wakeFailing(): void {
    for (const target of this.#targets.values()) {
      if (target.failures === 0 || target.nextPollMs === undefined) continue;
      const fromMs = Math.max(this.#clock.monotonicMs(), target.notBeforeMs);
      const atMs = nextPhaseMs(fromMs, this.#phaseMs(target.key), this.#options.intervalMs(target.key));
      if (target.nextPollMs <= atMs) continue;
      target.cancel();
      this.#scheduleAt(target, atMs);
    }
  }

  #phaseMs(key: PayloadKey): number {
    return phaseMs(this.#options.instanceName, payloadId(key), this.#options.intervalMs(key));
  }

  #isWatched(target: Target): boolean {
    return !this.#isStopped && this.#targets.get(target.id) === target;
  }
}

function notStarted(): never {
  throw new Error('a payload was watched before the poller was started');
}
