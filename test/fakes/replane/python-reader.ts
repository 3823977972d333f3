// Reads a replication stream as Replane's synchronous SDK for Python does: below the chunks of HTTP, whose lengths it takes for lines.
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { EventReader } from '../event-reader.js';
import { eventually } from '../../e2e/deadline.js';

const READ_BYTES_MAX = 4096;

export class PythonReader {
  readonly #socket: Socket;
  readonly #events = new EventReader();
  #head = '';
  /** What came after the head. */
  bytes = 0;
  hasEnded = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.once('close', () => (this.hasEnded = true));
    let head = Buffer.alloc(0);
    socket.on('data', (bytes: Buffer) => {
      if (this.#head !== '') {
        this.#take(bytes);
        return;
      }
      head = Buffer.concat([head, bytes]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.#head = head.toString('utf8', 0, end);
      this.#take(head.subarray(end + 4));
    });
  }

  static async open(baseUrl: string, sdkKey: string): Promise<PythonReader> {
    const { hostname, port, host } = new URL(baseUrl);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const reader = new PythonReader(socket);
    const head = [
      'POST /api/sdk/v1/replication/stream HTTP/1.1',
      `Host: ${host}`,
      'Accept-Encoding: identity',
      'Content-Length: 2',
      `Authorization: Bearer ${sdkKey}`,
      'Content-Type: application/json',
      'Accept: text/event-stream',
      'Cache-Control: no-cache',
      'User-Agent: replane-python/1.0.0',
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n{}`);
    await eventually('head of the answer', () => reader.#head !== '' || reader.hasEnded);
    return reader;
  }

  get status(): number {
    return Number(this.#head.split(' ')[1]);
  }

  /** Undefined for each frame whose JSON was broken. */
  get frames(): readonly unknown[] {
    return this.#events.events.map(({ data }) => {
      try {
        return JSON.parse(data) as unknown;
      } catch {
        return undefined;
      }
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    this.bytes += bytes.length;
    for (let start = 0; start < bytes.length; start += READ_BYTES_MAX) {
      // Each read is decoded by itself.
      this.#events.push(bytes.subarray(start, start + READ_BYTES_MAX).toString('utf8'));
    }
  }
}
