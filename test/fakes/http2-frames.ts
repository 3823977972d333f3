// A client that writes HTTP/2 frames one by one, in any order and size, and notes which calls and connections are ended.
import { constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { eventually } from '../e2e/deadline.js';
import { encodeRequest, type SpecRequest } from './grpc-client.js';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const FRAME_HEADER_BYTES = 9;
const FRAME_BYTES_MAX = 16_384;
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
const CONTINUATION = 9;
const ACK = 1;
const END_STREAM = 1;
const END_HEADERS = 4;
const SERVICE = '/statsig_forward_proxy.StatsigForwardProxy/';

export function frame(type: number, flags: number, id: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(id, 5);
  return Buffer.concat([header, payload]);
}

/** A gRPC message behind its prefix. */
export function framedMessage(message: Buffer, isCompressed = false, bytes = message.length): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(isCompressed ? 1 : 0, 0);
  prefix.writeUInt32BE(bytes, 1);
  return Buffer.concat([prefix, message]);
}

export function framedRequest(request: SpecRequest): Buffer {
  return framedMessage(encodeRequest(request));
}

export class FrameClient {
  readonly #socket: Socket;
  #nextId = 1;
  #unread: Buffer = Buffer.alloc(0);
  #pongs = 0;
  isClosed = false;
  /** Frames of them that came, acknowledgements included. */
  settings = 0;
  /** What the other side asked for; none is answered. */
  pings = 0;
  /** The code of a GOAWAY that came. */
  goaway: number | undefined;
  /** Codes by call. */
  readonly resets = new Map<number, number>();
  /** Calls with an answer that has begun. */
  readonly answered = new Set<number>();

  /** `to`: an address of the form `host:port`, or a connection; `localAddress`: what the other side sees as the client's. */
  constructor(to: string | Socket, localAddress = '127.0.0.1') {
    const [host = '', port = ''] = typeof to === 'string' ? to.split(':') : [];
    this.#socket = typeof to === 'string' ? connect({ port: Number(port), host, localAddress }) : to;
    this.#socket.setMaxListeners(0);
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => (this.isClosed = true));
    this.#socket.on('data', (bytes: Buffer) => {
      this.#read(bytes);
    });
    this.write(Buffer.concat([Buffer.from(PREFACE), frame(SETTINGS, 0, 0), frame(SETTINGS, ACK, 0)]));
  }

  /** Begins a call and gives its number. */
  call(
    method: 'getConfigSpec' | 'StreamConfigSpec' | `/${string}`,
    {
      headers = {},
      hasEnded = false,
    }: { headers?: Readonly<Record<string, string>>; hasEnded?: boolean } = {},
  ): number {
    const id = this.#nextId;
    this.#nextId += 2;
    const all = {
      ':method': 'POST',
      ':scheme': 'http',
      ':path': method.startsWith('/') ? method : `${SERVICE}${method}`,
      ':authority': 'proxy',
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    };
    const block = Buffer.concat(Object.entries(all).map(([name, value]) => literalHeader(name, value)));
    const end = hasEnded ? END_STREAM : 0;
    const rest = block.subarray(FRAME_BYTES_MAX);
    this.write(
      frame(HEADERS, (rest.length === 0 ? END_HEADERS : 0) | end, id, block.subarray(0, FRAME_BYTES_MAX)),
    );
    if (rest.length > 0) this.write(frame(CONTINUATION, END_HEADERS, id, rest));
    return id;
  }

  /** Begins headers that never end, and adds so many frames to them. */
  floodOfHeaders(frames: number): void {
    const piece = literalHeader('x-flood', 'x'.repeat(1_000));
    this.write(frame(HEADERS, 0, this.#nextId, piece));
    for (let sent = 0; sent < frames; sent += 1) this.write(frame(CONTINUATION, 0, this.#nextId, piece));
    this.#nextId += 2;
  }

  data(id: number, bytes: Buffer, hasEnded = false): void {
    this.write(frame(DATA, hasEnded ? END_STREAM : 0, id, bytes));
  }

  write(bytes: Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }

  /** Gives a call up. */
  reset(id: number): void {
    const code = Buffer.alloc(4);
    code.writeUInt32BE(constants.NGHTTP2_CANCEL);
    this.write(frame(RST_STREAM, 0, id, code));
  }

  /** What is written from now on leaves together, when `uncork` is called. */
  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  /** Resolves when all that was written has left this process, or the connection is closed. */
  async flushed(): Promise<void> {
    await eventually('end of writing', () => this.isClosed || this.#socket.writableLength === 0);
  }

  /** Resolves when the other side has read all that was written before. */
  async ping(): Promise<void> {
    const until = this.#pongs + 1;
    this.write(frame(PING, 0, 0, Buffer.alloc(8)));
    await eventually('answer to a ping', () => this.isClosed || this.#pongs >= until);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes]);
    while (this.#unread.length >= FRAME_HEADER_BYTES) {
      const end = FRAME_HEADER_BYTES + this.#unread.readUIntBE(0, 3);
      if (this.#unread.length < end) return;
      const id = this.#unread.readUInt32BE(5);
      switch (this.#unread.readUInt8(3)) {
        case HEADERS:
          this.answered.add(id);
          break;
        case RST_STREAM:
          this.resets.set(id, this.#unread.readUInt32BE(FRAME_HEADER_BYTES));
          break;
        case SETTINGS:
          this.settings += 1;
          break;
        case PING:
          if ((this.#unread.readUInt8(4) & ACK) === 0) this.pings += 1;
          else this.#pongs += 1;
          break;
        case GOAWAY:
          this.goaway = this.#unread.readUInt32BE(FRAME_HEADER_BYTES + 4);
      }
      this.#unread = this.#unread.subarray(end);
    }
  }
}

/** Uncompressed, and kept in no table. */
function literalHeader(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0]), literalText(name), literalText(value)]);
}

function literalText(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length: number[] = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}
