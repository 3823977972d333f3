// An answer of the HTTP server as the fields of its event: each is looked up when a sink asks for it, and nothing is made before.
import { clientText, CLIENT_TEXT_CHARACTERS_MAX, UNKNOWN } from '../../domain/client-text.js';
import { ownCopy } from '../../domain/own-copy.js';
import type { ProxyEventFields } from '../../observability/event-fields.js';

/** Texts of a header that are remembered with what they come to; clients send a few. Beyond them the table starts anew. */
const REMEMBERED_MAX = 200;
/** Codings as SFP names them, in its order; what else a client offers is `unknown`. */
const CODINGS = ['statsig-br', 'gzip', 'br'] as const;

/** A request and its answer, as far as events speak of them. */
export interface Exchange {
  readonly isProbe: boolean;
  /** The route without the place of the key in it; undefined where no route was found. */
  readonly path: string | undefined;
  readonly method: string;
  readonly status: number;
  readonly latencyMs: number;
  /** That the request names, valid or not. */
  readonly sdkKey: string | undefined;
  /** Of the request, by its name in lower case. */
  header(name: (typeof CLIENT_HEADERS)[number]): unknown;
  /** Of the answer. */
  answerHeader(name: string): unknown;
}

/** The headers of requests that events speak of. */
export const CLIENT_HEADERS = [
  'accept-encoding',
  'statsig-sdk-type',
  'statsig-sdk-version',
  'x-request-service',
] as const;

/** One for all answers of a server, each in its turn. */
export class AnsweredRequest implements ProxyEventFields {
  readonly #codings = new Map<string, string>();
  /** Texts of clients that are shown as they came, unless one holds the SDK key of its request. */
  readonly #plain = new Map<string, string>();
  #versionText = '';
  #version = 0;
  #exchange!: Exchange;

  of(exchange: Exchange): this {
    this.#exchange = exchange;
    return this;
  }

  get path(): string | undefined {
    return this.#exchange.path;
  }

  /** Probes are none of the requests that are measured. */
  get route(): string | undefined {
    return this.#exchange.isProbe ? undefined : (this.path ?? 'none');
  }

  get method(): string {
    return this.#exchange.method;
  }

  get status(): number {
    return this.#exchange.status;
  }

  get bytes(): number {
    return Number(this.#exchange.answerHeader('content-length') ?? 0);
  }

  get latencyMs(): number {
    return this.#exchange.latencyMs;
  }

  get sdkKey(): string | undefined {
    return this.#exchange.isProbe ? undefined : this.#exchange.sdkKey;
  }

  get lcut(): number {
    const text = this.#exchange.answerHeader('x-since-time');
    if (typeof text !== 'string') return 0;
    if (text !== this.#versionText) {
      this.#versionText = text;
      this.#version = Number(text);
    }
    return this.#version;
  }

  get acceptEncoding(): string {
    const offered = text(this.#exchange.header('accept-encoding'));
    const known = this.#codings.get(offered);
    if (known !== undefined) return known;
    const codings = toCodings(offered.slice(0, CLIENT_TEXT_CHARACTERS_MAX));
    remember(this.#codings, offered, codings);
    return codings;
  }

  get contentEncoding(): string {
    return text(this.#exchange.answerHeader('content-encoding')) || 'none';
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
  get responsePayload(): 'full' | 'no_update' | 'delta' | undefined {
    if (this.status >= 300 || this.#exchange.answerHeader('x-since-time') === undefined) return undefined;
    if (this.#exchange.answerHeader('etag') === undefined) return 'no_update';
    return this.#exchange.answerHeader('x-deltas-used') === undefined ? 'full' : 'delta';
  }

  #header(name: (typeof CLIENT_HEADERS)[number]): string {
    const { sdkKey } = this;
    const value = this.#exchange.header(name);
    const known = typeof value === 'string' ? this.#plain.get(value) : undefined;
    if (known !== undefined && (sdkKey === undefined || !known.includes(sdkKey))) return known;
    const shown = clientText(value, sdkKey);
    if (shown === value) remember(this.#plain, shown, shown);
    return shown;
  }
}

/** Texts that come again and again are few and short. */
function remember(table: Map<string, string>, sent: string, shown: string): void {
  if (sent.length > CLIENT_TEXT_CHARACTERS_MAX) return;
  if (table.size >= REMEMBERED_MAX) table.clear();
  const own = ownCopy(sent);
  table.set(own, sent === shown ? own : shown);
}

function toCodings(offered: string): string {
  if (offered === '') return 'none';
  const tokens = offered.split(',').map((token) => token.split(';')[0]?.trim().toLowerCase() ?? '');
  const known: string[] = CODINGS.filter((coding) => tokens.includes(coding));
  const isWhole = tokens.every((token) => token === 'identity' || known.includes(token));
  return [...known, ...(isWhole ? [] : [UNKNOWN])].join('+') || 'none';
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
