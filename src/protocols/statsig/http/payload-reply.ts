// A reading turned into status, headers and bytes. Nothing here parses, compresses or hashes: all that is done already.
import type { FastifyReply } from 'fastify';
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../../../domain/clock.js';
import { negotiateEncoding } from '../../../domain/accept-encoding.js';
import { matchesEtag } from '../../../domain/etag.js';
import type { BodyForm, Encoding } from '../../../domain/payload.js';
import { hasNewsFor } from '../../../domain/version.js';
import type { Reading } from '../../../core/reader.js';
import type { HeldPayload } from '../../../core/payload-store.js';
import type { ClientCensus } from '../clients/client-census.js';
import { NO_UPDATES } from '../no-updates.js';
import { explainReading } from '../reading-text.js';
import { errorBody, sendError } from '../../../servers/http/error-reply.js';

/** Everything that chooses between answers: the key may come by header. */
const VARY = 'accept-encoding, statsig-supports-proto, statsig-api-key';

export interface ReplyWishes {
  /** 0 for a client that holds nothing. */
  readonly sinceTime: number;
  readonly acceptEncoding: string | undefined;
  /** The client could make do with the changes since the version that it holds. */
  readonly acceptsDelta: boolean;
  /** Undefined on POST, where it has no meaning. */
  readonly ifNoneMatch: string | undefined;
  /** Of the whole request: who asks. */
  readonly headers: IncomingHttpHeaders;
}

export class PayloadReply {
  readonly #clock: Clock;
  readonly #census: Pick<ClientCensus, 'polled'>;

  constructor(clock: Clock, census: Pick<ClientCensus, 'polled'>) {
    this.#clock = clock;
    this.#census = census;
  }

  /** Answers in the same turn, unless a form of the body has to be made first. */
  send(reply: FastifyReply, reading: Reading, wishes: ReplyWishes): FastifyReply | Promise<FastifyReply> {
    switch (reading.kind) {
      case 'held':
        return this.#sendHeld(reply, reading.held, wishes);
      case 'refused':
        return sendError(reply, errorBody('key_refused', explainReading(reading)));
      case 'unavailable': {
        const origin = reading.detail === '' ? undefined : reading.detail;
        const retryAfterS = Math.max(1, Math.ceil(reading.retryAfterMs / 1000));
        return sendError(reply, errorBody(reading.cause, explainReading(reading), origin), retryAfterS);
      }
    }
  }

  #sendHeld(
    reply: FastifyReply,
    held: HeldPayload,
    wishes: ReplyWishes,
  ): FastifyReply | Promise<FastifyReply> {
    const { version, format, checksum } = held.payload;
    reply.header('vary', VARY);
    // SFP sends 0 for ID lists: their version is not a time that a client could name.
    reply.header('x-since-time', held.key.kind.versions === 'stated' ? String(version) : '0');
    reply.header('age', String(Math.floor((this.#clock.monotonicMs() - held.confirmedAtMs) / 1000)));
    const isNews = hasNewsFor(version, wishes.sinceTime, this.#clock.nowMs());
    this.#census.polled(wishes.headers, held, wishes.sinceTime, isNews);
    if (!isNews) {
      // As a string, Node writes it together with the headers: one system call instead of a gathered one.
      // With a serializer of its own, fastify adds no charset to the content type of a string.
      reply.header('content-type', 'application/json').header('x-cache-hit', 'true');
      return reply.serializer(String).send(NO_UPDATES);
    }
    if (checksum !== undefined) reply.header('x-checksum', checksum);
    if (wishes.acceptsDelta) {
      reply.header('x-statsig-delta-fallback-reason', 'deltas_disabled');
      reply.header('x-statsig-delta-fallback-source', 'no_store');
    }
    const encoding: Encoding | undefined =
      format === 'protobuf' ? 'br' : negotiateEncoding(wishes.acceptEncoding, held.forms.byEase);
    if (encoding === undefined) {
      return sendError(reply, errorBody('not_acceptable', 'Accept-Encoding excludes identity, gzip and br.'));
    }
    const form = held.forms.held(encoding);
    const isProtobuf = format === 'protobuf';
    if (form !== undefined) return sendForm(reply, form, isProtobuf, wishes.ifNoneMatch);
    return held.forms.make(encoding).then((made) => sendForm(reply, made, isProtobuf, wishes.ifNoneMatch));
  }
}

function sendForm(
  reply: FastifyReply,
  form: BodyForm,
  isProtobuf: boolean,
  ifNoneMatch: string | undefined,
): FastifyReply {
  reply.header('etag', form.etag);
  if (ifNoneMatch !== undefined && matchesEtag(ifNoneMatch, form.etag)) return reply.code(304).send();
  reply.header('content-type', isProtobuf ? 'application/octet-stream' : 'application/json');
  // SDKs read protobuf only under this pair of headers.
  if (isProtobuf) reply.header('content-encoding', 'statsig-br');
  else if (form.encoding !== 'identity') reply.header('content-encoding', form.encoding);
  return reply.send(form.bytes);
}
