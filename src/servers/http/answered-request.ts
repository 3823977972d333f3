// An answer of the HTTP server as the fields of its event: each is looked up when a sink asks for it, and nothing is made before.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isValidSdkKey, maskSdkKeysIn } from '../../domain/sdk-key.js';
import type { ProxyEventFields } from '../../observability/event-fields.js';
import { isProbe } from './probe-routes.js';

/** Longer ones are cut: they come from clients. */
const CLIENT_TEXT_CHARACTERS_MAX = 64;
/** Texts of a header that are remembered with what they come to; clients send a few. */
const REMEMBERED_MAX = 200;
/** Codings as SFP names them, in its order; what else a client offers is `unknown`. */
const CODINGS = ['statsig-br', 'gzip', 'br'] as const;
const UNKNOWN = 'unknown';
const LIKE_A_KEY = /(?:secret|client|server)-/;

export type NamedKey = (request: FastifyRequest) => string | undefined;

/** One for all answers of a server, each in its turn. */
export class AnsweredRequest implements ProxyEventFields {
  readonly #namedKey: NamedKey;
  /** A route's pattern without the place of the key in it. */
  readonly #paths = new Map<string, string>();
  readonly #codings = new Map<string, string>();
  readonly #maskedTexts = new Map<string, string>();
  #request!: FastifyRequest;
  #reply!: FastifyReply;
  #knowsKey = false;
  #sdkKey: string | undefined;

  constructor(namedKey: NamedKey) {
    this.#namedKey = namedKey;
  }

  of(request: FastifyRequest, reply: FastifyReply): this {
    this.#request = request;
    this.#reply = reply;
    this.#knowsKey = false;
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
    if (!this.#knowsKey) {
      this.#sdkKey = isProbe(this.#request.url) ? undefined : this.#namedKey(this.#request);
      this.#knowsKey = true;
    }
    return this.#sdkKey;
  }

  get lcut(): number {
    return Number(this.#reply.getHeader('x-since-time') ?? 0);
  }

  get acceptEncoding(): string {
    const offered = this.#request.headers['accept-encoding'] ?? '';
    const known = this.#codings.get(offered);
    if (known !== undefined) return known;
    const codings = toCodings(offered.slice(0, CLIENT_TEXT_CHARACTERS_MAX));
    const isShort = offered.length <= CLIENT_TEXT_CHARACTERS_MAX;
    if (isShort && this.#codings.size < REMEMBERED_MAX) this.#codings.set(offered, codings);
    return codings;
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
    const value = this.#request.headers[name];
    if (typeof value !== 'string' || value === '') return UNKNOWN;
    const text = value.slice(0, CLIENT_TEXT_CHARACTERS_MAX);
    const own = this.sdkKey;
    // Whatever a client writes there, a key is not shown.
    if (own !== undefined && own !== '' && text.includes(own)) {
      return maskSdkKeysIn(text, isValidSdkKey(own) ? own : undefined);
    }
    return LIKE_A_KEY.test(text) ? this.#masked(text) : text;
  }

  /** The pattern for that takes longer than all the rest, and names of server SDKs look like the begin of a key. */
  #masked(text: string): string {
    const known = this.#maskedTexts.get(text);
    if (known !== undefined) return known;
    const masked = maskSdkKeysIn(text);
    if (this.#maskedTexts.size < REMEMBERED_MAX) this.#maskedTexts.set(text, masked);
    return masked;
  }
}

function toCodings(offered: string): string {
  if (offered === '') return 'none';
  const tokens = offered.split(',').map((token) => token.split(';')[0]?.trim().toLowerCase() ?? '');
  const known: string[] = CODINGS.filter((coding) => tokens.includes(coding));
  const isWhole = tokens.every((token) => token === 'identity' || known.includes(token));
  return [...known, ...(isWhole ? [] : [UNKNOWN])].join('+') || 'none';
}
