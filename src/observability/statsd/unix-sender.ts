// Datagrams over a Unix socket, which Node has no sockets for; the one door to node-unix-socket.
import type { DgramSocket } from 'node-unix-socket';
import type { DatagramSender } from './datagrams.js';

/**
 * Loads what is not loaded otherwise. node-unix-socket comes compiled, as a package for each platform, and not for all: rejects
 * with a sentence where it has none.
 */
export async function openUnixSender(path: string): Promise<DatagramSender> {
  let Socket: new () => DgramSocket;
  try {
    ({ DgramSocket: Socket } = await import('node-unix-socket'));
  } catch (error) {
    const platform = `${process.platform} ${process.arch}`;
    const advice = 'name the receiver by STATSD_HOST_OVERRIDE instead';
    throw new Error(`STATSD_SOCKET: no Unix datagram sockets on ${platform}: ${advice}`, { cause: error });
  }
  return new UnixSender(new Socket(), path);
}

class UnixSender implements DatagramSender {
  readonly #socket: DgramSocket;
  readonly #path: string;
  #isClosed = false;

  constructor(socket: DgramSocket, path: string) {
    this.#socket = socket;
    this.#path = path;
    // Each send reports its own error.
    socket.on('error', () => undefined);
  }

  send(datagram: Buffer, done: (error?: Error | null) => void): void {
    if (this.#isClosed) {
      done(new Error('the socket is closed'));
      return;
    }
    try {
      this.#socket.sendTo(datagram, 0, datagram.length, this.#path, done);
    } catch (error) {
      done(error as Error);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.close();
  }
}
