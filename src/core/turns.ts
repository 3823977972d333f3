// What a payload's turn comes to: taken from a backup, left to another replica, or asked for at the origin.
import type { Clock } from '../domain/clock.js';
import type { PayloadKey } from '../domain/payload-key.js';
import type { Poller, Polled } from './poller.js';
import type { Backups, Restored } from './backups.js';
import type { HeldPayload, PayloadStore } from './payload-store.js';
import type { Refresher } from './refresher.js';

/** What other replicas take off this one. */
export interface Sparing {
  /** How long a payload that was confirmed so long ago, as Redis has it, need not be polled here. */
  sparedMs(key: PayloadKey, confirmedAgoMs: number): number;
  /** The same for a poll that is due now; 0: it is ours to do. Never rejects. */
  sparedNowMs(key: PayloadKey): Promise<number>;
}

/** What is held then; never rejects. */
export type Enforce = (key: PayloadKey) => Promise<HeldPayload | undefined>;

export class Turns {
  readonly #clock: Clock;
  readonly #store: PayloadStore;
  readonly #refresher: Refresher;
  readonly #backups: Backups;
  readonly #isRefused: (key: PayloadKey) => boolean;
  readonly #sparing: Sparing | undefined;
  readonly #enforce: Enforce | undefined;

  /** `isRefused`: whether the origin refuses the payload's key, so that it was dropped here; `sparing`: undefined where there are no other replicas. */
  constructor(
    clock: Clock,
    rooms: {
      readonly store: PayloadStore;
      readonly refresher: Refresher;
      readonly backups: Backups;
      readonly isRefused: (key: PayloadKey) => boolean;
      /** Puts in force what operators decided; left out where they cannot. */
      readonly enforce?: Enforce;
    },
    sparing: Sparing | undefined,
  ) {
    this.#clock = clock;
    this.#store = rooms.store;
    this.#refresher = rooms.refresher;
    this.#backups = rooms.backups;
    this.#isRefused = rooms.isRefused;
    this.#enforce = rooms.enforce;
    this.#sparing = sparing;
  }

  /** A poll that is due. Never rejects. */
  async poll(key: PayloadKey): Promise<Polled> {
    await this.#enforce?.(key);
    if (this.#store.peek(key) === undefined && !this.#isRefused(key)) {
      const restored = await this.#backups.restore(key);
      // Held now; the origin's turn comes next.
      if (restored !== undefined) return { kind: 'spared', forMs: this.#sparedAfter(restored) };
    } else if (this.#sparing !== undefined && this.#store.peek(key) !== undefined) {
      const forMs = await this.#sparing.sparedNowMs(key);
      // Where it has left meanwhile to make room, the poller will not come back to it.
      if (forMs > 0 || this.#store.peek(key) === undefined) return { kind: 'spared', forMs };
    }
    return (await this.#refresher.refresh(key)).outcome;
  }

  /** A client waits for it. The origin is asked behind, through the poller that watches what is held. */
  async restore(key: PayloadKey, poller: Poller): Promise<HeldPayload | undefined> {
    const enforced = await this.#enforce?.(key);
    if (enforced !== undefined) return enforced;
    const restored = await this.#backups.restore(key);
    if (restored === undefined) return undefined;
    poller.postpone(key, this.#clock.monotonicMs() + this.#sparedAfter(restored));
    return restored.held;
  }

  #sparedAfter({ held, place, confirmedAgoMs }: Restored): number {
    if (place !== 'redis' || this.#sparing === undefined) return 0;
    return this.#sparing.sparedMs(held.key, confirmedAgoMs);
  }
}
