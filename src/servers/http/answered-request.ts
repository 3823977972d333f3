// An answer of the HTTP server as the fields of its event: each is looked up when a sink asks for it, and nothing is made before.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { clientText, CLIENT_TEXT_CHARACTERS_MAX, UNKNOWN } from '../../domain/client-text.js';
import type { ProxyEventFields } from '../../observability/event-fields.js';
import { isProbe } from './probe-routes.js';

/** Codings as SFP names them, in its order; what else a client offers is `unknown`. */
const CODINGS = ['statsig-br', 'gzip', 'br'] as const;

export type NamedKey = (request: FastifyRequest) => string | undefined;

/** One for all answers of a server, each in its turn. */
export class AnsweredRequest implements ProxyEventFields {
  readonly #namedKey: NamedKey;
  /** A route's pattern without the place of the key in it. */
  readonly #paths = new Map<string, string>();
  #request!: FastifyRequest;
  #reply!: FastifyReply;

  constructor(namedKey: NamedKey) {
    this.#namedKey = namedKey;
  }

  of(request: FastifyRequest, reply: FastifyReply): this {
    this.#request = request;
    this.#reply = reply;
    return this;
  }

  get path(): string | undefined {
    const { url } = this.#request.routeOptions;
    if (url === undefined) return undefined;
    let path = this.#paths.get(url);
    if (path === undefined) {
      path = url.replace(/\/(?::\w+|\*)$/, '');
      this.#paths.set(url, path);
    }
    return path;
  }

  /** Probes are none of the requests that are measured. */
  get route(): string | undefined {
    return isProbe(this.#request.url) ? undefined : (this.path ?? 'none');
  }

  get method(): string {
    return this.#request.method;
  }

  get status(): number {
    return this.#reply.statusCode;
  }

  get bytes(): number {
    return Number(this.#reply.getHeader('content-length') ?? 0);
  }

  get latencyMs(): number {
    return this.#reply.elapsedTime;
  }

  get sdkKey(): string | undefined {
    return isProbe(this.#request.url) ? undefined : this.#namedKey(this.#request);
  }

  get lcut(): number {
    return Number(this.#reply.getHeader('x-since-time') ?? 0);
  }

  get acceptEncoding(): string {
    const offered = (this.#request.headers['accept-encoding'] ?? '').slice(0, CLIENT_TEXT_CHARACTERS_MAX);
    if (offered === '') return 'none';
    const tokens = offered.split(',').map((token) => token.split(';')[0]?.trim().toLowerCase() ?? '');
    const known: string[] = CODINGS.filter((coding) => tokens.includes(coding));
    const isWhole = tokens.every((token) => token === 'identity' || known.includes(token));
    return [...known, ...(isWhole ? [] : [UNKNOWN])].join('+') || 'none';
  }

  get contentEncoding(): string {
    return String(this.#reply.getHeader('content-encoding') ?? 'none');
  }

  get sdkType(): string {
    return this.#header('statsig-sdk-type');
  }

  get sdkVersion(): string {
    return this.#header('statsig-sdk-version');
  }

  get clientService(): string {
    return this.#header('x-request-service');
  }

  /** Of an answer about a payload: those say which version they speak of. */
  get responsePayload(): 'full' | 'no_update' | undefined {
    if (this.status >= 300 || this.#reply.getHeader('x-since-time') === undefined) return undefined;
    return this.#reply.getHeader('etag') === undefined ? 'no_update' : 'full';
  }

  #header(name: string): string {
    return clientText(this.#request.headers[name], this.sdkKey);
  }
}
