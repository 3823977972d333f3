// Whether this process should get traffic, from facts the app sets; the same for HTTP probes and whatever else asks.
import { Listeners } from '../domain/listeners.js';

export type Phase = 'starting' | 'serving' | 'draining';

export class Readiness {
  #phase: Phase = 'starting';
  readonly #listeners = new Listeners<() => void>();
  readonly #findUnusable: () => readonly string[];

  /** `findUnusable`: what is off at this moment, in sentences for people. */
  constructor(findUnusable: () => readonly string[]) {
    this.#findUnusable = findUnusable;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** What is off though traffic is served. */
  get unusable(): readonly string[] {
    return this.#findUnusable();
  }

  /** Every pinned key was tried once, or that took too long. Without effect once draining. */
  startedUp(): void {
    if (this.#phase === 'starting') this.#enter('serving');
  }

  drain(): void {
    this.#enter('draining');
  }

  /** Calls back after every change of phase; returns what ends that. */
  onChange(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#listeners.tell((listener) => {
      listener();
    });
  }
}
