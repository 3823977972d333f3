// The one door to undici: connections to the origin that are kept, and the few that are opened on top in a rush.
import { rootCertificates } from 'node:tls';
import { EnvHttpProxyAgent, interceptors, type Dispatcher } from 'undici';

const REDIRECTS_MAX = 3;
/** An idle connection is closed by us before the 60 s after which load balancers commonly forget it. */
const IDLE_CONNECTION_MS_MAX = 55_000;

export interface UpstreamPoolOptions {
  readonly connectTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly bodyIdleTimeoutMs: number;
  /** Connections to one host that stay open between requests. */
  readonly idleConnectionsMax: number;
  /** PEM text of certificate authorities to trust besides the well-known ones. */
  readonly caPem: string | undefined;
  /** Outbound proxies; empty for none. */
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
}

export type UpstreamResponse = Dispatcher.ResponseData;

export class UpstreamPool {
  readonly #kept: EnvHttpProxyAgent;
  readonly #overflow: EnvHttpProxyAgent;
  readonly #sendKept: Dispatcher;
  readonly #sendOverflow: Dispatcher;
  readonly #idleConnectionsMax: number;
  #inFlight = 0;

  constructor(options: UpstreamPoolOptions) {
    const tls = {
      allowH2: true,
      timeout: options.connectTimeoutMs,
      ...(options.caPem === undefined ? {} : { ca: [...rootCertificates, options.caPem] }),
    };
    const shared = {
      allowH2: true,
      connect: tls,
      requestTls: tls,
      headersTimeout: options.headersTimeoutMs,
      bodyTimeout: options.bodyIdleTimeoutMs,
      keepAliveTimeout: IDLE_CONNECTION_MS_MAX,
      keepAliveMaxTimeout: IDLE_CONNECTION_MS_MAX,
      // Given even where empty: undici reads the environment only for what is not given.
      httpProxy: options.httpProxy,
      httpsProxy: options.httpsProxy,
      noProxy: options.noProxy,
    };
    this.#idleConnectionsMax = options.idleConnectionsMax;
    this.#kept = new EnvHttpProxyAgent({ ...shared, connections: Math.max(1, options.idleConnectionsMax) });
    // `pipelining: 0` closes a connection after its request.
    this.#overflow = new EnvHttpProxyAgent({ ...shared, pipelining: 0 });
    const redirect = interceptors.redirect({ maxRedirections: REDIRECTS_MAX });
    this.#sendKept = this.#kept.compose(redirect);
    this.#sendOverflow = this.#overflow.compose(redirect);
  }

  /**
   * Sends a GET from within `track`; the body has to be read or dumped. A rush opens more connections than are kept,
   * so that no request waits for another's connection.
   */
  async get(
    origin: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<UpstreamResponse> {
    const sender = this.#inFlight <= this.#idleConnectionsMax ? this.#sendKept : this.#sendOverflow;
    return await sender.request({ origin, path, method: 'GET', headers, signal });
  }

  /** Counts a request as in flight until `use` is done with its body. */
  async track<Result>(use: () => Promise<Result>): Promise<Result> {
    this.#inFlight += 1;
    try {
      return await use();
    } finally {
      this.#inFlight -= 1;
    }
  }

  /** Breaks off what is in flight and closes every connection. */
  async close(): Promise<void> {
    await Promise.all([this.#kept.destroy(), this.#overflow.destroy()]);
  }
}
