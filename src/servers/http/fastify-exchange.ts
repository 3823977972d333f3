// A request that fastify answered, as events speak of it.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Exchange } from './answered-request.js';
import { timeToStream } from './event-stream.js';
import { isProbe } from './probe-routes.js';

export type NamedKey = (request: FastifyRequest) => string | undefined;

/** One for all answers of a server, each in its turn. */
export class FastifyExchange implements Exchange {
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

  get isProbe(): boolean {
    return isProbe(this.#request.url);
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

  get method(): string {
    return this.#request.method;
  }

  get status(): number {
    return this.#reply.statusCode;
  }

  get latencyMs(): number {
    return timeToStream(this.#reply) ?? this.#reply.elapsedTime;
  }

  get sdkKey(): string | undefined {
    return this.#namedKey(this.#request);
  }

  header(name: string): unknown {
    return this.#request.headers[name];
  }

  answerHeader(name: string): unknown {
    return this.#reply.getHeader(name);
  }
}
