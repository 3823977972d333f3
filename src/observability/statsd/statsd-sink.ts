// Events as statsd lines, with SFP's names, types and tags; the one door to hot-shots, which sums counts and keeps gauges.
import StatsDClient, { type StatsD } from 'hot-shots';
import type { Clock } from '../../domain/clock.js';
import type { ProxyEventFields } from '../event-fields.js';
import type { Logger } from '../logger.js';
import type { SfpSink } from '../sfp-events.js';
import type { TaggedMetric } from '../sfp-tags.js';
import { Line, LineBuffer, type LineBufferOptions } from './line-buffer.js';
import { DatagramStream, type DatagramOptions, type DatagramSender } from './datagrams.js';

export interface StatsdOptions extends DatagramOptions, LineBufferOptions {
  /** Latencies as Datadog's distributions, which other receivers do not know. */
  readonly isDatadog: boolean;
  /** Where the lines go, for people. */
  readonly address: string;
  /** At the end of every line's tags: `name:value`. */
  readonly globalTags: readonly string[];
  /** Counts are summed, and of gauges the last value kept, for this long ... */
  readonly sumMs: number;
  /** ... of at most so many names and tags; what comes beyond is sent singly. */
  readonly sumsMax: number;
}

/** Of milliseconds: finer than clocks are. */
const THOUSANDTHS = 1000;
/** What would end a tag or its line. */
const RESERVED = /[|@,#\r\n]/g;

export class StatsdSink implements SfpSink {
  readonly #client: StatsD;
  readonly #datagrams: DatagramStream;
  readonly #lines: LineBuffer;
  /** A metric that nothing knows any more takes its line with it. */
  readonly #latencyLines = new WeakMap<TaggedMetric, Line>();
  readonly #latencyType: 'd' | 'ms';
  readonly #globalTags: readonly string[];
  #isClosed = false;

  constructor(clock: Clock, log: Logger, sender: DatagramSender, options: StatsdOptions) {
    const { address } = options;
    this.#latencyType = options.isDatadog ? 'd' : 'ms';
    this.#globalTags = options.globalTags;
    this.#datagrams = new DatagramStream(clock, sender, options, {
      failed: (error) => {
        log.warn(
          { address, detail: error.message },
          'metrics do not reach the statsd receiver: they are dropped',
        );
      },
      worked: () => {
        log.info({ address, droppedLines: this.dropped }, 'metrics reach the statsd receiver again');
      },
    });
    this.#lines = new LineBuffer(clock, options, (datagram) => {
      this.#datagrams.write(datagram);
    });
    this.#client = new StatsDClient({
      protocol: 'stream',
      stream: this.#datagrams,
      // Set, as it would find both out from variables of its own.
      datadog: options.isDatadog,
      includeDatadogTelemetry: false,
      includeDataDogTags: false,
      originDetection: false,
      maxBufferSize: options.datagramBytesMax,
      bufferFlushInterval: options.datagramMs,
      aggregation: { flushInterval: options.sumMs, maxContexts: options.sumsMax },
      // The stream tells of its faults itself.
      errorHandler: () => undefined,
    });
  }

  /** Lines that could not be sent. */
  get dropped(): number {
    return this.#datagrams.droppedLines;
  }

  record(metric: TaggedMetric, fields: ProxyEventFields): void {
    if (this.#isClosed) return;
    const { name, operation, tags } = metric;
    switch (operation) {
      case 'latency': {
        // hot-shots takes 6 µs for one of these, of which there is one per request.
        this.#lines.add(this.#lineOf(metric), Math.round((fields.latencyMs ?? 0) * THOUSANDTHS));
        return;
      }
      case 'count':
        this.#client.increment(name, fields.events ?? 1, [...tags, ...this.#globalTags]);
        return;
      case 'gauge':
        this.#client.gauge(name, fields.value ?? 0, [...tags, ...this.#globalTags]);
    }
  }

  #lineOf(metric: TaggedMetric): Line {
    const known = this.#latencyLines.get(metric);
    if (known !== undefined) return known;
    const { name, tags } = metric;
    const all = [...tags, ...this.#globalTags].map((tag) => tag.replace(RESERVED, '_'));
    const tail = all.length === 0 ? '' : `|#${all.join(',')}`;
    const line = new Line(`${name}:`, `|${this.#latencyType}${tail}`);
    this.#latencyLines.set(metric, line);
    return line;
  }

  /** Sends what waits, as far as the receiver takes it at once. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#lines.flush();
    return new Promise((resolve) => {
      this.#client.close(() => {
        resolve();
      });
    });
  }
}
