// One TCP connection to an HTTP server, byte by byte: for what no HTTP client would do.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { eventually, within } from '../e2e/deadline.js';

export interface RawConnection {
  send(text: string): void;
  /** Waits until what came so far matches. */
  received(pattern: RegExp): Promise<void>;
  /** Everything that came, once the other side has closed. */
  whole(): Promise<string>;
}

export async function openConnection(t: TestContext, port: number): Promise<RawConnection> {
  const socket = await openSocket(t, port);
  let text = '';
  socket.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  return {
    send: (bytes) => {
      socket.write(bytes);
    },
    received: (pattern) => eventually(`answer like ${pattern.source}`, () => pattern.test(text)),
    whole: async () => {
      await within(closed, 'end of the connection');
      return text;
    },
  };
}

export interface UnreadAnswer {
  /** Reads everything up to the end of the connection, and gives the number of bytes. */
  readAll(): Promise<number>;
}

/** Asks, and reads nothing of the answer as yet; resolves when it has begun to come. */
export async function askAndReadNothing(t: TestContext, port: number, path: string): Promise<UnreadAnswer> {
  const socket = await openSocket(t, port);
  socket.write(request(path));
  // Nothing is taken out: a little is buffered, the rest stays with the sender.
  await within(once(socket, 'readable'), 'first byte of the answer');
  return {
    readAll: async () => {
      let bytes = 0;
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.removeAllListeners('readable');
      socket.on('data', (piece: Buffer) => (bytes += piece.length)).resume();
      await within(closed, 'end of the answer');
      return bytes;
    },
  };
}

/** Whether a new connection is taken. */
export async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

export function request(path: string): string {
  return `GET ${path} HTTP/1.1\r\nhost: proxy\r\naccept-encoding: identity\r\n\r\n`;
}

async function openSocket(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  await within(once(socket, 'connect'), 'connection');
  // Whoever is cut off has its reasons: what counts is what came before.
  socket.on('error', () => undefined);
  return socket;
}
