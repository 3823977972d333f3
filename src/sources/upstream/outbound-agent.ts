// How connections to the origin are made: TLS, HTTP/2 by ALPN, outbound proxies, timeouts. The one door to undici.
import { rootCertificates } from 'node:tls';
import { EnvHttpProxyAgent, Pool, type Dispatcher } from 'undici';

export interface OutboundOptions {
  /** Its scheme says which of the outbound proxies is meant. */
  readonly endpoint: Pick<URL, 'protocol'>;
  readonly connectTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly bodyIdleTimeoutMs: number;
  /** PEM text of certificate authorities to trust besides the well-known ones. */
  readonly caPem: string | undefined;
  /** Outbound proxies; empty for none. */
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
}

/** An idle connection is closed by us before the 60 s after which load balancers commonly forget it. */
export const IDLE_CONNECTION_MS_MAX = 55_000;

/** `connections: 'unkept'`: as many as are wanted, each closed after its request (over HTTP/1.1). */
export function createOutboundAgent(options: OutboundOptions, connections: number | 'unkept'): Dispatcher {
  const tls = {
    allowH2: true,
    timeout: options.connectTimeoutMs,
    ...(options.caPem === undefined ? {} : { ca: [...rootCertificates, options.caPem] }),
  };
  const isTls = options.endpoint.protocol === 'https:';
  return new EnvHttpProxyAgent({
    allowH2: true,
    connect: tls,
    requestTls: tls,
    proxyTls: tls,
    headersTimeout: options.headersTimeoutMs,
    bodyTimeout: options.bodyIdleTimeoutMs,
    keepAliveTimeout: IDLE_CONNECTION_MS_MAX,
    keepAliveMaxTimeout: IDLE_CONNECTION_MS_MAX,
    ...(connections === 'unkept' ? { pipelining: 0 } : { connections }),
    clientFactory: (proxy: URL, poolOptions: object) =>
      createTunnelPool(proxy, { ...poolOptions, headersTimeout: options.connectTimeoutMs }),
    // Given even where empty: undici reads the environment only for what is not given. Of the two only the one that is
    // meant for the origin, as undici would use that for http for https as well.
    httpProxy: isTls ? '' : options.httpProxy,
    httpsProxy: isTls ? options.httpsProxy : '',
    noProxy: options.noProxy,
  });
}

/**
 * Connections to the outbound proxy. One that it closes before the tunnel stands would look to undici like a connection
 * of the origin's that broke, to be made anew at once and without end: its error gets a code that fails the request.
 */
function createTunnelPool(proxy: URL, options: Pool.Options): Pool {
  const pool = new Pool(proxy, options);
  const connect = pool.connect.bind(pool);
  const connectOrFail = async (request: Dispatcher.ConnectOptions): Promise<Dispatcher.ConnectData> => {
    try {
      return await connect(request);
    } catch (error) {
      throw Object.assign(new Error('no tunnel', { cause: error }), { code: 'UND_ERR_PRX_TLS' });
    }
  };
  return Object.assign(pool, { connect: connectOrFail });
}
