// One port: the addresses it listens on, the connections that came in by it, how many there may be, and their end.
import { lookup } from 'node:dns/promises';
import { createServer, isIP, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Clock } from '../../domain/clock.js';
import type { ConnectionLimit, ConnectionPlace } from './connection-limit.js';

/** Speaks a protocol on a connection that was accepted. It may use its place until the connection closes. */
export type Accept = (socket: Socket, place: ConnectionPlace) => void;

export interface PortOptions {
  /** An address, or a name: then all of its addresses. */
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** The two settings that say so, for the sentence that reports a fault. */
  readonly hostSetting: string;
  readonly portSetting: string;
}

/**
 * Where an address cannot be had because the machine lacks its family. `::` means every address, of both families, and
 * a container may have either family only.
 */
const OF_OTHER_FAMILY: Readonly<Record<string, string>> = { '::': '0.0.0.0', '127.0.0.1': '::1' };
const FAMILY_MISSING: ReadonlySet<unknown> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);

export class ListeningPort {
  readonly options: PortOptions;
  readonly #limit: ConnectionLimit;
  readonly #accept: Accept;
  /** One for each address. */
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  constructor(options: PortOptions, limit: ConnectionLimit, accept: Accept) {
    this.options = options;
    this.#limit = limit;
    this.#accept = accept;
  }

  /** The port's number once it is open. */
  get number(): number {
    return (this.#servers[0]?.address() as AddressInfo | null | undefined)?.port ?? this.options.port;
  }

  /** Rejects where an address cannot be had; `close` is due all the same. */
  async open(): Promise<void> {
    for (const address of await addressesOf(this.options.host)) {
      try {
        await this.#listen(address);
      } catch (error) {
        const other = OF_OTHER_FAMILY[address];
        if (other === undefined || !FAMILY_MISSING.has((error as NodeJS.ErrnoException).code)) throw error;
        await this.#listen(other);
      }
    }
  }

  /** Accepts nothing more; resolves when every connection has ended. Those left after `cutAfterMs` are cut. */
  async close(clock: Clock, cutAfterMs: number): Promise<void> {
    const cancel = clock.schedule(cutAfterMs, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    await Promise.all(
      this.#servers.map(
        (server) =>
          new Promise<void>((resolve) => {
            server.close(() => {
              resolve();
            });
          }),
      ),
    );
    cancel();
  }

  #listen(host: string): Promise<void> {
    const server = createServer({ noDelay: true }, this.#take);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port: this.number }, () => {
        server.off('error', reject);
        this.#servers.push(server);
        resolve();
      });
    });
  }

  readonly #take = (socket: Socket): void => {
    const place = this.#limit.open(() => {
      socket.destroy();
    });
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      place.leave();
    });
    this.#accept(socket, place);
  };
}

async function addressesOf(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  const found = await lookup(host, { all: true });
  return [...new Set(found.map(({ address }) => address))];
}
