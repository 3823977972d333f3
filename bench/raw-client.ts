// A client of a bare socket that asks, reads to the end and keeps nothing: it takes a tenth of undici's CPU, which in use is another machine's.
import { once } from 'node:events';
import { connect } from 'node:net';

/** Of all clients: what is read is looked at once, and dropped. */
const READ_INTO = Buffer.alloc(1_048_576);
const HEAD_END = '\r\n\r\n';

export interface RawClient {
  /** One at a time. Rejects where the answer has no length, the status is not 200, or the connection ends. */
  ask(path: string, headers: Readonly<Record<string, string>>): Promise<void>;
  close(): void;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export async function openRawClient(url: string): Promise<RawClient> {
  const { hostname, port, host } = new URL(url);
  let waiting: Waiting | undefined;
  let head = '';
  /** Of the answer's body; undefined before its head. */
  let leftBytes: number | undefined;

  const settle = (error?: Error): void => {
    const asked = waiting;
    waiting = undefined;
    head = '';
    leftBytes = undefined;
    if (error === undefined) asked?.resolve();
    else asked?.reject(error);
  };
  const onRead = (bytes: number, into: Uint8Array): boolean => {
    let bodyBytes = bytes;
    if (leftBytes === undefined) {
      const before = head.length;
      head += Buffer.from(into.buffer, into.byteOffset, bytes).toString('latin1');
      const headEnd = head.indexOf(HEAD_END);
      if (headEnd < 0) return true;
      const [, status, length] = /^HTTP\/1\.1 (\d+).*\r\ncontent-length: (\d+)\r\n/is.exec(head) ?? [];
      if (status !== '200' || length === undefined) {
        settle(new Error(`unexpected answer: ${head.slice(0, headEnd)}`));
        return true;
      }
      leftBytes = Number(length);
      bodyBytes = bytes - (headEnd + HEAD_END.length - before);
    }
    leftBytes -= bodyBytes;
    if (leftBytes <= 0) settle();
    return true;
  };

  const onread = { buffer: READ_INTO, callback: onRead };
  const socket = connect({ host: hostname, port: Number(port), onread });
  await once(socket, 'connect');
  socket.on('error', settle);
  socket.on('close', () => {
    settle(new Error('the connection was closed'));
  });
  return {
    ask: (path, headers) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
        socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, (error) => {
          if (error) settle(error);
        });
      }),
    close: () => {
      socket.destroy();
    },
  };
}
