// Spans as the rooms state them: of requests to origins, and of clients' requests that were slow, failed, or waited for an origin.

/** Of a request: what carries a trace is picked out of them. */
export type TraceHeaders = Readonly<Record<string, string | string[] | undefined>>;
type SpanAttributes = Readonly<Record<string, string | number>>;

export interface UpstreamSpan {
  /** To be sent with the request, so that the origin's spans belong to this one. */
  readonly headers: Readonly<Record<string, string>>;
  /** When the answer was read to its end, or there is none to come. */
  end(status: number | undefined, failure: string | undefined): void;
}

export interface Answered {
  readonly latencyMs: number;
  readonly isFailed: boolean;
  /** Called where there is a span. */
  readonly describe: () => { readonly name: string; readonly attributes: SpanAttributes };
}

export interface Tracing {
  /** A request to an origin begins. */
  upstream(method: string, url: URL): UpstreamSpan;
  /** Requests to origins that `work` leads to, until `request` is answered, belong to it. */
  within<Result>(request: object, headers: TraceHeaders, work: () => Result): Result;
  answered(request: object, headers: TraceHeaders, answered: Answered): void;
}
