// A set of connections that can be replaced by a fresh one: the old one ends its requests and closes.
import type { Dispatcher } from 'undici';

export class RenewableAgent {
  readonly #create: () => Dispatcher;
  readonly #retired = new Set<Dispatcher>();
  #current: Dispatcher;

  constructor(create: () => Dispatcher) {
    this.#create = create;
    this.#current = create();
  }

  get current(): Dispatcher {
    return this.#current;
  }

  renew(): void {
    const old = this.#current;
    this.#current = this.#create();
    this.#retired.add(old);
    // Its only error is that it was destroyed meanwhile.
    const forget = (): boolean => this.#retired.delete(old);
    void old.close().then(forget, forget);
  }

  async destroy(): Promise<void> {
    await Promise.all([this.#current, ...this.#retired].map((agent) => agent.destroy()));
  }
}
