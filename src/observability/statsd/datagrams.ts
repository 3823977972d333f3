// Datagrams on their way to a receiver that may be away, slow or new: bounded, tried a few times, and never waited for.
import { Writable } from 'node:stream';
import type { Clock } from '../../domain/clock.js';

/** A socket that sends datagrams. */
export interface DatagramSender {
  /** Calls back once, also after `close`. */
  send(datagram: Buffer, done: (error?: Error | null) => void): void;
  close(): void;
}

export interface DatagramOptions {
  /** Tries after the first one. */
  readonly retriesMax: number;
  /** Before the first of them; twice as long before each next one. */
  readonly firstRetryMs: number;
}

export interface DatagramListener {
  /** A datagram was given up. Told once until one gets through again. */
  failed(error: Error): void;
  worked(): void;
}

/** Handed over and not sent yet; what comes beyond is dropped. */
const WAITING_MAX = 64;
/** For those that wait at the end. */
const LAST_MS_MAX = 200;
const TOO_MANY = new Error('the receiver takes datagrams more slowly than they come');
const LINE_END = 0x0a;

export class DatagramStream extends Writable {
  readonly #clock: Clock;
  readonly #sender: DatagramSender;
  readonly #options: DatagramOptions;
  readonly #listener: DatagramListener;
  #waiting = 0;
  #isFailing = false;
  #onIdle: (() => void) | undefined;
  /** Lines of datagrams that were given up. */
  droppedLines = 0;

  constructor(clock: Clock, sender: DatagramSender, options: DatagramOptions, listener: DatagramListener) {
    super();
    this.#clock = clock;
    this.#sender = sender;
    this.#options = options;
    this.#listener = listener;
  }

  override _write(datagram: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.#waiting >= WAITING_MAX) this.#giveUp(datagram, TOO_MANY);
    else {
      this.#waiting += 1;
      this.#send(datagram, 0);
    }
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const close = (): void => {
      cancel();
      this.#onIdle = undefined;
      this.#sender.close();
      done(error);
    };
    const cancel = this.#clock.schedule(LAST_MS_MAX, close);
    if (this.#waiting === 0) close();
    else this.#onIdle = close;
  }

  #send(datagram: Buffer, retries: number): void {
    this.#sender.send(datagram, (error) => {
      if (error && retries < this.#options.retriesMax && !this.destroyed) {
        this.#clock.schedule(this.#options.firstRetryMs * 2 ** retries, () => {
          this.#send(datagram, retries + 1);
        });
        return;
      }
      this.#waiting -= 1;
      if (error) this.#giveUp(datagram, error);
      else if (this.#isFailing) {
        this.#isFailing = false;
        this.#listener.worked();
      }
      if (this.#waiting === 0) this.#onIdle?.();
    });
  }

  #giveUp(datagram: Buffer, error: Error): void {
    for (const byte of datagram) if (byte === LINE_END) this.droppedLines += 1;
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#listener.failed(error);
  }
}
