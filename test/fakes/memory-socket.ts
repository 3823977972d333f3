// A connection in memory, as a server sees one: a test pushes what the client sends, and reads what it was answered.
import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';

export class MemorySocket extends Duplex {
  /** Of the last `setTimeout`; it never fires. */
  timeout = 0;
  bytesRead = 0;
  readonly #answered: Buffer[] = [];

  constructor() {
    super({ allowHalfOpen: false });
  }

  /** As a server's `accept` takes it: of a real socket no more is used. */
  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  get answered(): Buffer {
    return Buffer.concat(this.#answered);
  }

  send(piece: Buffer): void {
    this.bytesRead += piece.length;
    this.push(piece);
  }

  setTimeout(timeoutMs: number): this {
    this.timeout = timeoutMs;
    return this;
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  override _read(): void {
    // Pieces come when the test sends them.
  }

  override _write(piece: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#answered.push(piece);
    done();
  }
}
