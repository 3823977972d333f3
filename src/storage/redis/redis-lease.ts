// The leader's lease: one key that expires, taken when it is free, renewed and released by its holder only.
import type { Cancel, Clock } from '../../domain/clock.js';
import { WRITE_REASONS, type RedisCommands } from './redis-commands.js';
import { toRedisFault } from './redis-fault.js';
import { resignedMessage } from './redis-messages.js';
import type { RedisNames } from './redis-names.js';

/** A holder may miss two renewals. */
const RENEWALS_PER_TTL = 3;
/** Between attempts that follow a resignation: anyone could publish that message. */
const RESIGNED_MS_MIN = 100;
/** Shown of a holder's name: a key may contain anything. */
const HOLDER_CHARACTERS_MAX = 200;

export interface LeaseOptions {
  readonly instanceId: string;
  readonly leaseTtlMs: number;
  readonly attemptIntervalMs: number;
}

export class RedisLease {
  readonly #clock: Clock;
  readonly #commands: RedisCommands;
  readonly #names: Pick<RedisNames, 'lease' | 'channel'>;
  readonly #options: LeaseOptions;
  #lead: () => void = () => undefined;
  #isTakingPart = false;
  /** By the monotonic clock, which keeps running while this process is paused. */
  #untilMs = -Infinity;
  /** Redis may hold it for us, even if the answer that said so was lost. */
  #mayBeHeld = false;
  #holder: string | undefined;
  #attempt: Promise<void> | undefined;
  #isWantedAgain = false;
  #cancelNext: Cancel = () => undefined;
  /** When it was last tried because a holder resigned, and whether another resigned since. */
  #resignedMs = -Infinity;
  #isResignedHeard = false;
  #cancelResigned: Cancel = () => undefined;

  constructor(
    clock: Clock,
    commands: RedisCommands,
    names: Pick<RedisNames, 'lease' | 'channel'>,
    options: LeaseOptions,
  ) {
    this.#clock = clock;
    this.#commands = commands;
    this.#names = names;
    this.#options = options;
  }

  get isLeader(): boolean {
    return this.#clock.monotonicMs() < this.#untilMs;
  }

  get leader(): string | undefined {
    return this.isLeader ? this.#options.instanceId : this.#holder;
  }

  /** `lead` is called whenever leadership begins. */
  join(lead: () => void): void {
    this.#lead = lead;
    this.#isTakingPart = true;
    this.tryNow();
  }

  /** Renews the lease or tries to take it. A call during an attempt causes one more attempt after it. */
  tryNow(): void {
    if (!this.#isTakingPart) return;
    if (this.#attempt !== undefined) {
      this.#isWantedAgain = true;
      return;
    }
    this.#cancelNext();
    this.#attempt = this.#takeOrRenew()
      // RedisCommands has reported it; the next attempt is scheduled, or comes when Redis is back.
      .catch(() => undefined)
      .then(() => {
        this.#attempt = undefined;
        this.#scheduleNext();
      });
  }

  /** Another replica released the lease, or claims so: many claims at once cause one attempt, and the next a while later. */
  tryForResigned(): void {
    if (this.#isResignedHeard) return;
    const waitMs = this.#resignedMs + RESIGNED_MS_MIN - this.#clock.monotonicMs();
    if (waitMs <= 0) {
      this.#resignedMs = this.#clock.monotonicMs();
      this.tryNow();
      return;
    }
    this.#isResignedHeard = true;
    this.#cancelResigned = this.#clock.schedule(waitMs, () => {
      this.#isResignedHeard = false;
      this.tryForResigned();
    });
  }

  /** Never rejects. */
  async leave(): Promise<void> {
    this.#isTakingPart = false;
    this.#cancelNext();
    this.#cancelResigned();
    await this.#attempt;
    const mayBeHeld = this.#mayBeHeld;
    this.#lost(undefined);
    if (!mayBeHeld) return;
    const { instanceId } = this.#options;
    try {
      await this.#commands.run('lead', {
        script: 'releaseLease',
        names: [this.#names.lease],
        args: [instanceId, this.#names.channel, resignedMessage(instanceId)],
      });
    } catch {
      // RedisCommands has reported it, and the lease expires by itself.
    }
  }

  async #takeOrRenew(): Promise<void> {
    // A lease that may be ours is renewed first: taking it would fail, as it is held.
    if (this.#mayBeHeld && (await this.#renew())) return;
    if (await this.#take()) return;
    await this.#renew();
  }

  async #take(): Promise<boolean> {
    const { instanceId, leaseTtlMs } = this.#options;
    const startMs = this.#clock.monotonicMs();
    try {
      const answer = await this.#commands.send('lead', (client) =>
        client.set(this.#names.lease, instanceId, 'PX', leaseTtlMs, 'NX'),
      );
      this.#commands.tookWrite();
      if (answer !== 'OK') return false;
    } catch (error) {
      const fault = toRedisFault(error);
      // A server that takes no writes can still say who leads.
      if (WRITE_REASONS.includes(fault.reason)) return false;
      // It may have been taken, and the answer lost.
      if (fault.isOfConnection) this.#mayBeHeld = true;
      throw error;
    }
    this.#held(startMs);
    return true;
  }

  /** Also learns who holds it if we do not. */
  async #renew(): Promise<boolean> {
    const { instanceId, leaseTtlMs } = this.#options;
    const startMs = this.#clock.monotonicMs();
    const answer = await this.#commands.run('lead', {
      script: 'renewLease',
      names: [this.#names.lease],
      args: [instanceId, String(leaseTtlMs)],
    });
    if (answer === instanceId) {
      this.#held(startMs);
      return true;
    }
    this.#lost(typeof answer === 'string' ? answer.slice(0, HOLDER_CHARACTERS_MAX) : undefined);
    return false;
  }

  /** It lasts from when the command was sent, not from when the answer came: Redis counts from a moment in between. */
  #held(startMs: number): void {
    const wasLeader = this.isLeader;
    this.#mayBeHeld = true;
    this.#untilMs = startMs + this.#options.leaseTtlMs;
    const nowMs = this.#clock.monotonicMs();
    if (!wasLeader && nowMs < this.#untilMs && this.#isTakingPart) this.#lead();
  }

  #lost(holder: string | undefined): void {
    this.#mayBeHeld = false;
    this.#untilMs = -Infinity;
    this.#holder = holder;
  }

  #scheduleNext(): void {
    if (!this.#isTakingPart) return;
    if (this.#isWantedAgain) {
      this.#isWantedAgain = false;
      this.tryNow();
      return;
    }
    const { leaseTtlMs, attemptIntervalMs } = this.#options;
    const renewalMs = leaseTtlMs / RENEWALS_PER_TTL;
    const delayMs = this.isLeader ? renewalMs : Math.min(attemptIntervalMs, renewalMs);
    this.#cancelNext = this.#clock.schedule(delayMs, () => {
      this.tryNow();
    });
  }
}
