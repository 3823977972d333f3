// Lines on their way into datagrams: a datagram leaves when the next line does not fit, or after a while.
import type { Cancel, Clock } from '../../domain/clock.js';

export interface LineBufferOptions {
  readonly datagramBytesMax: number;
  readonly datagramMs: number;
}

export class LineBuffer {
  readonly #clock: Clock;
  readonly #options: LineBufferOptions;
  readonly #send: (datagram: string) => void;
  #lines = '';
  #bytes = 0;
  #cancelFlush: Cancel = () => undefined;

  constructor(clock: Clock, options: LineBufferOptions, send: (datagram: string) => void) {
    this.#clock = clock;
    this.#options = options;
    this.#send = send;
  }

  add(line: string): void {
    const bytes = Buffer.byteLength(line) + 1;
    if (this.#bytes + bytes > this.#options.datagramBytesMax) this.flush();
    if (this.#bytes === 0) {
      this.#cancelFlush = this.#clock.schedule(this.#options.datagramMs, () => {
        this.flush();
      });
    }
    this.#lines += `${line}\n`;
    this.#bytes += bytes;
  }

  flush(): void {
    if (this.#bytes === 0) return;
    this.#cancelFlush();
    const lines = this.#lines;
    this.#lines = '';
    this.#bytes = 0;
    this.#send(lines);
  }
}
