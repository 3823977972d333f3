// How ioredis gets its connections: over our own dialling, as `node:net` gives each address but the last 250 ms only.
import { once } from 'node:events';
import { isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import { AbstractConnector, type RedisOptions as LibraryOptions } from 'ioredis';
import type { Clock } from '../../domain/clock.js';
import { systemLookup } from '../../network/addresses.js';
import { dial } from '../../network/dial.js';
import { secureContextOf } from '../../network/secure-context.js';
import { within } from '../../network/time-limit.js';
import type { RedisNode } from './redis-address.js';
import { RedisFault } from './redis-fault.js';
import type { RedisOptions } from './redis-options.js';

/** A server that does not read has this long to take what was sent to it before we disconnect. */
const DISCONNECT_MS = 100;

/** A class of connectors, in the form ioredis asks for. */
export type Connector = NonNullable<LibraryOptions['Connector']>;

type Wanted = Pick<RedisOptions, 'tls' | 'connectTimeoutMs' | 'lookup'>;

/**
 * `find` says where the server is, given the host and port that ioredis has. Finding it, its addresses and TLS take no
 * longer than `connectTimeoutMs` together; ioredis' own timers see finished connections only.
 */
export function createConnector(
  clock: Clock,
  options: Wanted,
  find: (place: RedisNode) => Promise<RedisNode> = (place) => Promise.resolve(place),
): Connector {
  const { connectTimeoutMs, lookup = systemLookup, tls } = options;

  async function open(place: RedisNode, signal: AbortSignal): Promise<Socket> {
    const { host, port } = await find(place);
    signal.throwIfAborted();
    const socket = await dial(clock, host, port, signal, lookup);
    return tls === undefined ? socket : await secured(socket, host, secureContextOf(tls), signal);
  }

  return class extends AbstractConnector {
    readonly #place: RedisNode;
    #closing = new AbortController();

    constructor(given: unknown) {
      super(DISCONNECT_MS);
      this.#place = given as RedisNode;
    }

    override async connect(): Promise<Socket> {
      this.connecting = true;
      this.#closing = new AbortController();
      const late = (): Error => new RedisFault('connect_timeout');
      const { signal } = this.#closing;
      const socket = await within(clock, connectTimeoutMs, late, signal, (end) => open(this.#place, end));
      this.stream = socket;
      // Until ioredis listens itself.
      socket.once('error', (error) => {
        this.firstError = error;
      });
      return socket;
    }

    override disconnect(): void {
      this.#closing.abort(new RedisFault('closed'));
      super.disconnect();
    }
  };
}

/** Rejects with the error of the handshake. */
async function secured(
  socket: Socket,
  host: string,
  secureContext: SecureContext,
  signal: AbortSignal,
): Promise<Socket> {
  const name = isIP(host) > 0 ? {} : { servername: host };
  const secure = connectTls({ socket, host, secureContext, ...name });
  const giveUp = (): void => {
    secure.destroy();
    socket.destroy();
  };
  try {
    await once(secure, 'secureConnect', { signal });
    return secure;
  } catch (error) {
    giveUp();
    throw error;
  }
}
