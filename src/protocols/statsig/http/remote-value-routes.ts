// GET and HEAD of a remote value by its hash: the proved bytes, which never change, in the encoding the client likes best.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { negotiateEncoding } from '../../../domain/accept-encoding.js';
import { matchesEtag } from '../../../domain/etag.js';
import type { HeldPayload } from '../../../core/payload-store.js';
import type { Asker, Reading } from '../../../core/reader.js';
import { errorBody, sendError } from '../../../servers/http/error-reply.js';
import { NO_SUCH_VALUE } from '../origin/remote-value-client.js';
import type { ProxyPath } from '../proxy-path.js';
import { REMOTE_VALUE } from '../remote-values/value-kind.js';
import { refuseLoop } from './proxy-in-front.js';
import { isValueName } from '../spec-body/value-names.js';

export interface RemoteValueSource {
  /** `sha256`: the name of a value. */
  read(sha256: string, asker: Asker): Reading | Promise<Reading>;
  /** A form of a value was made. */
  grew(): void;
}

const FOR_EVER = 'public, max-age=31536000, immutable';

export function addRemoteValueRoutes(app: FastifyInstance, path: ProxyPath, source: RemoteValueSource): void {
  function answer(request: FastifyRequest, reply: FastifyReply): FastifyReply | Promise<FastifyReply> {
    const refused = refuseLoop(path, request, reply);
    if (refused !== undefined) return refused;
    const { sha256 } = request.params as { readonly sha256: string };
    // As it was sent: an escape is not a digit.
    const isName = isValueName(sha256) && request.url.split('?', 1)[0]?.endsWith(`/${sha256}`) === true;
    if (!isName)
      return refuse(reply, 'not_found', 'A value is named by its SHA-256: 64 hex digits in lower case.');
    const reading = source.read(sha256, request);
    if (!(reading instanceof Promise)) return respond(source, sha256, request, reply, reading);
    return reading.then((known) => respond(source, sha256, request, reply, known));
  }

  // fastify answers HEAD on every GET route, with the same headers.
  app.get(`${REMOTE_VALUE.path}/:sha256`, answer);
}

function respond(
  source: RemoteValueSource,
  sha256: string,
  request: FastifyRequest,
  reply: FastifyReply,
  reading: Reading,
): FastifyReply | Promise<FastifyReply> {
  if (reading.kind === 'held') return send(source, `"${sha256}"`, request, reply, reading.held);
  const { detail, cause, retryAfterMs } =
    reading.kind === 'unavailable' ? reading : { detail: '', cause: undefined, retryAfterMs: 0 };
  if (NO_SUCH_VALUE.includes(detail))
    return refuse(reply, 'not_found', 'The origin has no value of this name.');
  const retryAfterS = Math.max(1, Math.ceil(retryAfterMs / 1000));
  return cause === 'origin_failing' || cause === undefined
    ? refuse(
        reply,
        'origin_failing',
        'The origin fails and the value was never fetched: try again.',
        retryAfterS,
      )
    : refuse(reply, 'too_many_cold_fetches', 'Too many values are being fetched: try again.', retryAfterS);
}

function send(
  source: RemoteValueSource,
  etag: string,
  { headers }: FastifyRequest,
  reply: FastifyReply,
  { forms }: HeldPayload,
): FastifyReply | Promise<FastifyReply> {
  const encoding = negotiateEncoding(headers['accept-encoding'], forms.byEase);
  if (encoding === undefined)
    return refuse(reply, 'not_acceptable', 'Accept-Encoding excludes identity, gzip and br.');
  reply.header('vary', 'accept-encoding').header('cache-control', FOR_EVER).header('etag', etag);
  const { 'if-none-match': ifNoneMatch } = headers;
  if (ifNoneMatch !== undefined && matchesEtag(ifNoneMatch, etag)) return reply.code(304).send();
  reply.header('content-type', 'application/json');
  if (encoding !== 'identity') reply.header('content-encoding', encoding);
  const form = forms.held(encoding);
  if (form !== undefined) return reply.send(form.bytes);
  return forms.make(encoding).then((made) => {
    source.grew();
    return reply.send(made.bytes);
  });
}

/** No cache on the way may keep what will be there in a moment. */
function refuse(
  reply: FastifyReply,
  reason: Parameters<typeof errorBody>[0],
  message: string,
  retryAfterS?: number,
): FastifyReply {
  reply.header('cache-control', 'no-store');
  return sendError(reply, errorBody(reason, message), retryAfterS);
}
