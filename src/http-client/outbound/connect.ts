// One connection: TCP to the first address that answers, TLS above it, HTTP/2 or HTTP/1.1 by ALPN, in time.
import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { secureContextOf, type ClientTls } from '../../network/secure-context.js';
import type { Clock } from '../../domain/clock.js';
import { systemLookup, type Lookup } from '../../network/addresses.js';
import { dial } from '../../network/dial.js';
import { within } from '../../network/time-limit.js';
import { buildConnector as createConnector, errors } from './undici.js';

/** Where to, in undici's words; `signal` is our own, and what its proxy agent hands on to requests for a tunnel. */
export type ConnectTarget = buildConnector.Options & { readonly signal?: AbortSignal };

/** In the form undici asks for. */
export type Connect = (target: ConnectTarget, callback: buildConnector.Callback) => void;

export interface DirectOptions extends ClientTls {
  readonly connectTimeoutMs: number;
  /** The system's, where left out. */
  readonly lookup?: Lookup | undefined;
}

export function connectTimeout(limitMs: number): Error {
  return new errors.ConnectTimeoutError(`no connection within ${limitMs} ms`);
}

/** Connects to the target itself, without an outbound proxy. */
export function connectDirectly(clock: Clock, options: DirectOptions, allowH2: boolean): Connect {
  const { connectTimeoutMs, lookup = systemLookup } = options;
  // Time is limited here, for the addresses and the handshake together.
  const secure = createConnector({ secureContext: secureContextOf(options), allowH2, timeout: 0 });

  async function open(target: ConnectTarget, signal: AbortSignal): Promise<Socket> {
    const isTls = target.protocol === 'https:';
    const port = target.port === '' ? (isTls ? 443 : 80) : Number(target.port);
    const socket = await dial(clock, target.hostname, port, signal, lookup);
    const giveUp = (): void => {
      socket.destroy();
    };
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    // As undici does for sockets it opens itself.
    socket.setKeepAlive(true, 60_000);
    try {
      return isTls ? await asPromise(secure, { ...target, httpSocket: socket }) : socket;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  return (target, callback) => {
    const late = (): Error => connectTimeout(connectTimeoutMs);
    within(clock, connectTimeoutMs, late, target.signal, (signal) => open(target, signal)).then(
      (socket) => {
        callback(null, socket);
      },
      (error: unknown) => {
        callback(error as Error, null);
      },
    );
  };
}

export async function asPromise(connect: Connect, target: ConnectTarget): Promise<Socket> {
  return await new Promise((resolve, reject) => {
    connect(target, (error, socket) => {
      if (error === null) resolve(socket);
      else reject(error);
    });
  });
}
