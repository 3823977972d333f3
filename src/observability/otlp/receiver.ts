// A receiver of OTLP: one thing is sent at a time, within its time, whatever the receiver does; told once while nothing arrives.
import { Agent as HttpsAgent } from 'node:https';
import { ExportResultCode } from '@opentelemetry/core';
import type { IOtlpExportDelegate } from '@opentelemetry/otlp-exporter-base';
import { createOtlpHttpExportDelegate } from '@opentelemetry/otlp-exporter-base/node-http';
import {
  createEmptyMetadata,
  createInsecureCredentials,
  createOtlpGrpcExportDelegate,
  createSslCredentials,
} from '@opentelemetry/otlp-grpc-exporter-base';
import {
  JsonMetricsSerializer,
  JsonTraceSerializer,
  MetricsExporterMetricsHelper,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
  TraceExporterMetricsHelper,
  type IExporterMetricsHelper,
  type ISerializer,
} from '@opentelemetry/otlp-transformer';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Cancel, Clock } from '../../domain/clock.js';
import { withoutLogins } from '../../domain/url-login.js';
import { inBackground } from '../in-background.js';
import type { Logger } from '../logger.js';
import type { OtlpWay } from './otlp-options.js';

const { Agent: HttpAgent } = process.getBuiltinModule('node:http');
/** Of the receiver's words: what is shown to people. */
const SHOWN_CHARACTERS_MAX = 200;

/** How one kind of telemetry is written down. */
export interface Signal<Data> {
  readonly name: string;
  readonly json: ISerializer<Data, unknown>;
  readonly protobuf: ISerializer<Data, unknown>;
  readonly counter: IExporterMetricsHelper<Data>;
  readonly grpcService: string;
}

export const METRICS: Signal<ResourceMetrics> = {
  name: 'metrics',
  json: JsonMetricsSerializer,
  protobuf: ProtobufMetricsSerializer,
  counter: MetricsExporterMetricsHelper,
  grpcService: 'opentelemetry.proto.collector.metrics.v1.MetricsService',
};

export const TRACES: Signal<ReadableSpan[]> = {
  name: 'traces',
  json: JsonTraceSerializer,
  protobuf: ProtobufTraceSerializer,
  counter: TraceExporterMetricsHelper,
  grpcService: 'opentelemetry.proto.collector.trace.v1.TraceService',
};

interface Open<Data> {
  readonly delegate: IOtlpExportDelegate<Data>;
  /** Ends whatever is under way. */
  readonly breakOff: () => void;
}

export class Receiver<Data> {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #way: OtlpWay;
  readonly #signal: Signal<Data>;
  /** What log lines say of it. */
  readonly #about: { readonly signal: string; readonly url: string };
  #current: Open<Data> | undefined;
  /** By the wall clock; undefined where the last export arrived. */
  failingSinceMs: number | undefined;

  constructor(clock: Clock, log: Logger, way: OtlpWay, signal: Signal<Data>) {
    this.#clock = clock;
    this.#log = log;
    this.#way = way;
    this.#signal = signal;
    this.#about = { signal: signal.name, url: withoutLogins(way.url) };
  }

  /** Whether it arrived; never rejects. */
  async send(data: Data): Promise<boolean> {
    const failure = await this.attempt(data);
    if (failure === undefined) this.#tellSuccess();
    else this.#tellFailure(failure);
    return failure === undefined;
  }

  /** The same without a word in the log: why it did not arrive, or undefined. */
  async attempt(data: Data): Promise<Error | undefined> {
    const { timeoutMs } = this.#way;
    const current = (this.#current ??= this.#open());
    let cancel: Cancel = () => undefined;
    const failure = await new Promise<Error | undefined>((resolve) => {
      // The library's own limit is on silence, which a byte from time to time puts off for ever.
      cancel = this.#clock.schedule(timeoutMs, () => {
        resolve(new Error(`no whole answer within ${timeoutMs} ms`));
        current.breakOff();
      });
      current.delegate.export(data, ({ code, error }) => {
        resolve(code === ExportResultCode.SUCCESS ? undefined : (error ?? new Error('refused')));
      });
    });
    cancel();
    // gRPC waits for up to two minutes before it tries such a connection again.
    if (failure !== undefined) this.close();
    return failure;
  }

  /** Breaks off what is under way; what is sent later is sent anew. */
  close(): void {
    this.#current?.breakOff();
    this.#current = undefined;
  }

  #open(): Open<Data> {
    return this.#way.protocol === 'grpc'
      ? openGrpc(this.#way, this.#signal, this.#log)
      : openHttp(this.#way, this.#signal);
  }

  #tellFailure({ message }: Error): void {
    if (this.failingSinceMs !== undefined) return;
    this.failingSinceMs = this.#clock.nowMs();
    const detail = withoutLogins(message).slice(0, SHOWN_CHARACTERS_MAX);
    this.#log.warn({ ...this.#about, detail }, 'telemetry does not reach the OpenTelemetry receiver');
  }

  #tellSuccess(): void {
    if (this.failingSinceMs === undefined) return;
    this.failingSinceMs = undefined;
    this.#log.info(this.#about, 'telemetry reaches the OpenTelemetry receiver again');
  }
}

function openHttp<Data>(way: OtlpWay, { json, protobuf, counter, name }: Signal<Data>): Open<Data> {
  const { caPem, certificatePem, keyPem } = way.tls;
  const agent = way.url.startsWith('https:')
    ? new HttpsAgent({ keepAlive: true, ca: caPem, cert: certificatePem, key: keyPem })
    : new HttpAgent({ keepAlive: true });
  const isJson = way.protocol === 'http/json';
  const type = isJson ? 'application/json' : 'application/x-protobuf';
  const delegate = createOtlpHttpExportDelegate(
    {
      url: way.url,
      // Its own each time: the library adds to it.
      headers: () => Promise.resolve({ ...way.headers, 'Content-Type': type }),
      agentFactory: () => agent,
      timeoutMillis: way.timeoutMs,
      compression: way.compression,
      concurrencyLimit: 1,
    },
    isJson ? json : protobuf,
    `otlp_http_${name}`,
    counter,
    undefined,
  );
  return {
    delegate,
    breakOff: () => {
      agent.destroy();
    },
  };
}

function openGrpc<Data>(
  way: OtlpWay,
  { protobuf, counter, name, grpcService }: Signal<Data>,
  log: Logger,
): Open<Data> {
  const { protocol, host } = new URL(way.url);
  const { caPem, certificatePem, keyPem } = way.tls;
  const toBuffer = (pem: string | undefined): Buffer | undefined =>
    pem === undefined ? undefined : Buffer.from(pem);
  const metadata = createEmptyMetadata();
  for (const [header, value] of Object.entries(way.headers)) metadata.set(header, value);
  const credentials =
    protocol === 'https:'
      ? createSslCredentials(toBuffer(caPem), toBuffer(keyPem), toBuffer(certificatePem))
      : createInsecureCredentials();
  const delegate = createOtlpGrpcExportDelegate(
    {
      url: host,
      metadata: () => metadata,
      credentials: () => credentials,
      timeoutMillis: way.timeoutMs,
      compression: way.compression,
      concurrencyLimit: 1,
    },
    protobuf,
    `otlp_grpc_${name}`,
    counter,
    undefined,
    grpcService,
    `/${grpcService}/Export`,
  );
  return {
    delegate,
    breakOff: () => {
      // A call under way ends at its own deadline.
      inBackground(delegate.shutdown(), log);
    },
  };
}
