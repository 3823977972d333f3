// What is sent to an OpenTelemetry receiver, where, and under which name.

export type OtlpProtocol = 'grpc' | 'http/protobuf' | 'http/json';

/** The way to a receiver. */
export interface OtlpWay {
  readonly protocol: OtlpProtocol;
  /** Whole: with the path for HTTP; only scheme, host and port count for gRPC. */
  readonly url: string;
  /** May hold secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /** For one export, tries that follow a failure included. */
  readonly timeoutMs: number;
  readonly compression: 'gzip' | 'none';
  /** With https only. The system's authorities where none are named, and no client certificate without its key. */
  readonly tls: {
    readonly caPem?: string;
    readonly certificatePem?: string;
    readonly keyPem?: string;
  };
}

/** Which sums and histograms start anew with every export: none, all, or all but those that are read only then. */
export type Temporality = 'cumulative' | 'delta' | 'lowmemory';

export interface OtlpMetricsOptions {
  readonly way: OtlpWay;
  readonly intervalMs: number;
  readonly temporality: Temporality;
}

/** `ratio`: of traces that begin here. `parent`: a client's decision about its trace holds. */
export interface TraceSampling {
  readonly ratio: number;
  readonly parent: 'counts' | 'ignored';
}

export interface OtlpTracesOptions {
  readonly way: OtlpWay;
  readonly sampling: TraceSampling;
  /** A client's request that took longer has a span. */
  readonly slowMs: number;
}

export interface OtlpOptions {
  /** What every metric and span says of this process: `service.name` and so on. */
  readonly resource: Readonly<Record<string, string>>;
  readonly version: string;
  readonly metrics: OtlpMetricsOptions | undefined;
  readonly traces: OtlpTracesOptions | undefined;
}
