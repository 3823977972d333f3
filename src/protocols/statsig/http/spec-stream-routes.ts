// GET of config specs as server-sent events: the current spec, then each newer one, or only that there is one.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authority } from '../../../auth/authority.js';
import { keyScope } from '../../../auth/scopes.js';
import type { Clock } from '../../../domain/clock.js';
import type { PayloadKey } from '../../../domain/payload-key.js';
import type { ResourceKind } from '../../../domain/resource-kind.js';
import type { ProxyEventName } from '../../../observability/catalogue.js';
import { streamFields } from '../../../observability/event-fields.js';
import type { Logger } from '../../../observability/logger.js';
import type { ProxyEvents } from '../../../observability/proxy-events.js';
import { errorBody, sendError, type ErrorBody } from '../../../servers/http/error-reply.js';
import { EventStream } from '../../../servers/http/event-stream.js';
import { sendRefusal } from '../../../servers/http/token-refusal.js';
import type { ClientStreamOptions } from '../../../streams/client-stream.js';
import { StreamOpener, type StreamSource } from '../../../streams/open-stream.js';
import type { StreamRegistry } from '../../../streams/stream-registry.js';
import type { ClientCensus, ListeningClient } from '../clients/client-census.js';
import type { ProxyPath } from '../proxy-path.js';
import { explainReading } from '../../../servers/reading-text.js';
import { SPEC_V1, SPEC_V2 } from '../resource-kinds.js';
import { refuseLoop } from './proxy-in-front.js';
import { sendReadingError } from '../../../servers/http/reading-reply.js';
import { readSinceTime, toSdkKey } from './request-key.js';
import { createSpecEvents, endFrame, type SentMessage } from './spec-events.js';
import { namedKeys } from './spec-routes.js';
import { STREAM_ENDINGS } from '../stream-endings.js';

export interface SpecStreamRooms {
  readonly source: StreamSource;
  readonly registry: StreamRegistry;
  readonly census: ClientCensus;
  readonly events: ProxyEvents;
  readonly path: ProxyPath;
  /** Undefined where no tokens are set: then the SDK key is enough. */
  readonly authority: Authority | undefined;
}

const PATH = '/v1/stream/download_config_specs';
export const SPEC_STREAM_URLS = [PATH, `${PATH}/:file`] as const;

const KINDS: ReadonlyMap<unknown, ResourceKind> = new Map([
  [undefined, SPEC_V1],
  ['1', SPEC_V1],
  ['2', SPEC_V2],
]);
const RETRY_AFTER_S = 5;
const TOKEN_ENDED = 'The access token has come to its end: connect again with a new one.';

const SENT = {
  first: 'EventStreamOpened',
  update: 'EventStreamUpdateSent',
  heartbeat: 'EventStreamHeartbeatSent',
} as const satisfies Record<SentMessage, ProxyEventName>;

interface StreamQuestion {
  readonly key: PayloadKey;
  /** 0 for a client that holds nothing. */
  readonly sinceTime: number;
  readonly isNotice: boolean;
}

/** Adds them; `options` are those of every stream of specs. */
export function addSpecStreamRoutes(
  app: FastifyInstance,
  clock: Clock,
  log: Logger,
  rooms: SpecStreamRooms,
  options: ClientStreamOptions,
): void {
  const streams = new SpecStreams(clock, log, rooms, options);
  for (const url of SPEC_STREAM_URLS) {
    app.get(url, { exposeHeadRoute: false }, (request, reply) => streams.answer(request, reply));
  }
}

class SpecStreams {
  readonly #rooms: SpecStreamRooms;
  readonly #opener: StreamOpener;

  constructor(clock: Clock, log: Logger, rooms: SpecStreamRooms, options: ClientStreamOptions) {
    this.#rooms = rooms;
    this.#opener = new StreamOpener(clock, log, rooms.source, rooms.registry, options);
  }

