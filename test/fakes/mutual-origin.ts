// Statsig behind mutual TLS: specs, a manifest, a file of an ID list and log events, for clients of one authority only.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import type { Issued } from './test-authority.js';

export interface MutualRequest {
  readonly kind: 'specs' | 'manifest' | 'file' | 'events';
  readonly httpVersion: string;
  /** The common name in the certificate that the client showed. */
  readonly client: string;
}

export interface MutualOrigin {
  readonly url: string;
  readonly requests: readonly MutualRequest[];
  /** Handshakes since the start. */
  readonly handshakes: number;
}

const SPEC = '{"has_updates":true,"time":1750000000000}';
export const LIST_FILE = '+11111111\n+22222222\n';

export async function startMutualOrigin(
  t: TestContext,
  offers: 'h2' | 'http/1.1',
  { cert, key }: Issued,
  clientCa: string,
): Promise<MutualOrigin> {
  const requests: MutualRequest[] = [];
  let handshakes = 0;
  const answer = (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ): void => {
    const { url = '', httpVersion } = request;
    const kind = kindOf(url);
    const client = String((request.socket as TLSSocket).getPeerCertificate().subject.CN);
    requests.push({ kind, httpVersion, client });
    request.resume().once('end', () => {
      response.statusCode = kind === 'events' ? 202 : 200;
      response.setHeader('content-type', kind === 'file' ? 'text/plain' : 'application/json');
      response.end(bodyOf(kind, origin.url));
    });
  };
  const tls = { cert, key, ca: clientCa, requestCert: true, rejectUnauthorized: true };
  const server = offers === 'h2' ? createSecureServer(tls, answer) : createServer(tls, answer);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('secureConnection', () => (handshakes += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const origin: MutualOrigin = {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    requests,
    get handshakes() {
      return handshakes;
    },
  };
  return origin;
}

function kindOf(url: string): MutualRequest['kind'] {
  if (url.includes('/get_id_lists')) return 'manifest';
  if (url.includes('/log_event')) return 'events';
  return url === '/file' ? 'file' : 'specs';
}

function bodyOf(kind: MutualRequest['kind'], url: string): string {
  switch (kind) {
    case 'specs':
      return SPEC;
    case 'file':
      return LIST_FILE;
    case 'events':
      return '{"success":true}';
    case 'manifest': {
      const entry = { name: 'a_list', size: LIST_FILE.length, url: `${url}/file`, creationTime: 1 };
      return JSON.stringify({ a_list: { ...entry, fileID: 'f1' } });
    }
  }
}
