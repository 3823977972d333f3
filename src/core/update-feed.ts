// Publishes newer versions of payloads, and removals, to the streams that clients hold open.
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import type { HeldPayload } from './payload-store.js';

export interface FeedListener {
  /** A newer version is held now. */
  updated(held: HeldPayload): void;
  /** Nothing is held any more: the origin refuses the key, or it is served no more. */
  removed(): void;
}

export class UpdateFeed {
  readonly #listeners = new Map<string, Set<FeedListener>>();

  /** Returns what ends the subscription; calling that again does nothing. */
  subscribe(key: PayloadKey, listener: FeedListener): () => void {
    const id = payloadId(key);
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(id) === listeners) this.#listeners.delete(id);
    };
  }

  /** Whether anybody would be told. */
  has(key: PayloadKey): boolean {
    return this.#listeners.has(payloadId(key));
  }

  /** How many would be told. */
  countOf(key: PayloadKey): number {
    return this.#listeners.get(payloadId(key))?.size ?? 0;
  }

  /** Returns how many were told. */
  publish(held: HeldPayload): number {
    const listeners = [...(this.#listeners.get(payloadId(held.key)) ?? [])];
    for (const listener of listeners) listener.updated(held);
    return listeners.length;
  }

  remove(key: PayloadKey): void {
    for (const listener of [...(this.#listeners.get(payloadId(key)) ?? [])]) listener.removed();
  }
}
