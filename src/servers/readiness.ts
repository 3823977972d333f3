// Whether this process should get traffic, from facts the app sets; the same for HTTP probes and whatever else asks.

export type Phase = 'starting' | 'serving' | 'draining';

export class Readiness {
  #phase: Phase = 'starting';

  get phase(): Phase {
    return this.#phase;
  }

  /** Every pinned key was tried once. Without effect once draining. */
  startedUp(): void {
    if (this.#phase === 'starting') this.#phase = 'serving';
  }

  drain(): void {
    this.#phase = 'draining';
  }
}
