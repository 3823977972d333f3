// Polls by what an origin pushes: at once where it has a newer version, and rarely while it would tell of one.
import type { Clock } from '../domain/clock.js';
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import { isNewer } from '../domain/version.js';
import type { PayloadStore, StoreListener } from './payload-store.js';
import type { Poller } from './poller.js';
import type { PushSource } from './push-source.js';

interface Watched {
  isLive: boolean;
  /** The newest that was told of. */
  heard: number;
  end: () => void;
}

export class PushedUpdates implements StoreListener {
  readonly #clock: Clock;
  readonly #source: PushSource;
  readonly #store: Pick<PayloadStore, 'peek'>;
  readonly #poller: Pick<Poller, 'hasten'>;
  readonly #intervalMs: (key: PayloadKey) => number;
  readonly #watched = new Map<string, Watched>();
  #isStopped = false;

  /** `intervalMs`: between polls of a payload whose newer versions nobody would tell of. */
  constructor(
    clock: Clock,
    source: PushSource,
    rooms: { readonly store: Pick<PayloadStore, 'peek'>; readonly poller: Pick<Poller, 'hasten'> },
    intervalMs: (key: PayloadKey) => number,
  ) {
    this.#clock = clock;
    this.#source = source;
    this.#store = rooms.store;
    this.#poller = rooms.poller;
    this.#intervalMs = intervalMs;
  }

  /** The payload is held from now on. */
  added(key: PayloadKey): void {
    if (key.kind.versions !== 'stated' || this.#isStopped || this.#watched.has(payloadId(key))) return;
    const watched: Watched = { isLive: false, heard: 0, end: () => undefined };
    this.#watched.set(payloadId(key), watched);
    watched.end = this.#source.watch(key, {
      heard: (version) => {
        if (isNewer(version, watched.heard, this.#clock.nowMs())) watched.heard = version;
        if (this.#isBehind(key, watched)) this.#poller.hasten(key, this.#clock.monotonicMs());
      },
      live: (isLive) => {
        watched.isLive = isLive;
        if (!isLive) this.#poller.hasten(key, this.#clock.monotonicMs() + this.#intervalMs(key));
      },
    });
  }

  removed(key: PayloadKey): void {
    this.#watched.get(payloadId(key))?.end();
    this.#watched.delete(payloadId(key));
  }

  /** Whether a newer version would be told of, and none was that is not held. */
  isCurrent(key: PayloadKey): boolean {
    const watched = this.#watched.get(payloadId(key));
    return watched !== undefined && watched.isLive && !this.#isBehind(key, watched);
  }

  /** Payloads whose newer versions would be told of, and all that are watched. */
  get counts(): { readonly live: number; readonly watched: number } {
    const all = [...this.#watched.values()];
    return { live: all.filter(({ isLive }) => isLive).length, watched: all.length };
  }

  stop(): void {
    this.#isStopped = true;
    for (const { end } of this.#watched.values()) end();
    this.#watched.clear();
  }

  #isBehind(key: PayloadKey, { heard }: Watched): boolean {
    const held = this.#store.peek(key);
    return held !== undefined && isNewer(heard, held.payload.version, this.#clock.nowMs());
  }
}
