// POST of log events: the bytes as they came go to the store, and its word becomes the answer.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isValidSdkKey, SDK_KEY_RULE } from '../../../domain/sdk-key.js';
import type { Acceptance } from '../log-events/log-event-store.js';
import { NOT_PINNED } from '../../../servers/reading-text.js';
import type { ReceivedBatch } from '../log-events/received-batch.js';
import { nameBody } from './body-type.js';
import { errorBody, sendError, type ErrorBody } from '../../../servers/http/error-reply.js';
import type { BodyRoom, ReceivedBody } from '../../../servers/http/request-body.js';
import { refuseLoop } from './proxy-in-front.js';
import type { ProxyPath } from '../proxy-path.js';
import { namedKey } from './spec-routes.js';

/** The store, as far as a route needs it. */
export interface LogEventSink {
  accept(batch: ReceivedBatch): Promise<Acceptance>;
}

/** Two names of one thing: the second is what elixir, erlang, php and client SDKs call it. */
export const LOG_EVENT_PATHS: readonly string[] = ['/v1/log_event', '/v1/rgstr'];
/** A 2xx without JSON makes core SDKs send the batch again. */
const ACCEPTED = Buffer.from('{"success":true}');
/** Of the SDK's headers these go on, and every `statsig-…` one but the key. */
const PASSED_ON: readonly string[] = ['content-type', 'content-encoding', 'user-agent'];
const KEY_HEADER = 'statsig-api-key';
const RETRY_SOON_S = 1;
const RETRY_WHEN_FULL_S = 5;

export function addLogEventRoutes(
  app: FastifyInstance,
  path: ProxyPath,
  { sink, admits }: { readonly sink: LogEventSink; readonly admits: (sdkKey: string) => boolean },
  bodies: BodyRoom,
  bodyBytesMax: number,
): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // Left unread: the route does that, within limits of its own.
    scope.addContentTypeParser('*', (_request, _payload, done) => {
      done(null);
    });
    for (const url of LOG_EVENT_PATHS) {
      // The SDK's own name of the type goes on, read from the raw headers.
      scope.post(url, { onRequest: nameBody }, (request, reply) => {
        const receive: Receive = (use) => bodies.receive(request.raw, bodyBytesMax, use);
        return refuseLoop(path, request, reply) ?? answer(request, reply, { sink, admits }, receive);
      });
    }
  });
}

type Outcome = Acceptance | Exclude<ReceivedBody, { readonly kind: 'received' }>;
type Receive = (use: (received: ReceivedBody) => Promise<Outcome>) => Promise<Outcome>;

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  { sink, admits }: { readonly sink: LogEventSink; readonly admits: (sdkKey: string) => boolean },
  receive: Receive,
): Promise<FastifyReply> {
  const { searchParams } = new URL(request.url, 'http://proxy');
  // A copy, as it may be cut out of the URL: that may be long.
  const sdkKey = Buffer.from(namedKey(request) ?? '').toString();
  const fault = faultOf(sdkKey);
  if (fault !== undefined) return sendError(reply, fault);
  // Before the body is read.
  if (!admits(sdkKey)) return sendError(reply, errorBody('key_not_pinned', NOT_PINNED));
  const outcome = await receive(async (received) => {
    if (received.kind !== 'received') return received;
    const headers = passedOn(request.raw.rawHeaders);
    const coding = codingOf(headers, searchParams);
    return await sink.accept({ sdkKey, headers, query: queryOf(searchParams), coding, body: received.body });
  });
  if (outcome.kind === 'accepted') {
    return reply.code(202).header('content-type', 'application/json').send(ACCEPTED);
  }
  const [body, retryAfterS] = refusalOf(outcome);
  return sendError(reply, body, retryAfterS);
}

type Refusal = Exclude<Outcome, { readonly kind: 'accepted' }>;

/** The error, and after how many seconds to try again; undefined where that would be in vain. */
function refusalOf(refusal: Refusal): [ErrorBody, number | undefined] {
  switch (refusal.kind) {
    case 'invalid':
      return [errorBody('body_invalid', refusal.message), undefined];
    case 'broken-off':
      return [errorBody('body_invalid', 'The body broke off.'), undefined];
    // Not 413, upon which core SDKs drop what they sent.
    case 'too-large':
      return [errorBody('log_events_too_large', TOO_LARGE), RETRY_WHEN_FULL_S];
    case 'no-room':
      return [
        errorBody('too_many_log_events', 'Too many log events arrive at one time: try again.'),
        RETRY_SOON_S,
      ];
    case 'full':
      return [
        errorBody('log_events_queue_full', 'Too many log events wait for Statsig: try again.'),
        RETRY_WHEN_FULL_S,
      ];
    case 'not-kept':
      return [
        errorBody('log_events_not_written', 'The log events could not be written: try again.'),
        RETRY_WHEN_FULL_S,
      ];
    case 'stopping':
      return [errorBody('stopping', 'This replica is shutting down: try again, at another.'), RETRY_SOON_S];
  }
}

const TOO_LARGE = 'The body is larger than is accepted, as it travels or decompressed: send smaller batches.';

function faultOf(sdkKey: string): ErrorBody | undefined {
  if (sdkKey === '') {
    return errorBody('sdk_key_missing', 'No SDK key: put it into the statsig-api-key header.');
  }
  if (!isValidSdkKey(sdkKey)) return errorBody('sdk_key_invalid', `An SDK key has ${SDK_KEY_RULE}`);
  return undefined;
}

/** The names in lower case; of one sent twice, the last. `raw`: names and values by turns. */
function passedOn(raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] as string).toLowerCase();
    const isPassedOn = PASSED_ON.includes(name) || (name.startsWith('statsig-') && name !== KEY_HEADER);
    if (isPassedOn) headers[name] = raw[at + 1] as string;
  }
  return headers;
}

/** Browsers' SDKs cannot name an encoding by a header, and do it in the query; `se` is a scrambling of theirs. */
function codingOf(headers: Readonly<Record<string, string>>, query: URLSearchParams): string {
  const named = (headers['content-encoding'] ?? '').trim().toLowerCase();
  if (named !== '') return named;
  if (query.get('se') === '1') return 'statsig-encoded';
  return query.get('gz') === '1' ? 'gzip' : '';
}

/** What a client SDK says there goes on, but for its key, which goes by header. */
function queryOf(query: URLSearchParams): string {
  query.delete('k');
  return query.size === 0 ? '' : `?${query.toString()}`;
}
