// GET, HEAD and POST of config specs, v1 and v2, with the key in the path or in a header.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { negotiateEncoding } from '../../../domain/accept-encoding.js';
import type { PayloadKey } from '../../../domain/payload-key.js';
import { ENCODINGS_BY_SIZE } from '../../../domain/payload.js';
import type { ResourceKind } from '../../../domain/resource-kind.js';
import { SPEC_KINDS } from '../resource-kinds.js';
import type { Asker, Reading } from '../../../core/reader.js';
import { addBodyParser } from '../../../servers/http/body-parser.js';
import { nameBody } from './body-type.js';
import { errorBody, sendError, type ErrorBody } from '../../../servers/http/error-reply.js';
import type { PayloadReply } from './payload-reply.js';
import { refuseLoop } from './proxy-in-front.js';
import type { ProxyPath } from '../proxy-path.js';
import type { BodyRoom } from '../../../servers/http/request-body.js';
import { keyOf, toQuestion, type NamedKeys, type SpecRequest } from './request-key.js';

/** The read path, as far as a route needs it. */
export interface SpecSource {
  read(key: PayloadKey, asker: Asker): Reading | Promise<Reading>;
}

/** Of requests, since the start. */
export interface SpecRequestCounts {
  /** Their `sinceTime` was no number, and counted as left out. */
  sinceTimeIgnored: number;
}

/** The patterns of all routes of specs. */
export const SPEC_URLS = SPEC_KINDS.flatMap((kind) =>
  [kind.path, `${kind.path}/:file`].map((url) => ({ kind, url })),
);

export function addSpecRoutes(
  app: FastifyInstance,
  path: ProxyPath,
  source: SpecSource,
  payloadReply: PayloadReply,
  { bodies, counts }: { readonly bodies: BodyRoom; readonly counts: SpecRequestCounts },
): void {
  function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SpecRequest,
  ): FastifyReply | Promise<FastifyReply> {
    const refused = refuseLoop(path, request, reply);
    if (refused !== undefined) return refused;
    const question = toQuestion(asked);
    if ('code' in question) return sendError(reply, question);
    if (question.isSinceTimeIgnored) counts.sinceTimeIgnored += 1;
    const wishes = {
      sinceTime: question.sinceTime,
      acceptsDelta: question.acceptsDelta,
      checksum: question.checksum,
      acceptEncoding: request.headers['accept-encoding'],
      ifNoneMatch: request.method === 'POST' ? undefined : request.headers['if-none-match'],
      headers: request.headers,
    };
    const reading = source.read(question.key, askerOf(request));
    // No promise on the path of a hit: awaiting one costs a tenth of the answer.
    if (!(reading instanceof Promise)) return payloadReply.send(reply, reading, wishes);
    return reading.then((known) => payloadReply.send(reply, known, wishes));
  }

  // fastify answers HEAD on every GET route, with the same headers.
  for (const { kind, url } of SPEC_URLS) {
    app.get(url, (request, reply) =>
      answer(request, reply, describe(kind, request, member(request.query, 'sinceTime'))),
    );
  }
  app.register(async (scope) => {
    addBodyParser(scope, bodies, readBody);
    for (const { kind, url } of SPEC_URLS) {
      scope.post(url, { onRequest: nameBody }, (request, reply) => {
        // No body at all is a client that holds nothing.
        const body = (request.body ?? NOTHING_HELD) as SpecBody | ErrorBody;
        if ('code' in body) return sendError(reply, body);
        return answer(request, reply, describe(kind, request, body.sinceTime));
      });
    }
  });
}

/** Its members are worked out on a miss only: hits are many. */
function askerOf(request: FastifyRequest): Asker {
  return {
    get ip() {
      return request.ip;
    },
    get wanted() {
      return negotiateEncoding(request.headers['accept-encoding'], ENCODINGS_BY_SIZE);
    },
  };
}

export function describe(kind: ResourceKind, request: FastifyRequest, sinceTime: unknown): SpecRequest {
  return {
    kind,
    ...namedKeys(request),
    queryProto: member(request.query, 'supports_proto'),
    queryDeltas: member(request.query, 'accept_deltas'),
    queryChecksum: member(request.query, 'checksum'),
    headerProto: text(request.headers['statsig-supports-proto']),
    sinceTime,
  };
}

export function namedKeys(request: FastifyRequest): NamedKeys {
  return {
    pathKey: text(member(request.params, 'file')),
    headerKey: text(request.headers['statsig-api-key']),
    queryKey: text(member(request.query, 'k')),
  };
}

/** The SDK key that the request names, valid or not; undefined where it names none. */
export function namedKey(request: FastifyRequest): string | undefined {
  const key = keyOf(namedKeys(request));
  return key === '' ? undefined : key;
}

interface SpecBody {
  readonly sinceTime: unknown;
}

const NOTHING_HELD: SpecBody = { sinceTime: undefined };

function readBody(body: Buffer): SpecBody | ErrorBody {
  if (body.length === 0) return NOTHING_HELD;
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString());
  } catch {
    return errorBody('body_invalid', 'The body is not JSON: send {"sinceTime": <milliseconds>} or nothing.');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return errorBody(
      'body_invalid',
      'The body is not a JSON object: send {"sinceTime": <milliseconds>} or nothing.',
    );
  }
  return { sinceTime: member(parsed, 'sinceTime') };
}

function member(holder: unknown, name: string): unknown {
  if (typeof holder !== 'object' || holder === null) return undefined;
  return Object.hasOwn(holder, name) ? (holder as Record<string, unknown>)[name] : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
