// A receiver of OTLP by the official description, over gRPC and HTTP, with or without TLS; can be slow, refuse, or go silent.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type MethodDefinition,
  type ServiceDefinition,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';

export interface Received {
  readonly signal: 'metrics' | 'traces';
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: OtlpBody;
}

interface Attribute {
  readonly key: string;
  readonly value: {
    readonly stringValue?: string;
    readonly intValue?: number | string;
    readonly boolValue?: boolean;
  };
}

export interface OtlpPoint {
  readonly attributes?: readonly Attribute[];
  readonly asDouble?: number;
  readonly startTimeUnixNano?: number | string;
  readonly sum?: number;
  readonly count?: number | string;
  readonly bucketCounts?: readonly (number | string)[];
  readonly explicitBounds?: readonly number[];
}

interface OtlpMetric {
  readonly name: string;
  readonly unit?: string;
  readonly sum?: { readonly dataPoints: readonly OtlpPoint[]; readonly aggregationTemporality: number };
  readonly histogram?: { readonly dataPoints: readonly OtlpPoint[]; readonly aggregationTemporality: number };
  readonly gauge?: { readonly dataPoints: readonly OtlpPoint[] };
}

export interface OtlpSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string | Uint8Array;
  readonly spanId: string | Uint8Array;
  readonly parentSpanId?: string | Uint8Array;
  readonly attributes?: readonly Attribute[];
  readonly status?: { readonly code?: number };
}

export interface OtlpBody {
  readonly resourceMetrics?: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeMetrics: readonly { readonly metrics?: readonly OtlpMetric[] }[];
  }[];
  readonly resourceSpans?: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** What it does with an export. */
export type Behaviour = 'takes' | 'silent' | 'drips' | 'resets' | 'refuses' | 'later';

export interface ReceiverOptions {
  readonly isGrpc?: boolean;
  /** 0 for a free one. */
  readonly port?: number;
  readonly tls?: {
    readonly cert: string;
    readonly key: string;
    /** Clients have to show a certificate of this authority. */
    readonly clientCa?: string;
  };
}

const SERVICES = {
  metrics: 'opentelemetry.proto.collector.metrics.v1.MetricsService',
  traces: 'opentelemetry.proto.collector.trace.v1.TraceService',
} as const;
const DELTA = 1;
const DRIP_MS = 20;

const description = loadFileDescriptorSetFromBuffer(
  readFileSync(new URL('opentelemetry-proto.binpb', import.meta.url)),
  { longs: Number },
);

function service(signal: Received['signal']): ServiceDefinition {
  return description[SERVICES[signal]] as ServiceDefinition;
}

/** One export of a metric: the number of a sum or gauge, or what a histogram counted. */
export interface Reading {
  readonly value: number;
  readonly count: number;
}

export class OtlpReceiver {
  readonly received: Received[] = [];
  behaviour: Behaviour = 'takes';
  /** Exports that came, also those that were not taken. */
  attempts = 0;
  readonly url: string;
  readonly port: number;
  readonly close: () => Promise<void>;

  private constructor(url: string, port: number, close: () => Promise<void>) {
    this.url = url;
    this.port = port;
    this.close = close;
  }

  static async start(options: ReceiverOptions = {}): Promise<OtlpReceiver> {
    return options.isGrpc === true ? await startGrpc(options) : await startHttp(options);
  }

  static at(url: string, port: number, close: () => Promise<void>): OtlpReceiver {
    return new OtlpReceiver(url, port, close);
  }

  /** All metrics of this name, of each export that was taken. */
  metrics(name: string): readonly OtlpMetric[] {
    return this.received.flatMap(({ body }) =>
      (body.resourceMetrics ?? []).flatMap(({ scopeMetrics }) =>
        scopeMetrics.flatMap(({ metrics = [] }) => metrics.filter((metric) => metric.name === name)),
      ),
    );
  }

  /** Of the last export of this metric. */
  points(name: string): readonly OtlpPoint[] {
    const metric = this.metrics(name).at(-1);
    return (metric?.sum ?? metric?.histogram ?? metric?.gauge)?.dataPoints ?? [];
  }

  /** Of the first export. */
  get resource(): readonly Attribute[] {
    const body = this.received[0]?.body;
    return (body?.resourceMetrics?.[0] ?? body?.resourceSpans?.[0])?.resource.attributes ?? [];
  }

  get spans(): readonly OtlpSpan[] {
    return this.received.flatMap(({ body }) =>
      (body.resourceSpans ?? []).flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    );
  }

