// Events as statsd lines, with SFP's names, types and tags; the one door to hot-shots, which sums counts and keeps gauges.
import StatsDClient, { type StatsD } from 'hot-shots';
import type { Clock } from '../../domain/clock.js';
import { catalogue, type CatalogueRow, type ProxyEventName } from '../catalogue.js';
import type { ProxyEventFields } from '../event-fields.js';
import type { Logger } from '../logger.js';
import type { EventSink } from '../proxy-events.js';
import { SFP_PREFIX, sfpMetricName } from '../sfp-names.js';
import type { SfpTags, TagSet } from '../sfp-tags.js';
import { LineBuffer, type LineBufferOptions } from './line-buffer.js';
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
const DECIMALS = 1000;
/** Sets of tags that are remembered as they are sent; beyond them the table starts anew. */
const TAG_TEXTS_MAX = 10_000;
/** What would end a tag or its line. */
const RESERVED = /[|@,#\r\n]/g;

export class StatsdSink implements EventSink {
  readonly #client: StatsD;
  readonly #datagrams: DatagramStream;
  readonly #tags: SfpTags;
  readonly #lines: LineBuffer;
  readonly #tagTexts = new Map<string, string>();
  readonly #latencyType: 'd' | 'ms';
  readonly #globalTags: readonly string[];
  #isClosed = false;

  constructor(clock: Clock, log: Logger, tags: SfpTags, sender: DatagramSender, options: StatsdOptions) {
    const { address } = options;
    this.#tags = tags;
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
      prefix: SFP_PREFIX,
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

  record(name: ProxyEventName, fields: ProxyEventFields): void {
    const { sfp }: CatalogueRow = catalogue[name];
    if (sfp === undefined || this.#isClosed) return;
    const set = this.#tags.of(name, fields);
    switch (sfp.operation) {
      case 'latency': {
        const value = Math.round((fields.latencyMs ?? 0) * DECIMALS) / DECIMALS;
        const tagText = this.#textOf(set);
        // hot-shots takes 6 µs for one of these, of which there is one per request.
        this.#lines.add(`${sfpMetricName(name, 'latency')}:${value}|${this.#latencyType}${tagText}`);
        return;
      }
      case 'count':
        this.#client.increment(`${name}.count`, fields.events ?? 1, [...set.tags, ...this.#globalTags]);
        return;
      case 'gauge':
        this.#client.gauge(`${name}.gauge`, fields.value ?? 0, [...set.tags, ...this.#globalTags]);
    }
  }

  #textOf({ id, tags }: TagSet): string {
    const known = this.#tagTexts.get(id);
    if (known !== undefined) return known;
    if (this.#tagTexts.size >= TAG_TEXTS_MAX) this.#tagTexts.clear();
    const all = [...tags, ...this.#globalTags].map((tag) => tag.replace(RESERVED, '_'));
    const text = all.length === 0 ? '' : `|#${all.join(',')}`;
    this.#tagTexts.set(id, text);
    return text;
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
