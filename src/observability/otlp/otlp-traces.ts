// Spans by OpenTelemetry's SDK, and the traces of clients and origins that they belong to, by W3C's headers.
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import {
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type ReadableSpan,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import type { Clock } from '../../domain/clock.js';
import { maskSdkKeysIn } from '../../domain/sdk-key.js';
import type { Logger } from '../logger.js';
import type { Answered, TraceHeaders, Tracing, UpstreamSpan } from '../tracing.js';
import type { OtlpTracesOptions, TraceSampling } from './otlp-options.js';
import { Receiver, TRACES } from './receiver.js';
import { SpanQueue } from './span-queue.js';

const SCOPE = 'spec-forward-proxy';
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** A client's request that is not answered yet. */
interface Pending {
  readonly headers: TraceHeaders;
  /** Made when a request to an origin needs it, or at the end. */
  span: Span | undefined;
  isAnswered: boolean;
}

export interface TraceSources {
  readonly resource: Resource;
  readonly version: string;
}

export class OtlpTraces implements Tracing {
  readonly #clock: Clock;
  readonly #slowMs: number;
  readonly #receiver: Receiver<ReadableSpan[]>;
  readonly #queue: SpanQueue;
  readonly #tracer: Tracer;
  readonly #propagator = new W3CTraceContextPropagator();
  readonly #current = new AsyncLocalStorage<Pending>();
  readonly #pending = new WeakMap<object, Pending>();

  constructor(clock: Clock, log: Logger, { resource, version }: TraceSources, options: OtlpTracesOptions) {
    this.#clock = clock;
    this.#slowMs = options.slowMs;
    this.#receiver = new Receiver(clock, log, options.way, TRACES);
    this.#queue = new SpanQueue(clock, log, this.#receiver);
    const provider = new TracerProvider({
      resource,
      sampler: toSampler(options.sampling),
      spanProcessors: [this.#queue],
    });
    this.#tracer = provider.getTracer(SCOPE, version);
  }

  get failingSinceMs(): number | undefined {
    return this.#receiver.failingSinceMs;
  }

  get dropped(): number {
    return this.#queue.dropped;
  }

  upstream(method: string, url: URL): UpstreamSpan {
    const pending = this.#current.getStore();
    // What a request began may go on for long after it, as polls do.
    const isPart = pending !== undefined && !pending.isAnswered;
    const parent = isPart ? trace.setSpan(ROOT_CONTEXT, this.#spanOf(pending)) : ROOT_CONTEXT;
    const attributes = {
      'http.request.method': method,
      'server.address': url.hostname,
      'server.port': url.port === '' ? (DEFAULT_PORTS[url.protocol] ?? 0) : Number(url.port),
      'url.full': maskSdkKeysIn(url.href),
    };
    const options = { kind: SpanKind.CLIENT, startTime: this.#clock.nowMs(), attributes };
    const span = this.#tracer.startSpan(method, options, parent);
    const headers: Record<string, string> = {};
    this.#propagator.inject(trace.setSpan(parent, span), headers, defaultTextMapSetter);
    return {
      headers,
      end: (status, failure) => {
        const error = failure ?? (status !== undefined && status >= 400 ? String(status) : undefined);
        if (status !== undefined) span.setAttribute('http.response.status_code', status);
        if (error !== undefined)
          span.setAttribute('error.type', error).setStatus({ code: SpanStatusCode.ERROR });
        span.end(this.#clock.nowMs());
      },
    };
  }

  within<Result>(request: object, headers: TraceHeaders, work: () => Result): Result {
    const pending: Pending = { headers, span: undefined, isAnswered: false };
    this.#pending.set(request, pending);
    return this.#current.run(pending, work);
  }

  answered(request: object, headers: TraceHeaders, { latencyMs, isFailed, describe }: Answered): void {
    const pending = this.#pending.get(request) ?? { headers, span: undefined, isAnswered: true };
    pending.isAnswered = true;
    if (pending.span === undefined && !isFailed && latencyMs <= this.#slowMs) return;
    const span = this.#spanOf(pending, latencyMs);
    const { name, attributes } = describe();
    span.updateName(name).setAttributes(attributes);
    if (isFailed) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(this.#clock.nowMs());
  }

  async close(): Promise<void> {
    await this.#queue.shutdown();
  }

  breakOff(): void {
    this.#receiver.close();
  }

  #spanOf(pending: Pending, agoMs = 0): Span {
    pending.span ??= this.#tracer.startSpan(
      'request',
      { kind: SpanKind.SERVER, startTime: this.#clock.nowMs() - agoMs },
      this.#parentOf(pending.headers),
    );
    return pending.span;
  }

  #parentOf(headers: TraceHeaders): Context {
    return this.#propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
  }
}

function toSampler({ ratio, parent }: TraceSampling): Sampler {
  const root = new TraceIdRatioBasedSampler(ratio);
  return parent === 'counts' ? new ParentBasedSampler({ root }) : root;
}