  /** As a backend adds them up: what came since the start, of all points that have these attributes. */
  total(name: string, attributes: Readonly<Record<string, string | number | boolean>> = {}): Reading {
    const exports = this.metrics(name).map((metric) => {
      const kind = metric.sum ?? metric.histogram;
      const points = (kind ?? metric.gauge)?.dataPoints ?? [];
      const matching = points.filter((point) => hasAll(point, attributes));
      return {
        isDelta: kind?.aggregationTemporality === DELTA,
        value: sumOf(matching.map(({ asDouble, sum }) => asDouble ?? sum ?? 0)),
        count: sumOf(matching.map(({ count }) => Number(count ?? 0))),
      };
    });
    const counting = exports.at(-1)?.isDelta === true ? exports : exports.slice(-1);
    return {
      value: sumOf(counting.map(({ value }) => value)),
      count: sumOf(counting.map(({ count }) => count)),
    };
  }

  /** Everything that came, as text. */
  get text(): string {
    return JSON.stringify(this.received);
  }
}

/** By name. */
export function valuesOf(attributes: readonly Attribute[] = []): Record<string, string | number | boolean> {
  return Object.fromEntries(
    attributes.map(({ key, value: { stringValue, intValue, boolValue } }) => [
      key,
      boolValue ?? (intValue === undefined ? (stringValue ?? '') : Number(intValue)),
    ]),
  );
}

function hasAll(point: OtlpPoint, wanted: Readonly<Record<string, string | number | boolean>>): boolean {
  const has = valuesOf(point.attributes);
  return Object.entries(wanted).every(([name, value]) => has[name] === value);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

async function startHttp({ tls, port = 0 }: ReceiverOptions): Promise<OtlpReceiver> {
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      answerHttp(receiver, request, response, Buffer.concat(pieces));
    });
  };
  const server =
    tls === undefined
      ? createServer(answer)
      : createTlsServer(
          { cert: tls.cert, key: tls.key, ca: tls.clientCa, requestCert: tls.clientCa !== undefined },
          answer,
        );
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${bound}`;
  const receiver = OtlpReceiver.at(url, bound, async () => {
    server.close();
    server.closeAllConnections();
    await Promise.resolve();
  });
  return receiver;
}

function answerHttp(
  receiver: OtlpReceiver,
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer,
): void {
  receiver.attempts += 1;
  switch (receiver.behaviour) {
    case 'silent':
      return;
    case 'drips': {
      const drip = setInterval(() => response.write(' '), DRIP_MS);
      response.on('close', () => {
        clearInterval(drip);
      });
      return;
    }
    case 'resets':
      request.socket.resetAndDestroy();
      return;
    case 'refuses':
      response.writeHead(400).end();
      return;
    case 'later':
      response.writeHead(503, { 'retry-after': '1' }).end();
      return;
    case 'takes': {
      const signal = request.url === '/v1/traces' ? 'traces' : 'metrics';
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
      const isJson = request.headers['content-type'] === 'application/json';
      const parsed: unknown = isJson
        ? JSON.parse(body.toString())
        : asInJson(method(signal).requestDeserialize(body));
      const headers = { ...request.headers, path: request.url };
      receiver.received.push({ signal, headers, body: parsed as OtlpBody });
      response.writeHead(200, { 'content-type': request.headers['content-type'] });
      response.end(isJson ? '{}' : Buffer.alloc(0));
    }
  }
}

/** With the names that OTLP has in JSON: descriptors have them as they stand in the description. */
function asInJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asInJson);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
      asInJson(member),
    ]),
  );
}

function method(signal: Received['signal']): MethodDefinition<unknown, unknown> {
  return service(signal)['Export'] as MethodDefinition<unknown, unknown>;
}

async function startGrpc({ tls, port = 0 }: ReceiverOptions): Promise<OtlpReceiver> {
  const server = new Server();
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(
          tls.clientCa === undefined ? null : Buffer.from(tls.clientCa),
          [{ private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.cert) }],
          tls.clientCa !== undefined,
        );
  for (const signal of ['metrics', 'traces'] as const) {
    const take: UntypedHandleCall = (
      call: { readonly metadata: Metadata; readonly request: unknown },
      done: (error: object | null, answer?: object) => void,
    ) => {
      receiver.attempts += 1;
      if (receiver.behaviour === 'silent' || receiver.behaviour === 'drips') return;
      if (receiver.behaviour !== 'takes') {
        done({ code: status.UNAVAILABLE, details: 'later' });
        return;
      }
      receiver.received.push({
        signal,
        headers: call.metadata.getMap(),
        body: asInJson(call.request) as OtlpBody,
      });
      done(null, {});
    };
    server.addService(service(signal), { Export: take });
  }
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, value) => {
      if (error === null) resolve(value);
      else reject(error);
    });
  });
  const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${bound}`;
  const receiver = OtlpReceiver.at(url, bound, async () => {
    server.forceShutdown();
    await Promise.resolve();
  });
  return receiver;
}
