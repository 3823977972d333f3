// A reading turned into status, headers and bytes. Nothing here parses, compresses or hashes: all that is done already.
import type { FastifyReply } from 'fastify';
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../../../domain/clock.js';
import { matchesEtag } from '../../../domain/etag.js';
import type { BodyForm, FormEncoding } from '../../../domain/payload.js';
import type { PayloadFormat } from '../../../domain/resource-kind.js';
import type { Reading } from '../../../core/reader.js';
import type { HeldPayload } from '../../../core/payload-store.js';
import { SESSION_HEADER, type ClientCensus } from '../clients/client-census.js';
import type { DeltaAnswer, DeltaStore } from '../deltas/delta-store.js';
import { NO_UPDATES } from '../no-updates.js';
import { errorBody, sendError } from '../../../servers/http/error-reply.js';
import { sendReadingError } from '../../../servers/http/reading-reply.js';
import {
  chooseAnswer,
  formHeaders,
  NO_UPDATES_HEADERS,
  versionHeaders,
  wholeHeaders,
  type AnswerWishes,
  type Choice,
} from './payload-answer.js';

export interface ReplyWishes extends AnswerWishes {
  /** The client could make do with the changes since the version that it holds. */
  readonly acceptsDelta: boolean;
  /** Of the version that it holds. */
  readonly checksum: string | undefined;
  /** Undefined on POST, where it has no meaning. */
  readonly ifNoneMatch: string | undefined;
  /** The client, from the whole request. */
  readonly headers: IncomingHttpHeaders;
}

/** Where deltas come from. */
export type DeltaSource = Pick<DeltaStore, 'answer'>;

export class PayloadReply {
  readonly #clock: Clock;
  readonly #deltas: DeltaSource;
  readonly #census: Pick<ClientCensus, 'polled'>;

  constructor(clock: Clock, deltas: DeltaSource, census: Pick<ClientCensus, 'polled'>) {
    this.#clock = clock;
    this.#deltas = deltas;
    this.#census = census;
  }

  /** Answers in the same turn, unless a form of the body has to be made first. */
  send(reply: FastifyReply, reading: Reading, wishes: ReplyWishes): FastifyReply | Promise<FastifyReply> {
    return reading.kind === 'held'
      ? this.#sendHeld(reply, reading.held, wishes)
      : sendReadingError(reply, reading);
  }

  #sendHeld(
    reply: FastifyReply,
    held: HeldPayload,
    wishes: ReplyWishes,
  ): FastifyReply | Promise<FastifyReply> {
    reply.headers(versionHeaders(held, this.#clock.monotonicMs()));
    const choice = chooseAnswer(held, wishes, this.#clock.nowMs());
    const isUpdate = choice !== 'no_updates' && choice !== 'not_acceptable';
    const {
      [SESSION_HEADER]: session,
      'statsig-sdk-type': type,
      'statsig-sdk-version': version,
    } = wishes.headers;
    this.#census.polled(held, wishes.sinceTime, isUpdate, session, type, version);
    if (choice === 'no_updates') {
      // As a string, Node writes it together with the headers: one system call instead of a gathered one.
      // With a serializer of its own, fastify adds no charset to the content type of a string.
      return reply.headers(NO_UPDATES_HEADERS).serializer(String).send(NO_UPDATES);
    }
    reply.headers(wholeHeaders(held));
    if (!wishes.acceptsDelta) return sendWhole(reply, held, wishes, choice);
    const answer = this.#deltas.answer(held, wishes.sinceTime, wishes.checksum);
    if (!(answer instanceof Promise)) return sendDelta(reply, held, wishes, choice, answer);
    return answer.then((made) => sendDelta(reply, held, wishes, choice, made));
  }
}

type WholeChoice = Exclude<Choice, 'no_updates'>;

function sendDelta(
  reply: FastifyReply,
  held: HeldPayload,
  wishes: ReplyWishes,
  choice: WholeChoice,
  answer: DeltaAnswer,
): FastifyReply | Promise<FastifyReply> {
  if (typeof answer !== 'string') {
    reply.header('x-deltas-used', 'true');
    return sendForm(reply, answer, 'protobuf', wishes.ifNoneMatch);
  }
  reply.header('x-statsig-delta-fallback-reason', answer);
  reply.header('x-statsig-delta-fallback-source', 'local_compute');
  return sendWhole(reply, held, wishes, choice);
}

function sendWhole(
  reply: FastifyReply,
  held: HeldPayload,
  wishes: ReplyWishes,
  choice: WholeChoice,
): FastifyReply | Promise<FastifyReply> {
  if (choice === 'not_acceptable') {
    return sendError(reply, errorBody('not_acceptable', 'Accept-Encoding excludes identity, gzip and br.'));
  }
  const { format } = held.payload;
  const form = held.forms.held(choice);
  if (form !== undefined) return sendForm(reply, form, format, wishes.ifNoneMatch);
  return held.forms.make(choice).then((made) => sendForm(reply, made, format, wishes.ifNoneMatch));
}

function sendForm(
  reply: FastifyReply,
  form: BodyForm<FormEncoding>,
  format: PayloadFormat,
  ifNoneMatch: string | undefined,
): FastifyReply {
  if (ifNoneMatch !== undefined && matchesEtag(ifNoneMatch, form.etag))
    return reply.header('etag', form.etag).code(304).send();
  return reply.headers(formHeaders(form, format)).send(form.bytes);
}
