// One of the two that are compared: asked over connections of its own, its answer taken apart into what is compared.
import { createHash } from 'node:crypto';
import { takeInBody, type BodyLimits } from '../bodies/body-intake.js';
import { BodyFault, type BodyReader } from '../domain/body-reader.js';
import type { Clock } from '../domain/clock.js';
import type { PayloadFormat } from '../domain/resource-kind.js';
import { answerInTime } from '../http-client/answer-in-time.js';
import { discard, onceMore } from '../http-client/exchange.js';
import { getFollowingRedirects } from '../http-client/upstream-get.js';
import {
  UpstreamPool,
  type UpstreamPoolOptions,
  type UpstreamResponse,
} from '../http-client/upstream-pool.js';
import { one } from '../http-client/answer-status.js';
import { judgeHead, type BodyPlan } from '../protocols/statsig/origin/upstream-response.js';
import { ID_LISTS } from '../protocols/statsig/resource-kinds.js';
import { readManifest, type ListedFile } from '../protocols/statsig/spec-body/id-list-manifest.js';
import { ManifestReader } from '../protocols/statsig/spec-body/manifest-reader.js';
import { createSpecReader } from '../protocols/statsig/spec-body/spec-reader.js';
import { toQuestion, type Form } from './forms.js';
import type { RequestSignal } from '../http-client/request-signal.js';

/** What an SDK may go by; empty where a header is not there. */
export interface AnswerHeaders {
  /** Without parameters. */
  readonly contentType: string;
  readonly contentEncoding: string;
  readonly sinceTime: string;
  readonly deltasUsed: string;
  readonly cacheHit: string;
}

export type Body =
  | {
      readonly kind: 'spec';
      readonly format: PayloadFormat;
      readonly version: number | undefined;
      /** SHA-256 of the body without compression. */
      readonly hash: string;
      readonly bytes: number;
    }
  | { readonly kind: 'no_updates' }
  | { readonly kind: 'manifest'; readonly lists: readonly ListedFile[] }
  /** Of another status than 200, or one that no SDK could read: why. */
  | { readonly kind: 'none'; readonly why: string };

export interface Answer {
  readonly kind: 'answered';
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: Body;
}

export type Asked = (Answer | { readonly kind: 'failed'; readonly reason: string }) & {
  /** Up to the last byte. */
  readonly tookMs: number;
};

export interface SideOptions extends UpstreamPoolOptions {
  readonly url: URL;
  readonly version: string;
  readonly requestTimeoutMs: number;
  readonly bodyLimits: BodyLimits;
}

const NOTHING = Buffer.from('{}');

export class Side {
  readonly #clock: Clock;
  readonly #options: SideOptions;
  readonly #pool: UpstreamPool;
  readonly #base: string;

  constructor(clock: Clock, options: SideOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#pool = new UpstreamPool(clock, options);
    this.#base = options.url.href.replace(/\/+$/, '');
  }

  /** Never rejects. */
  async ask(form: Form, sdkKey: string, sinceTime: number): Promise<Asked> {
    const { requestTimeoutMs } = this.#options;
    const startMs = this.#clock.monotonicMs();
    const answer = await answerInTime(
      this.#clock,
      this.#pool,
      requestTimeoutMs,
      (signal): Promise<Answer | { readonly kind: 'failed'; readonly reason: string }> =>
        this.#exchange(form, sdkKey, sinceTime, signal),
    );
    return { ...answer, tookMs: this.#clock.monotonicMs() - startMs };
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #exchange(
    form: Form,
    sdkKey: string,
    sinceTime: number,
    signal: RequestSignal,
  ): Promise<Answer | { readonly kind: 'failed'; readonly reason: string }> {
    const { method, path, headers } = toQuestion(form, sdkKey, sinceTime);
    const url = new URL(this.#base + path);
    const all = { ...headers, 'user-agent': `spec-forward-proxy-shadow/${this.#options.version}` };
    if (method === 'POST') {
      const response = await onceMore(() => this.#pool.post(url, all, NOTHING, signal));
      return await this.#takeApart(form, sdkKey, response);
    }
    const answer = await getFollowingRedirects(this.#pool, url, all, signal);
    return 'kind' in answer ? answer : await this.#takeApart(form, sdkKey, answer.response);
  }

  async #takeApart(form: Form, sdkKey: string, response: UpstreamResponse): Promise<Answer> {
    const { statusCode: status, headers } = response;
    const answer = { kind: 'answered', status, headers: headersOf(headers) } as const;
    const plan = judgeHead({ sdkKey, ...form }, status, headers, this.#clock.nowMs());
    if (plan.kind !== 'read-body') {
      await discard(response);
      const why = plan.kind === 'failed' && status === 200 ? plan.reason : `status_${status}`;
      return { ...answer, body: { kind: 'none', why } };
    }
    try {
      return { ...answer, body: await this.#readBody(form, plan, response) };
    } catch (error) {
      // It came whole, and no SDK could read it.
      if (error instanceof BodyFault) return { ...answer, body: { kind: 'none', why: error.reason } };
      throw error;
    }
  }

  async #readBody(form: Form, { format, encoding }: BodyPlan, { body }: UpstreamResponse): Promise<Body> {
    const { bodyLimits } = this.#options;
    if (form.kind === ID_LISTS) {
      const reader = new ManifestReader();
      await takeInBody(body, encoding, reader, bodyLimits);
      return { kind: 'manifest', lists: readManifest(reader.bytes) };
    }
    const reader = hashing(createSpecReader(format, bodyLimits.decodedBytesMax));
    const { facts: read, identityBytes } = await takeInBody(body, encoding, reader, bodyLimits);
    if (read.facts.hasUpdates === false) return { kind: 'no_updates' };
    return { kind: 'spec', format, version: read.facts.time, hash: read.hash, bytes: identityBytes };
  }
}

/** The same reader, which also hashes what it reads. */
function hashing<Facts>(
  reader: BodyReader<Facts>,
): BodyReader<{ readonly facts: Facts; readonly hash: string }> {
  const hash = createHash('sha256');
  return {
    isText: reader.isText,
    push: (bytes) => {
      hash.update(bytes);
      reader.push(bytes);
    },
    end: () => ({ facts: reader.end(), hash: hash.digest('hex') }),
  };
}

function headersOf(headers: UpstreamResponse['headers']): AnswerHeaders {
  const of = (name: string): string => one(headers[name]).trim().toLowerCase();
  return {
    contentType: of('content-type').replace(/\s*;.*$/, ''),
    contentEncoding: of('content-encoding'),
    sinceTime: of('x-since-time'),
    deltasUsed: of('x-deltas-used'),
    cacheHit: of('x-cache-hit'),
  };
}
