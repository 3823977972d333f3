// Lines on their way into datagrams: a datagram leaves when the next line does not fit, or after a while.
import type { Cancel, Clock } from '../../domain/clock.js';
import { DECIMAL_BYTES_MAX, writeThousandths } from './decimal-bytes.js';

export interface LineBufferOptions {
  readonly datagramBytesMax: number;
  readonly datagramMs: number;
}

const NONE = Buffer.alloc(0);

/** A line but for its value. Nearly all of a line is the same each time, and copied as bytes. */
export class Line {
  readonly head: Buffer;
  readonly tail: Buffer;
  readonly bytesMax: number;

  constructor(head: string, tail: string) {
    this.head = Buffer.from(head);
    this.tail = Buffer.from(`${tail}\n`);
    this.bytesMax = this.head.length + DECIMAL_BYTES_MAX + this.tail.length;
  }
}

export class LineBuffer {
  readonly #clock: Clock;
  readonly #options: LineBufferOptions;
  readonly #send: (datagram: Buffer) => void;
  #datagram: Buffer = NONE;
  #bytes = 0;
  #cancelFlush: Cancel = () => undefined;

  constructor(clock: Clock, options: LineBufferOptions, send: (datagram: Buffer) => void) {
    this.#clock = clock;
    this.#options = options;
    this.#send = send;
  }

  add(line: Line, thousandths: number): void {
    if (this.#bytes + line.bytesMax > this.#datagram.length) this.#begin(line);
    const { head, tail } = line;
    const datagram = this.#datagram;
    datagram.set(head, this.#bytes);
    const end = writeThousandths(datagram, this.#bytes + head.length, thousandths);
    datagram.set(tail, end);
    this.#bytes = end + tail.length;
  }

  flush(): void {
    if (this.#bytes === 0) return;
    this.#cancelFlush();
    const datagram = this.#datagram.subarray(0, this.#bytes);
    this.#datagram = NONE;
    this.#bytes = 0;
    this.#send(datagram);
  }

  /** A line that is longer than a datagram may be has one of its own. */
  #begin({ bytesMax }: Line): void {
    this.flush();
    const { datagramBytesMax, datagramMs } = this.#options;
    this.#datagram = Buffer.allocUnsafe(Math.max(datagramBytesMax, bytesMax));
    this.#cancelFlush = this.#clock.schedule(datagramMs, () => {
      this.flush();
    });
  }
}