  async answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { path, registry, authority } = this.#rooms;
    const loop = refuseLoop(path, request, reply);
    if (loop !== undefined) return loop;
    const question = toStreamQuestion(request);
    if ('code' in question) return sendError(reply, question);
    if (registry.isDraining)
      return sendError(reply, errorBody('stopping', STREAM_ENDINGS.draining), RETRY_AFTER_S);
    if (authority === undefined) return await this.#open(request, reply, question, undefined);
    const { authorization } = request.headers;
    const needs = keyScope(question.key.sdkKey);
    const admitted = await authority.admit({ authorization, address: request.ip }, needs);
    if (admitted.kind === 'refused') return sendRefusal(reply, admitted, needs);
    return await this.#open(request, reply, question, (ended) =>
      authority.whileGranted(admitted.access, ended),
    );
  }

  /** `watchToken`: calls back once its token has come to its end; returns what ends the watch. */
  async #open(
    request: FastifyRequest,
    reply: FastifyReply,
    question: StreamQuestion,
    watchToken: ((ended: () => void) => () => void) | undefined,
  ): Promise<FastifyReply> {
    const { key, sinceTime, isNotice } = question;
    const { census, registry } = this.#rooms;
    const stream = new EventStream(reply);
    let listening: ListeningClient | undefined;
    const sink = createSpecEvents(stream, {
      isNotice,
      sent: (what, version) => {
        this.#record(SENT[what], key);
        if (version !== undefined) listening?.took(version);
      },
    });
    const onLeave: (() => void)[] = [];
    const over = new AbortController();
    const isTokenOver = (): boolean => over.signal.aborted;
    const forget = watchToken?.(() => {
      over.abort();
      for (const leave of onLeave) leave();
      if (stream.hasBegun) stream.end(endFrame('token_expired', TOKEN_ENDED));
    });
    if (forget !== undefined) stream.onGone(forget);
    if (isTokenOver()) return sendError(reply, errorBody('token_expired', TOKEN_ENDED));
    const opening = await this.#opener.open(question, sink, {
      ip: request.ip,
      onGone: (listener) => {
        onLeave.push(listener);
        stream.onGone(listener);
      },
      opened: () => {
        stream.begin();
        listening = census.listens(key, sinceTime, request.headers['user-agent']);
      },
      closed: (why) => {
        listening?.left();
        const gone = isTokenOver() ? 'token_expired' : 'client_gone';
        this.#record('EventStreamClosed', key, why ?? gone);
      },
    });
    switch (opening.kind) {
      case 'opened':
        return reply;
      case 'gone':
        if (stream.hasBegun || !isTokenOver()) return reply.hijack();
        return sendError(reply, errorBody('token_expired', TOKEN_ENDED));
      case 'not-held':
        this.#record('EventStreamRefused', key, opening.reading.kind);
        if (!stream.hasBegun) return sendReadingError(reply, opening.reading);
        stream.end(endFrame(opening.reading.kind, explainReading(opening.reading)));
        return reply;
      case 'no-place': {
        this.#record('EventStreamRefused', key, 'limit_reached');
        const message = `All ${registry.streamsMax} places for streams are taken: raise --event-streams-max.`;
        if (!stream.hasBegun) return sendError(reply, errorBody('too_many_streams', message), RETRY_AFTER_S);
        stream.end(endFrame('too_many_streams', message));
        return reply;
      }
    }
  }

  #record(name: ProxyEventName, key: PayloadKey, reason?: string): void {
    this.#rooms.events.record(name, streamFields(key, reason));
  }
}

function toStreamQuestion(request: FastifyRequest): StreamQuestion | ErrorBody {
  const query = request.query as Readonly<Record<string, unknown>>;
  const kind = KINDS.get(query['v']);
  if (kind === undefined) {
    return errorBody('request_invalid', 'v is neither 1 nor 2: send 1 for legacy SDKs, 2 for core SDKs.');
  }
  const sdkKey = toSdkKey(namedKeys(request), PATH);
  if (typeof sdkKey !== 'string') return sdkKey;
  // A client that connects again names what it saw last; its URL still has what it held at first.
  const lastSeen = request.headers['last-event-id'];
  const sinceTime = readSinceTime(lastSeen === undefined || lastSeen === '' ? query['sinceTime'] : lastSeen);
  const isNotice = query['notify'] === '1' || query['notify'] === 'true';
  // Of a body in protobuf, only that there is one can be told in text.
  const format = isNotice && query['supports_proto'] === 'true' ? 'protobuf' : 'json';
  return { key: { sdkKey, kind, format }, sinceTime: sinceTime ?? 0, isNotice };
}
