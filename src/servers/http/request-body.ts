// Requests' bodies, each received whole; no more memory is taken for all of them at one time than there is room for.
import type { IncomingMessage } from 'node:http';
import type { Gauge } from '../../observability/gauges.js';
import { ArrivingBody, type BodyEnd } from './arriving-body.js';
import { BodyBlocks } from './body-blocks.js';
import { PieceTurns } from './piece-turns.js';

export type ReceivedBody =
  | { readonly kind: 'received'; readonly body: Buffer }
  /** `no-room`: too many bodies are arriving. `broken-off`: nobody waits for an answer. */
  | { readonly kind: Exclude<BodyEnd, 'ended'> };

export class BodyRoom {
  /** Of all bodies that are arriving, or arrived and are not used yet. */
  readonly #bytesMax: number;
  readonly #turns = new PieceTurns();
  #bytes = 0;
  #refused = 0;
  /** What is held of each, in the order in which they began. */
  readonly #arriving = new Map<ArrivingBody, BodyBlocks>();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get gauge(): Gauge {
    return { entries: this.#bytes, entriesMax: this.#bytesMax, reached: this.#refused };
  }

  /** `use` gets what was received; its bytes count until that is done. `bodyBytesMax`: of this one, as it travels. */
  async receive<Result>(
    request: IncomingMessage,
    bodyBytesMax: number,
    use: (received: ReceivedBody) => Promise<Result>,
  ): Promise<Result> {
    const announcedBytes = Number(request.headers['content-length'] ?? 0);
    if (announcedBytes > bodyBytesMax) {
      this.discard(request);
      return await use({ kind: 'too-large' });
    }
    const blocks = new BodyBlocks(announcedBytes === 0 ? bodyBytesMax : announcedBytes);
    const arriving = new ArrivingBody(request, (piece) => {
      this.#turns.took(request);
      if (blocks.bytes + piece.length > bodyBytesMax) this.#refuse(arriving, blocks, 'too-large');
      else if (this.#makeRoom(arriving, blocks.growthFor(piece.length))) blocks.add(piece);
    });
    this.#arriving.set(arriving, blocks);
    const kind = await arriving.end;
    this.#arriving.delete(arriving);
    try {
      return await use(kind === 'ended' ? { kind: 'received', body: await blocks.join() } : { kind });
    } finally {
      this.#letGo(blocks);
    }
  }

  /** Hands the body over piece by piece, and holds nothing of it. */
  async pass(
    request: IncomingMessage,
    bodyBytesMax: number,
    take: (piece: Buffer) => void,
  ): Promise<BodyEnd> {
    let bytes = 0;
    const arriving = new ArrivingBody(request, (piece) => {
      this.#turns.took(request);
      bytes += piece.length;
      if (bytes <= bodyBytesMax) {
        take(piece);
        return;
      }
      arriving.stop('too-large');
      this.discard(request);
    });
    return await arriving.end;
  }

  /** What still comes is read and dropped: a client that writes on would else be cut off before it reads its answer. */
  discard(request: IncomingMessage): void {
    request.on('error', ignoreBreak);
    request.on('data', () => {
      this.#turns.took(request);
    });
  }

  /**
   * Takes room for so many more bytes of this body. Where there is none, the body that has been arriving for longest
   * gives way: clients that send slowly, or never end, take nothing from those that come after them. False where it is
   * this one.
   */
  #makeRoom(body: ArrivingBody, bytes: number): boolean {
    while (this.#bytes + bytes > this.#bytesMax) {
      const [oldest] = this.#arriving;
      this.#refused += 1;
      if (oldest === undefined) return false;
      this.#refuse(...oldest, 'no-room');
      if (oldest[0] === body) return false;
    }
    this.#bytes += bytes;
    return true;
  }

  /** What was taken in is let go of before the client hears of it. */
  #refuse(body: ArrivingBody, blocks: BodyBlocks, kind: 'too-large' | 'no-room'): void {
    this.#arriving.delete(body);
    this.#letGo(blocks);
    body.stop(kind);
    this.discard(body.request);
  }

  #letGo(blocks: BodyBlocks): void {
    this.#bytes -= blocks.heldBytes;
    blocks.clear();
  }
}

/** A refused client may break off: its answer is on its way, or in vain. */
function ignoreBreak(): void {
  return undefined;
}
