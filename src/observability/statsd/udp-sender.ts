// Datagrams over UDP; the receiver's name is looked up once for many of them, as lookups take threads that others need.
import { createSocket, type Socket } from 'node:dgram';
import { lookup, type LookupAddress } from 'node:dns';
import type { Clock } from '../../domain/clock.js';
import type { DatagramSender } from './datagrams.js';

export type Lookup = (host: string, done: (error: Error | null, found: LookupAddress) => void) => void;

/** Then the name is looked up again: a receiver may have moved. The address goes on being used until there is another. */
const ADDRESS_MS = 30_000;
/** After a lookup that failed. */
const RETRY_MS = 1_000;
const NOT_FOUND_YET = new Error('the address of the receiver is not known yet');
const CLOSED = new Error('the socket is closed');

export const systemLookup: Lookup = (host, done) => {
  lookup(host, (error, address, family) => {
    done(error, { address, family });
  });
};

export class UdpSender implements DatagramSender {
  readonly #clock: Clock;
  readonly #host: string;
  readonly #port: number;
  readonly #lookup: Lookup;
  readonly #sockets = new Map<number, Socket>();
  #found: LookupAddress | undefined;
  #fault: Error = NOT_FOUND_YET;
  #nextLookupMs = -Infinity;
  #isClosed = false;

  constructor(
    clock: Clock,
    { host, port }: { readonly host: string; readonly port: number },
    look = systemLookup,
  ) {
    this.#clock = clock;
    this.#host = host;
    this.#port = port;
    this.#lookup = look;
    this.#find();
  }

  send(datagram: Buffer, done: (error?: Error | null) => void): void {
    if (this.#isClosed) {
      done(CLOSED);
      return;
    }
    if (this.#clock.monotonicMs() >= this.#nextLookupMs) this.#find();
    if (this.#found === undefined) done(this.#fault);
    else this.#socketFor(this.#found).send(datagram, this.#port, this.#found.address, done);
  }

  close(): void {
    this.#isClosed = true;
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #find(): void {
    this.#nextLookupMs = Infinity;
    this.#lookup(this.#host, (error, found) => {
      this.#nextLookupMs = this.#clock.monotonicMs() + (error === null ? ADDRESS_MS : RETRY_MS);
      if (error === null) this.#found = found;
      else this.#fault = error;
    });
  }

  #socketFor({ family, address }: LookupAddress): Socket {
    const known = this.#sockets.get(family);
    if (known !== undefined) return known;
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      // It is an address already: Node would look it up all the same.
      lookup: (_host, _options, found) => {
        found(null, this.#found?.address ?? address, family);
      },
    });
    // Each send reports its own error.
    socket.on('error', () => undefined);
    socket.unref();
    this.#sockets.set(family, socket);
    return socket;
  }
}
