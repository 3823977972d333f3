// Spans that ended, on their way to a receiver: bounded, in batches, one batch at a time; what does not arrive is given up and counted.
import { TraceFlags } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Cancel, Clock } from '../../domain/clock.js';
import { inBackground } from '../in-background.js';
import type { Logger } from '../logger.js';
import type { Receiver } from './receiver.js';

/** The SDK's own numbers. */
const SPANS_MAX = 2_048;
const BATCH_SPANS_MAX = 512;
const BATCH_MS = 5_000;

export class SpanQueue implements SpanProcessor {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #receiver: Pick<Receiver<ReadableSpan[]>, 'send'>;
  readonly #spans: ReadableSpan[] = [];
  #cancelBatch: Cancel | undefined;
  #sending: Promise<void> | undefined;
  #isClosed = false;
  /** Spans that were given up. */
  dropped = 0;

  constructor(clock: Clock, log: Logger, receiver: Pick<Receiver<ReadableSpan[]>, 'send'>) {
    this.#clock = clock;
    this.#log = log;
    this.#receiver = receiver;
  }

  onStart(): void {
    return undefined;
  }

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    if (this.#spans.length >= SPANS_MAX || this.#isClosed) {
      this.dropped += 1;
      return;
    }
    this.#spans.push(span);
    this.#goOn();
  }

  /** Sends what waits, for as long as it arrives. */
  async shutdown(): Promise<void> {
    this.#isClosed = true;
    this.#cancelBatch?.();
    await this.#sending;
    while (this.#spans.length > 0) await this.#sendBatch();
  }

  async forceFlush(): Promise<void> {
    await this.#sending;
  }

  #goOn(): void {
    if (this.#sending !== undefined || this.#isClosed) return;
    if (this.#spans.length >= BATCH_SPANS_MAX) this.#send();
    else if (this.#spans.length > 0) {
      this.#cancelBatch ??= this.#clock.schedule(BATCH_MS, () => {
        this.#send();
      });
    }
  }

  #send(): void {
    this.#cancelBatch?.();
    this.#cancelBatch = undefined;
    this.#sending = this.#sendBatch().finally(() => {
      this.#sending = undefined;
      this.#goOn();
    });
    inBackground(this.#sending, this.#log);
  }

  async #sendBatch(): Promise<void> {
    const batch = this.#spans.splice(0, BATCH_SPANS_MAX);
    if (!(await this.#receiver.send(batch))) this.dropped += batch.length;
  }
}
