// Collects what Cloud Profiler asks for, for as long as it is switched on, and says once what keeps profiles from arriving.
import type { Clock } from '../../domain/clock.js';
import { pause } from '../../domain/deadline.js';
import type { Failure } from '../../domain/failure.js';
import { jittered } from '../../domain/jitter.js';
import { inBackground } from '../../observability/in-background.js';
import type { Logger } from '../../observability/logger.js';
import type { Collector } from '../collector.js';
import type { CloudIdentity, FindIdentity } from './cloud-identity.js';
import type { ProfilerApi } from './profiler-api.js';

/** As Google's own agents wait, and SFP's did. */
const FIRST_BACKOFF_MS = 60_000;
const BACKOFF_FACTOR = 1.3;
const BACKOFF_MS_MAX = 3_600_000;
/** What the service asks for is kept to, up to this. */
const ASKED_WAIT_MS_MAX = 7 * 24 * 3_600_000;
/** A service that answers at once must not make us collect without end. */
const NEXT_AFTER_MS = 10_000;

export interface Standing {
  readonly isOn: boolean;
  /** Profiles that were delivered since the start. */
  readonly sent: number;
  /** Until it asks again; undefined while something is under way, or where it is off. */
  readonly nextInMs: number | undefined;
  /** Since when, by the wall clock, and why no profile arrives; undefined where they do, or where it is off. */
  readonly failing:
    { readonly sinceMs: number; readonly reason: string; readonly detail: string } | undefined;
}

export class CloudAgent {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #collector: Collector;
  readonly #findIdentity: FindIdentity;
  readonly #api: ProfilerApi;
  #run: AbortController | undefined;
  #identity: CloudIdentity | undefined;
  #failures = 0;
  #failing: Standing['failing'];
  #sent = 0;
  #nextAtMs: number | undefined;

  constructor(clock: Clock, log: Logger, collector: Collector, findIdentity: FindIdentity, api: ProfilerApi) {
    this.#clock = clock;
    this.#log = log;
    this.#collector = collector;
    this.#findIdentity = findIdentity;
    this.#api = api;
  }

  get standing(): Standing {
    const nextInMs = this.#nextAtMs && this.#nextAtMs - this.#clock.monotonicMs();
    return { isOn: this.#run !== undefined, sent: this.#sent, nextInMs, failing: this.#failing };
  }

  /** Does nothing where it is on. */
  start(): void {
    if (this.#run !== undefined) return;
    this.#run = new AbortController();
    inBackground(this.#work(this.#run.signal), this.#log);
  }

  /** Breaks off what is under way: nothing is sent after it. Does nothing where it is off. */
  stop(): void {
    if (this.#run === undefined) return;
    this.#run.abort();
    this.#run = undefined;
    this.#failing = undefined;
    this.#nextAtMs = undefined;
    this.#failures = 0;
    if (this.#identity !== undefined) this.#log.info('profiles are no longer sent to Google Cloud');
    this.#identity = undefined;
  }

  async #work(signal: AbortSignal): Promise<void> {
    const release = await this.#collector.sampleHeap();
    if (typeof release !== 'function') {
      // Another try would find the same package.
      if (!signal.aborted) this.#fail(release);
      return;
    }
    try {
      await this.#repeat(signal);
    } finally {
      release();
    }
  }

  async #repeat(signal: AbortSignal): Promise<void> {
    for (;;) {
      const problem = await this.#turn(signal);
      if (signal.aborted) return;
      const waitMs = problem === undefined ? NEXT_AFTER_MS : this.#waitAfter(problem);
      this.#nextAtMs = this.#clock.monotonicMs() + waitMs;
      await pause(this.#clock, waitMs, signal);
      // Switched off, and perhaps on again: this is another's to say.
      if (isOver(signal)) return;
      this.#nextAtMs = undefined;
    }
  }

  /** One profile, or what came in between. */
  async #turn(signal: AbortSignal): Promise<Failure | undefined> {
    const identity = this.#identity ?? (await this.#findIdentity(signal));
    if ('kind' in identity) return identity;
    if (signal.aborted) return undefined;
    this.#introduce(identity);
    const due = await this.#api.create(identity.deployment, signal);
    if ('reason' in due) return due;
    const profile = await this.#collector.collect(due.kind, due.durationMs, signal);
    if (!Buffer.isBuffer(profile)) return profile;
    const problem = await this.#api.upload(due, profile, identity.labels, signal);
    if (problem === undefined) this.#delivered();
    return problem;
  }

  #introduce(identity: CloudIdentity): void {
    if (this.#identity === identity) return;
    this.#identity = identity;
    const { projectId: project, target: service, labels } = identity.deployment;
    this.#log.info({ project, service, ...labels }, 'profiles are sent to Google Cloud');
  }

  #delivered(): void {
    this.#sent += 1;
    this.#failures = 0;
    if (this.#failing === undefined) return;
    this.#failing = undefined;
    this.#log.info('profiles reach Google Cloud again');
  }

  /** 409 is no failure: the service has enough profiles for now. */
  #waitAfter(problem: Failure): number {
    const { reason, retryAfterMs } = problem;
    const isTooEarly = reason === 'status_409' || reason === 'profiler_busy';
    if (!isTooEarly) this.#fail(problem);
    if (retryAfterMs !== undefined) return Math.min(retryAfterMs, ASKED_WAIT_MS_MAX);
    this.#failures += 1;
    return backoffMs(this.#failures);
  }

  #fail({ reason, detail }: Failure): void {
    if (this.#failing === undefined) {
      this.#log.warn({ reason, detail }, 'no profiles reach Google Cloud: nothing else is affected');
    }
    this.#failing = { sinceMs: this.#failing?.sinceMs ?? this.#clock.nowMs(), reason, detail };
  }
}

/** Asked anew: the compiler takes it for what it was before a wait. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** Before the next attempt, after so many failures in a row. */
export function backoffMs(failures: number): number {
  return jittered(Math.min(FIRST_BACKOFF_MS * BACKOFF_FACTOR ** (failures - 1), BACKOFF_MS_MAX));
}
