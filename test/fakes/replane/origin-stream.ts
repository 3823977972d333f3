// One open replication stream of an origin double: its frames, as its plan lets them travel.
import type { ServerResponse } from 'node:http';
import { createGzip, constants, type Gzip } from 'node:zlib';
import type { StreamPlan } from './stream-plan.js';

const STREAM_HEADERS = {
  'access-control-allow-origin': '*',
  'cache-control': 'no-cache, no-transform',
  connection: 'keep-alive',
  'content-type': 'text/event-stream',
  'x-accel-buffering': 'no',
};

export class OriginStream {
  readonly #response: ServerResponse;
  readonly #plan: StreamPlan;
  readonly #gzip: Gzip | undefined;
  readonly #pieces: Buffer[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #bytesSent = 0;
  #isWriting = false;
  #isSilent = false;
  #hasInit = false;
  /** Changes that came before `init` was sent. */
  #early: string[] = [];

  constructor(response: ServerResponse, plan: StreamPlan) {
    this.#response = response;
    this.#plan = plan;
    if (plan.isGzipped) {
      this.#gzip = createGzip({ flush: constants.Z_SYNC_FLUSH });
      this.#gzip.pipe(response);
    }
    response.once('close', () => {
      for (const timer of this.#timers) clearTimeout(timer);
    });
  }

  /** `init` undefined: the server broke off after the head. */
  open(init: string | undefined): void {
    const encoding = this.#gzip && { 'content-encoding': 'gzip' };
    this.#response.writeHead(200, { ...STREAM_HEADERS, ...encoding });
    this.write(': connected\n\n');
    if (init === undefined) {
      this.end();
      return;
    }
    this.#after(this.#plan.initAfterMs, () => {
      this.#init(init);
    });
  }

  change(event: string): void {
    if (this.#hasInit) this.write(`data: ${event}\n\n`);
    else this.#early.push(event);
  }

  /** Any bytes, such as frames that no server sends. */
  write(text: string): void {
    if (this.#isSilent) return;
    this.#pieces.push(...this.#plan.pieces(Buffer.from(text)));
    this.#flush();
  }

  /** Half-open from now on. */
  silence(): void {
    this.#isSilent = true;
  }

  end(): void {
    this.#isSilent = true;
    (this.#gzip ?? this.#response).end();
  }

  cut(): void {
    this.#isSilent = true;
    this.#response.destroy();
  }

  #init(init: string): void {
    this.#hasInit = true;
    this.write(`data: ${init}\n\n`);
    for (const event of this.#early) this.change(event);
    this.#early = [];
    if (this.#plan.then === 'silent') this.silence();
    else if (this.#plan.then !== 'live')
      setImmediate(() => {
        this.#whenWritten(this.#plan.then === 'end' ? 'end' : 'cut');
      });
    this.#ping();
  }

  #ping(): void {
    this.#after(this.#plan.pingMs, () => {
      this.write(': ping\n\n');
      this.#ping();
    });
  }

  /** What was written before is on its way then. */
  #whenWritten(ending: 'end' | 'cut'): void {
    const isWritten = this.#pieces.length === 0 && this.#response.socket?.writableLength === 0;
    if (isWritten || this.#response.destroyed) this[ending]();
    else
      setImmediate(() => {
        this.#whenWritten(ending);
      });
  }

  #flush(): void {
    if (this.#isWriting) return;
    const piece = this.#pieces.shift();
    if (piece === undefined || this.#response.destroyed) return;
    const left = this.#plan.cutAtByte - this.#bytesSent;
    (this.#gzip ?? this.#response).write(piece.subarray(0, left));
    this.#bytesSent += piece.length;
    if (piece.length >= left) {
      this.silence();
      this.#pieces.length = 0;
      setImmediate(() => {
        this.#whenWritten('cut');
      });
      return;
    }
    if (this.#pieces.length === 0) return;
    this.#isWriting = true;
    setImmediate(() => {
      this.#isWriting = false;
      this.#flush();
    });
  }

  #after(delayMs: number, act: () => void): void {
    if (delayMs === 0) act();
    else if (delayMs !== Infinity) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        act();
      }, delayMs);
      this.#timers.add(timer);
    }
  }
}
