// Connections to the origin that are kept between requests, and those that are opened on top in a rush.
import type { Dispatcher } from 'undici';
import type { Cancel, Clock } from '../../domain/clock.js';
import { createOutboundAgent, IDLE_CONNECTION_MS_MAX, type OutboundOptions } from './outbound-agent.js';
import { RenewableAgent } from './renewable-agent.js';

export interface UpstreamPoolOptions extends OutboundOptions {
  /** Connections to one host that stay open between requests. */
  readonly idleConnectionsMax: number;
}

export type UpstreamResponse = Dispatcher.ResponseData;

/**
 * Over HTTP/2, undici neither closes idle connections nor gives up one that went dead without a word: both are done here
 * by renewing the agents.
 */
export class UpstreamPool {
  readonly #clock: Clock;
  readonly #kept: RenewableAgent;
  readonly #overflow: RenewableAgent;
  readonly #idleConnectionsMax: number;
  #inFlight = 0;
  #isClosed = false;
  #cancelIdle: Cancel = () => undefined;

  constructor(clock: Clock, options: UpstreamPoolOptions) {
    this.#clock = clock;
    this.#idleConnectionsMax = options.idleConnectionsMax;
    const keptMax = Math.max(1, options.idleConnectionsMax);
    this.#kept = new RenewableAgent(() => createOutboundAgent(options, keptMax));
    this.#overflow = new RenewableAgent(() => createOutboundAgent(options, 'unkept'));
  }

  /**
   * Sends a GET from within `track`; the body has to be read or dumped. A rush opens more connections than are kept,
   * so that no request waits for another's connection.
   */
  async get(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<UpstreamResponse> {
    return await this.#request(url, { method: 'GET', headers, signal });
  }

  /** Sends a POST in the same way. */
  async post(
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<UpstreamResponse> {
    return await this.#request(url, { method: 'POST', headers, body, signal });
  }

  async #request(
    url: URL,
    rest: Pick<Dispatcher.RequestOptions, 'method' | 'headers' | 'body' | 'signal'>,
  ): Promise<UpstreamResponse> {
    const agent = this.#inFlight <= this.#idleConnectionsMax ? this.#kept : this.#overflow;
    const path = url.pathname + url.search;
    return await agent.current.request({ origin: url.origin, path, ...rest });
  }

  /** Counts a request as in flight until `use` is done with its body. */
  async track<Result>(use: () => Promise<Result>): Promise<Result> {
    this.#inFlight += 1;
    this.#cancelIdle();
    try {
      return await use();
    } finally {
      this.#inFlight -= 1;
      if (!this.#isClosed) this.#settle();
    }
  }

  /** To be told of a request that got no answer in time: its connection may be dead, and the next gets another. */
  distrust(): void {
    this.#kept.renew();
  }

  /** Breaks off what is in flight and closes every connection. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelIdle();
    await Promise.all([this.#kept.destroy(), this.#overflow.destroy()]);
  }

  #settle(): void {
    // The rush is over.
    if (this.#inFlight === this.#idleConnectionsMax) this.#overflow.renew();
    if (this.#inFlight > 0) return;
    this.#cancelIdle = this.#clock.schedule(IDLE_CONNECTION_MS_MAX, () => {
      this.#kept.renew();
    });
  }
}
