// GET, HEAD and POST of the manifest of a key's ID lists, with urls that lead to this proxy.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { TLSSocket } from 'node:tls';
import type { HeldPayload } from '../../../core/payload-store.js';
import type { Reading } from '../../../core/reader.js';
import { ID_LISTS, idListsKey } from '../resource-kinds.js';
import type { Bases } from '../id-lists/rewritten-manifests.js';
import { nameBody } from './body-type.js';
import { sendError } from '../../../servers/http/error-reply.js';
import type { PayloadReply } from './payload-reply.js';
import { refuseLoop } from './proxy-in-front.js';
import type { ProxyPath } from '../proxy-path.js';
import { toSdkKey } from './request-key.js';
import { namedKeys, type SpecSource } from './spec-routes.js';

export interface IdListOptions {
  /** How clients reach this proxy, with or without a slash at its end; empty: by the host that a request names. */
  readonly publicUrl: string;
  /** False: urls stay as the origin has them. */
  readonly rewritesUrls: boolean;
}

/** A manifest whose urls begin with one of the bases. */
export type Rewrite = (held: HeldPayload, bases: Bases) => HeldPayload;

/** What may be put into a URL as it is; anything else is not a host. */
const HOST = /^(?=.{1,255}$)(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/;

export function addIdListRoutes(
  app: FastifyInstance,
  proxies: ProxyPath,
  source: SpecSource,
  rewrite: Rewrite,
  payloadReply: PayloadReply,
  options: IdListOptions,
): void {
  const publicUrl = options.publicUrl.replace(/\/+$/, '');

  function respond(
    request: FastifyRequest,
    reply: FastifyReply,
    reading: Reading,
  ): FastifyReply | Promise<FastifyReply> {
    const wishes = {
      sinceTime: 0,
      acceptsDelta: false,
      checksum: undefined,
      acceptEncoding: request.headers['accept-encoding'],
      ifNoneMatch: request.method === 'POST' ? undefined : request.headers['if-none-match'],
      headers: request.headers,
    };
    if (reading.kind !== 'held' || !options.rewritesUrls) return payloadReply.send(reply, reading, wishes);
    const bases = publicUrl === '' ? basesOf(request) : { wanted: publicUrl, spare: publicUrl };
    const held = rewrite(reading.held, bases);
    return payloadReply.send(reply, { kind: 'held', held }, wishes);
  }

  /** What a POST says in its body is of the SDK, not of the answer: it is not read. */
  function answer(request: FastifyRequest, reply: FastifyReply): FastifyReply | Promise<FastifyReply> {
    const refused = refuseLoop(proxies, request, reply);
    if (refused !== undefined) return refused;
    const sdkKey = toSdkKey(namedKeys(request), path);
    if (typeof sdkKey !== 'string') return sendError(reply, sdkKey);
    const reading = source.read(idListsKey(sdkKey), request);
    if (!(reading instanceof Promise)) return respond(request, reply, reading);
    return reading.then((known) => respond(request, reply, known));
  }

  const { path } = ID_LISTS;
  for (const url of [path, `${path}/:file`]) {
    app.get(url, answer);
    app.post(url, { onRequest: nameBody }, answer);
  }
}

/** The host that the request names; else, where that could not stand in a url, the address it came to. */
function basesOf({ headers, socket }: FastifyRequest): Bases {
  const scheme = (socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http';
  const { localAddress = '127.0.0.1', localPort = 0 } = socket;
  const spare = `${scheme}://${toUrlHost(localAddress)}:${localPort}`;
  const { host } = headers;
  return { wanted: host !== undefined && HOST.test(host) ? `${scheme}://${host}` : spare, spare };
}

/** A socket for both kinds of addresses has IPv4 ones as `::ffff:10.0.0.1`, which only such a socket could reach. */
function toUrlHost(address: string): string {
  const ipv4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (ipv4 !== undefined) return ipv4;
  return address.includes(':') ? `[${address}]` : address;
}
