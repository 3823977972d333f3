// Connections to origins, kept between requests, whatever the scheme, the HTTP version and the way out.
import type { Dispatcher } from 'undici';
import type { Clock } from '../domain/clock.js';
import { createOutboundAgent, type OutboundAgent, type OutboundOptions } from './outbound/outbound-agent.js';

export type UpstreamPoolOptions = OutboundOptions;

export type UpstreamResponse = Dispatcher.ResponseData;

export class UpstreamPool {
  readonly #http: OutboundAgent;
  readonly #https: OutboundAgent;

  constructor(clock: Clock, options: UpstreamPoolOptions) {
    this.#http = createOutboundAgent(clock, 'http:', options);
    this.#https = createOutboundAgent(clock, 'https:', options);
  }

  /** Sends a GET; the body has to be read or dumped. No request waits for another's answer. */
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

  /** To be told of a request that got no answer in time: its connection may be dead, and the next gets another. */
  distrust(): void {
    this.#http.distrust();
    this.#https.distrust();
  }

  /** Breaks off what is in flight and closes every connection. */
  async close(): Promise<void> {
    await Promise.all([this.#http.dispatcher.destroy(), this.#https.dispatcher.destroy()]);
  }

  async #request(
    url: URL,
    rest: Pick<Dispatcher.RequestOptions, 'method' | 'headers' | 'body' | 'signal'>,
  ): Promise<UpstreamResponse> {
    const { dispatcher } = url.protocol === 'https:' ? this.#https : this.#http;
    return await dispatcher.request({ origin: url.origin, path: url.pathname + url.search, ...rest });
  }
}
