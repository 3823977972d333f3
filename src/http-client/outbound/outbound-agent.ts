// The way out of the cluster: which requests go through an outbound proxy, and one client for each origin.
import type { Dispatcher } from 'undici';
import { secureContextOf } from '../../network/secure-context.js';
import type { Clock } from '../../domain/clock.js';
import { connectDirectly, connectTimeout, type Connect, type DirectOptions } from './connect.js';
import type { H1Options } from './h1-pool.js';
import { OriginClient } from './origin-client.js';
import { exemptHosts, proxyLogin, toAbsoluteForm } from './outbound-proxy.js';
import { EnvHttpProxyAgent, errors, Pool } from './undici.js';

export interface OutboundOptions extends DirectOptions, H1Options {
  /** Outbound proxies; empty for none. */
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
}

export interface OutboundAgent {
  readonly dispatcher: Dispatcher;
  /** To be told of a request that got no answer in time. */
  distrust(): void;
}

/** For origins of one scheme. */
export function createOutboundAgent(
  clock: Clock,
  scheme: 'http:' | 'https:',
  options: OutboundOptions,
): OutboundAgent {
  const { connectTimeoutMs } = options;
  const clients = new Set<OriginClient>();
  const direct = connectDirectly(clock, options, true);
  const proxy = scheme === 'http:' ? options.httpProxy : options.httpsProxy;
  const login = proxyLogin(proxy);
  const toProxy = connectToProxy(clock, options);
  const open = (origin: URL, way: Connect): OriginClient => {
    if (way === direct) {
      const late = (): Error => connectTimeout(connectTimeoutMs);
      return new OriginClient(clock, origin, way, { ...options, late });
    }
    // At the end of a tunnel, or forwarded by the proxy.
    if (scheme === 'https:') return new OriginClient(clock, origin, way, { ...options, late: noWay });
    const reword = (request: Dispatcher.DispatchOptions): Dispatcher.DispatchOptions =>
      toAbsoluteForm(request, login);
    return new OriginClient(clock, new URL(proxy), toProxy, { ...options, late: noWay, reword });
  };
  const dispatcher = new EnvHttpProxyAgent({
    connect: direct,
    ...(login === undefined ? {} : { token: login }),
    // Of an origin at the end of a tunnel.
    requestTls: { secureContext: secureContextOf(options), allowH2: true, timeout: connectTimeoutMs },
    factory: (origin: string | URL, { connect }: { readonly connect?: Connect }) => {
      const client = open(new URL(origin), connect ?? direct);
      clients.add(client);
      client.once('disconnect', () => clients.delete(client));
      return client;
    },
    clientFactory: (url: URL) => createTunnelPool(url, toProxy),
    // Given even where empty: undici reads the environment only for what is not given. Of the two only the one that is
    // meant for the scheme, as undici would use that for http for https as well.
    httpProxy: scheme === 'http:' ? proxy : '',
    httpsProxy: scheme === 'https:' ? proxy : '',
    noProxy: exemptHosts(options.noProxy),
  });
  return {
    dispatcher,
    distrust: () => {
      for (const client of clients) client.distrust();
    },
  };
}

/** What a request fails with whose client was closed. */
export function closedError(): Error {
  return new errors.ClientDestroyedError();
}

/** Connections to the outbound proxy itself, which fail as such: they say nothing about the origin. */
function connectToProxy(clock: Clock, options: OutboundOptions): Connect {
  const connect = connectDirectly(clock, options, false);
  return (target, callback) => {
    connect(target, (error, socket) => {
      if (error === null) callback(null, socket);
      else callback(noWay(error), null);
    });
  };
}

/**
 * Tunnels. A connection that the proxy closes before its tunnel stands would look to undici like one of the origin's that
 * broke, to be made anew at once and without end: its error gets a code that fails the request.
 */
function createTunnelPool(proxy: URL, connect: Connect): Pool {
  // The request that waits for the tunnel has its own timeout, and aborts.
  const pool = new Pool(proxy, { connect, headersTimeout: 0 });
  const open = pool.connect.bind(pool);
  const openOrFail = async (request: Dispatcher.ConnectOptions): Promise<Dispatcher.ConnectData> => {
    try {
      return await open(request);
    } catch (error) {
      throw noWay(error);
    }
  };
  return Object.assign(pool, { connect: openOrFail });
}

function noWay(cause?: unknown): Error {
  return Object.assign(new Error('no connection through the outbound proxy', { cause }), {
    code: 'UND_ERR_PRX_TLS',
  });
}
