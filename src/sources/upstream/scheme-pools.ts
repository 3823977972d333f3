// Connections for URLs that somebody else chose: a pool for each scheme, as each scheme has an outbound proxy of its own.
import type { Clock } from '../../domain/clock.js';
import { UpstreamPool, type UpstreamPoolOptions, type UpstreamResponse } from './upstream-pool.js';

/** Used like one pool. */
export class SchemePools implements Pick<UpstreamPool, 'get' | 'track' | 'distrust' | 'close'> {
  readonly #http: UpstreamPool;
  readonly #https: UpstreamPool;

  constructor(clock: Clock, options: Omit<UpstreamPoolOptions, 'endpoint'>) {
    this.#http = new UpstreamPool(clock, { ...options, endpoint: { protocol: 'http:' } });
    this.#https = new UpstreamPool(clock, { ...options, endpoint: { protocol: 'https:' } });
  }

  async get(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<UpstreamResponse> {
    return await (url.protocol === 'https:' ? this.#https : this.#http).get(url, headers, signal);
  }

  /** Counts in both: a redirect may lead from one to the other. */
  async track<Result>(use: () => Promise<Result>): Promise<Result> {
    return await this.#http.track(() => this.#https.track(use));
  }

  distrust(): void {
    this.#http.distrust();
    this.#https.distrust();
  }

  async close(): Promise<void> {
    await Promise.all([this.#http.close(), this.#https.close()]);
  }
}
