// The socket of an HTTP/2 session as a plain stream: a failed write closes it, and so does the end of what the peer sends.
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

type Written = (error?: Error | null) => void;

/**
 * node:http2 given the socket itself writes to TLS natively: it ignores a failed write, TLS never finishes the next one, and
 * nothing is read while a write is unfinished, so that neither the end of the connection nor its error is ever noticed.
 *
 * It never ends, and only closes. For a stream that ends, Node begins to end the other direction, and until that is through
 * every frame the session sends, a reset or an answer to a PING, trips an assertion that ends the process:
 * https://github.com/nodejs/node/blob/v20.20.0/lib/internal/js_stream_socket.js#L174
 */
export class H2Connection extends Duplex {
  readonly #socket: Socket;
  #drained: Written | undefined;
  /** The peer has ended, or the socket is closed: what is written now would reach nobody. */
  #isOver = false;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('data', (piece: Buffer) => {
      if (!this.push(piece)) socket.pause();
    });
    socket.on('drain', () => {
      this.#finishWrite();
    });
    socket.on('error', (error: Error) => this.destroy(error));
    for (const event of ['end', 'close']) {
      socket.once(event, () => {
        this.#closeOnceRead();
      });
    }
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(piece: Buffer, _encoding: BufferEncoding, written: Written): void {
    this.#goOn(this.#isOver || this.#socket.write(piece), written);
  }

  override _writev(pieces: readonly { readonly chunk: Buffer }[], written: Written): void {
    let isRoomLeft = true;
    this.#socket.cork();
    for (const { chunk } of pieces) isRoomLeft = this.#isOver || this.#socket.write(chunk);
    this.#socket.uncork();
    this.#goOn(isRoomLeft, written);
  }

  override _final(ended: Written): void {
    this.#socket.end(() => {
      ended();
    });
  }

  override _destroy(error: Error | null, destroyed: Written): void {
    this.#socket.destroy();
    destroyed(error);
  }

  #goOn(isRoomLeft: boolean, written: Written): void {
    if (isRoomLeft) written();
    else this.#drained = written;
  }

  #finishWrite(): void {
    const drained = this.#drained;
    this.#drained = undefined;
    drained?.();
  }

  /** What came before the end is still read: http2 reads nothing while a write is unfinished. */
  #closeOnceRead(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#finishWrite();
    if (this.readableLength === 0) this.destroy();
    else {
      this.on('data', () => {
        if (this.readableLength === 0) this.destroy();
      });
    }
  }
}
