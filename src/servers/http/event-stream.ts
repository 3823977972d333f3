// An answer of server-sent events, over HTTP/1.1 and HTTP/2: its head, frames that many clients share, and its end.
import type { FastifyReply } from 'fastify';
import { constants } from 'node:http2';
import { writeSlices } from '../../streams/slices.js';
import { tellBegun } from './answer-begun.js';
import { streamOf } from './request-source.js';

/** What the HTML standard asks for; and that nothing on the way holds events back or changes them. */
const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const;

/** When the heads of the streams were sent that are open now, by the clock of their replies. */
const begunAfterMs = new WeakMap<FastifyReply, number>();

/** Until the head of the answer was sent, where it is a stream; of others undefined. */
export function timeToStream(reply: FastifyReply): number | undefined {
  return begunAfterMs.get(reply);
}

/** One frame of the format. `data` holds no line break; `id` is what a client that comes back names as the last it saw. */
export function eventFrame(event: string, data: string, id?: number | string): Buffer {
  return Buffer.from(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`);
}

export class EventStream {
  readonly #reply: FastifyReply;
  #hasBegun = false;

  constructor(reply: FastifyReply) {
    this.#reply = reply;
  }

  /** From then on it is answered with 200, and can end in no other status. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Sends the head, which clients wait for, before there is any event. */
  begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    const reply = this.#reply;
    reply.hijack();
    begunAfterMs.set(reply, reply.elapsedTime);
    reply.raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), ...HEADERS });
    reply.raw.flushHeaders();
    tellBegun(reply.raw);
  }

  /** Calls `took` whenever the client took some of the bytes, and `done` once when it took the last; neither once it is gone. */
  write(bytes: Buffer, took: () => void, done: () => void): void {
    this.begin();
    writeSlices(this.#reply.raw, bytes, 0, took, done);
  }

  /**
   * Each frame in one write, for clients that read no frame which comes in two. `taken` is called at once as long as the client
   * keeps up, else when it has; not once it is gone.
   */
  writeFrames(frames: readonly Buffer[], taken: () => void): void {
    this.begin();
    const { raw } = this.#reply;
    if (raw.destroyed) return;
    const keepsUp = frames.map((frame) => raw.write(frame)).at(-1) ?? true;
    if (keepsUp) taken();
    else raw.once('drain', taken);
  }

  end(last: Buffer): void {
    this.#reply.raw.end(last);
  }

  /** For a client that reads nothing: it would not read an end either. */
  breakOff(): void {
    const stream = streamOf(this.#reply.request.raw);
    stream?.close(constants.NGHTTP2_CANCEL);
    (stream ?? this.#reply.raw).destroy();
  }

  /** Calls back once, when the client is gone or the stream has ended. */
  onGone(listener: () => void): void {
    this.#reply.raw.once('close', listener);
  }
}
