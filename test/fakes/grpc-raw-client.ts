// A client of StreamConfigSpec made of bare HTTP/2: it reads when it is told to, and sees frames and headers as they come.
import { once } from 'node:events';
import {
  connect,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from 'node:http2';
import { connect as connectSocket, type Socket } from 'node:net';
import { eventually, within } from '../e2e/deadline.js';
import { decodeReply, STREAM_PATH, type SpecReply, type SpecRequest } from './grpc-client.js';
import { framedRequest } from './http2-frames.js';

const PREFIX_BYTES = 5;

/** What was read of one stream, message by message. */
export class RawStream {
  readonly #stream: ClientHttp2Stream;
  readonly client: RawClient;
  #rest: Buffer[] = [];
  #restBytes = 0;
  bytes = 0;
  dataFrames = 0;
  headers: IncomingHttpHeaders | undefined;
  trailers: IncomingHttpHeaders | undefined;
  isClosed = false;
  /** Of each message read whole. */
  readonly versions: number[] = [];
  readonly flags: number[] = [];
  last: SpecReply | undefined;

  constructor(stream: ClientHttp2Stream, client: RawClient) {
    this.#stream = stream;
    this.client = client;
    stream.on('response', (headers: IncomingHttpHeaders) => (this.headers = headers));
    stream.on('trailers', (trailers: IncomingHttpHeaders) => (this.trailers = trailers));
    stream.on('close', () => (this.isClosed = true));
    stream.on('error', () => undefined);
  }

  /** Waits until the answer has begun, and reads nothing of it. */
  async answered(): Promise<void> {
    await eventually('headers of a raw stream', () => this.headers !== undefined);
  }

  /** Reads all that comes from now on. */
  readOn(onData: () => void = () => undefined): void {
    this.#stream.on('data', (piece: Buffer) => {
      this.#take(piece);
      onData();
    });
    this.#stream.resume();
  }

  stopReading(): void {
    this.#stream.pause();
  }

  /** Reads at least this much more, and then nothing. */
  async readSome(bytes: number): Promise<void> {
    const until = this.bytes + bytes;
    const enough = new Promise<void>((resolve) => {
      const onData = (piece: Buffer): void => {
        this.#take(piece);
        if (this.bytes < until) return;
        this.#stream.off('data', onData).pause();
        resolve();
      };
      this.#stream.on('data', onData).resume();
    });
    await within(enough, `${bytes} bytes more on a raw stream`);
  }

  #take(piece: Buffer): void {
    this.bytes += piece.length;
    this.dataFrames += 1;
    this.#rest.push(piece);
    this.#restBytes += piece.length;
    while (this.#restBytes >= PREFIX_BYTES) {
      if ((this.#rest[0]?.length ?? 0) < PREFIX_BYTES) this.#rest = [Buffer.concat(this.#rest)];
      const end = PREFIX_BYTES + (this.#rest[0]?.readUInt32BE(1) ?? 0);
      if (this.#restBytes < end) return;
      const whole = Buffer.concat(this.#rest);
      this.flags.push(whole.readUInt8(0));
      this.last = decodeReply(whole.subarray(PREFIX_BYTES, end));
      this.versions.push(this.last.lastUpdated);
      this.#restBytes -= end;
      this.#rest = this.#restBytes === 0 ? [] : [whole.subarray(end)];
    }
  }
}

export class RawClient {
  readonly session: ClientHttp2Session;
  readonly #socket: Socket;

  constructor(address: string, windowBytes = 65_535) {
    const [host = '', port = ''] = address.split(':');
    const socket = connectSocket(Number(port), host);
    this.#socket = socket;
    this.session = connect(`http://${address}`, {
      // Node's own limit is 10.
      maxOutstandingPings: 10_000,
      settings: { initialWindowSize: windowBytes },
      createConnection: () => socket,
    });
    this.session.on('error', () => undefined);
  }

  stream(request: SpecRequest, headers: Readonly<Record<string, string>> = {}): RawStream {
    return this.send(STREAM_PATH, framedRequest(request), headers);
  }

  /** A call whose request is these bytes. */
  send(path: string, bytes: Buffer, headers: Readonly<Record<string, string>> = {}): RawStream {
    const stream = this.session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    stream.end(bytes);
    return new RawStream(stream, this);
  }

  /** Resolves when the other side answered it. */
  ping(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.session.ping((error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  /** Without a word to the other side. */
  breakConnection(): void {
    this.#socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    if (this.session.destroyed) return;
    const closed = once(this.session, 'close');
    this.session.destroy();
    await closed;
  }
}
