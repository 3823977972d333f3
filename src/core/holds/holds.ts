// The holds that are known here, and what each means for its payload at this moment.
import type { Clock } from '../../domain/clock.js';
import type { PayloadKey } from '../../domain/payload-key.js';
import { hashSdkKey } from '../../domain/sdk-key.js';
import { holdId, holdIdOf, ruleOf, type Hold, type HoldRule } from './hold.js';

/** Payloads with a hold that is in force or was lately; an operator who wants more than that wants another origin. */
export const HOLDS_MAX = 500;

export class Holds {
  readonly #clock: Clock;
  #holds: ReadonlyMap<string, Hold> = new Map();
  /** The newest version that came while the payload was held, by hold id: it need not be sent again. */
  readonly #waiting = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get all(): readonly Hold[] {
    return [...this.#holds.values()];
  }

  replace(holds: readonly Hold[]): void {
    this.#holds = new Map(holds.slice(0, HOLDS_MAX).map((hold) => [holdId(hold), hold]));
    for (const id of [...this.#waiting.keys()]) if (!this.#holds.has(id)) this.#waiting.delete(id);
  }

  of(key: PayloadKey): Hold | undefined {
    return this.#holds.size === 0 ? undefined : this.#holds.get(holdIdOf(key));
  }

  ruleFor(key: PayloadKey): HoldRule | undefined {
    const hold = this.of(key);
    return hold && ruleOf(hold, this.#clock.nowMs());
  }

  /** Whether `version` is what a hold says is to be served of this payload now. */
  demands(key: PayloadKey, version: number): boolean {
    const rule = this.ruleFor(key);
    return rule?.kind === 'held' && rule.version === version;
  }

  /** Whether an operator has decided what is served of this payload now. */
  isOrdered(key: PayloadKey): boolean {
    return this.ruleFor(key)?.kind === 'held' && this.of(key)?.action !== 'guard';
  }

  /** Whether anything of the key is held now: then it must not leave to make room. */
  keeps(sdkKey: string): boolean {
    if (this.#holds.size === 0) return false;
    const [keyHash, nowMs] = [hashSdkKey(sdkKey), this.#clock.nowMs()];
    return this.all.some((hold) => hold.keyHash === keyHash && ruleOf(hold, nowMs)?.kind === 'held');
  }

  /** A version came that is not served as long as the payload is held. */
  heldBack(key: PayloadKey, version: number): void {
    const id = holdIdOf(key);
    this.#waiting.set(id, Math.max(version, this.#waiting.get(id) ?? 0));
  }

  /** The newest of those; 0 where none came. */
  waitingOf(key: PayloadKey): number {
    return this.#waiting.get(holdIdOf(key)) ?? 0;
  }
}
