// Connections to origins, kept between requests, whatever the scheme, the HTTP version and the way out.
import type { Dispatcher } from 'undici';
import type { ClientIdentity } from '../network/secure-context.js';
import type { Clock } from '../domain/clock.js';
import type { Tracing } from '../observability/tracing.js';
import {
  closedError,
  createOutboundAgent,
  type OutboundAgent,
  type OutboundOptions,
} from './outbound/outbound-agent.js';
import type { RequestSignal } from './request-signal.js';
import { toFailure } from './upstream-failure.js';

/** Whoever pushes sends a heartbeat every 30 s at least: a connection that is silent for longer is dead. */
export const STREAM_SILENCE_MS_MAX = 45_000;

interface Agents {
  readonly answers: readonly [http: OutboundAgent, https: OutboundAgent];
  readonly streams: readonly [http: OutboundAgent, https: OutboundAgent];
}

function all({ answers, streams }: Agents): readonly OutboundAgent[] {
  return [...answers, ...streams];
}

/** What clients of origins share: one set of connections to each origin. */
export class SharedConnections {
  readonly #clock: Clock;
  #options: OutboundOptions;
  #agents: Agents;
  /** Those that finish what they have in flight. */
  readonly #retired = new Set<OutboundAgent>();
  /** Told of every request; undefined where nobody wants to know. */
  readonly tracing: Tracing | undefined;

  constructor(clock: Clock, options: OutboundOptions, tracing?: Tracing) {
    this.tracing = tracing;
    this.#clock = clock;
    this.#options = options;
    this.#agents = this.#create();
  }

  /** From now on these certificate authorities count: every request gets a connection that was opened under them. */
  trust(caPem: string): void {
    this.#openUnder({ ...this.#options, caPem });
  }

  /** From now on every request gets a connection on which this certificate was shown. */
  show(identity: ClientIdentity): void {
    this.#openUnder({ ...this.#options, identity });
  }

  #openUnder(options: OutboundOptions): void {
    const former = this.#agents;
    this.#options = options;
    this.#agents = this.#create();
    for (const agent of all(former)) {
      this.#retired.add(agent);
      // Its only error is that it was destroyed meanwhile.
      const forget = (): boolean => this.#retired.delete(agent);
      agent.dispatcher.close().then(forget, forget);
    }
  }

  #create(): Agents {
    const pair = (options: OutboundOptions): Agents['answers'] => [
      createOutboundAgent(this.#clock, 'http:', options),
      createOutboundAgent(this.#clock, 'https:', options),
    ];
    const streams = pair({ ...this.#options, bodyIdleTimeoutMs: STREAM_SILENCE_MS_MAX });
    return { answers: pair(this.#options), streams };
  }

  /** `what`: of a stream, which has connections of its own, as it may be silent for longer than an answer. */
  to(url: URL, what: keyof Agents): Dispatcher {
    const [http, https] = this.#agents[what];
    return (url.protocol === 'https:' ? https : http).dispatcher;
  }

  /** To be told of a request that got no answer in time: its connection may be dead, and the next gets another. */
  distrust(): void {
    for (const agent of this.#agents.answers) agent.distrust();
  }

  /** Breaks off what is in flight and closes every connection. */
  async close(): Promise<void> {
    const open = [...all(this.#agents), ...this.#retired];
    await Promise.all(open.map(({ dispatcher }) => dispatcher.destroy()));
  }
}

export interface UpstreamPoolOptions extends OutboundOptions {
  /** Closed by their owner; without them, the pool has connections of its own. */
  readonly connections?: SharedConnections;
}

/** Of a request, or of a stream. */
export type Abortable = Pick<AbortController | RequestSignal, 'abort'>;

export type UpstreamResponse = Dispatcher.ResponseData;

/** The requests of one client, which it can break off without touching those of others. */
export class UpstreamPool {
  readonly #connections: SharedConnections;
  readonly #areOwn: boolean;
  readonly #inFlight = new Set<Abortable>();
  #isClosed = false;

  constructor(clock: Clock, options: UpstreamPoolOptions) {
    this.#connections = options.connections ?? new SharedConnections(clock, options);
    this.#areOwn = options.connections === undefined;
  }

  /** Sends a GET; the body has to be read or dumped. No request waits for another's answer. */
  async get(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: RequestSignal,
  ): Promise<UpstreamResponse> {
    return await this.#request(url, signal, { method: 'GET', headers });
  }

  /** Sends a request whose answer goes on and on: a GET, or a POST where there is a body. */
  async stream(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
    body?: Uint8Array,
  ): Promise<UpstreamResponse> {
    const rest = body === undefined ? ({ method: 'GET' } as const) : ({ method: 'POST', body } as const);
    return await this.#request(url, signal, { ...rest, headers }, 'streams');
  }

  /** Sends a POST in the same way. */
  async post(
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    signal: RequestSignal,
  ): Promise<UpstreamResponse> {
    return await this.#request(url, signal, { method: 'POST', headers, body });
  }

  /** Sends a PATCH in the same way. */
  async patch(
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    signal: RequestSignal,
  ): Promise<UpstreamResponse> {
    return await this.#request(url, signal, { method: 'PATCH', headers, body });
  }

  distrust(): void {
    this.#connections.distrust();
  }

  /** Aborts it when this is closed, unless what is returned was called before. */
  track(request: Abortable): () => void {
    this.#inFlight.add(request);
    return () => {
      this.#inFlight.delete(request);
    };
  }

  /** Breaks off what is in flight. Requests after it fail. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const request of this.#inFlight) request.abort(closedError());
    if (this.#areOwn) await this.#connections.close();
  }

  async #request(
    url: URL,
    signal: AbortSignal | RequestSignal,
    rest: Pick<Dispatcher.RequestOptions, 'method' | 'body'> & {
      readonly headers: Readonly<Record<string, string>>;
    },
    what: keyof Agents = 'answers',
  ): Promise<UpstreamResponse> {
    if (this.#isClosed) throw closedError();
    const span = this.#connections.tracing?.upstream(rest.method, url);
    try {
      const path = url.pathname + url.search;
      // A copy of the headers: on the way through an outbound proxy undici adds the host to them, which is another one
      // for the target of a redirect.
      const headers = { ...rest.headers, ...span?.headers };
      const { method, body = null } = rest;
      const request = { origin: url.origin, path, method, body, headers, signal };
      const response = await this.#connections.to(url, what).request(request);
      if (span !== undefined) {
        response.body.once('close', () => {
          const { errored } = response.body;
          span.end(response.statusCode, errored ? toFailure(errored).reason : undefined);
        });
      }
      return response;
    } catch (error) {
      span?.end(undefined, toFailure(error).reason);
      throw error;
    }
  }
}
