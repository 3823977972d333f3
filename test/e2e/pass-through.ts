// Stands between an SDK and the proxy, hands everything on as it is, and remembers what was asked and answered.
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface Exchange {
  /** As the SDK asked. */
  readonly url: string;
  readonly status: number;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** Undefined where the answer was no delta. */
  readonly deltasUsed: string | undefined;
  readonly deltaFallback: string | undefined;
}

export interface PassThrough {
  readonly url: string;
  readonly exchanges: readonly Exchange[];
}

export interface PassThroughOptions {
  /** Takes away what asks for protobuf, as if the SDK were one from before it. */
  readonly hidesProtobuf?: boolean;
}

/** `targets`: asked in turn, request by request; or who is asked now. */
export async function startPassThrough(
  t: TestContext,
  targets: string | readonly string[] | (() => string),
  { hidesProtobuf = false }: PassThroughOptions = {},
): Promise<PassThrough> {
  const exchanges: Exchange[] = [];
  const all = typeof targets === 'function' ? [] : [targets].flat();
  let turn = 0;
  const server = createServer((incoming, response) => {
    const target = typeof targets === 'function' ? targets() : (all[turn % all.length] ?? '');
    turn += 1;
    const onward = request(toTarget(incoming, target, hidesProtobuf), {
      method: incoming.method,
      headers: toHeaders(incoming, hidesProtobuf),
      agent: false,
    });
    onward.on('response', (answer) => {
      exchanges.push({
        url: incoming.url ?? '',
        status: answer.statusCode ?? 0,
        contentType: answer.headers['content-type'],
        contentEncoding: answer.headers['content-encoding'],
        deltasUsed: one(answer.headers['x-deltas-used']),
        deltaFallback: one(answer.headers['x-statsig-delta-fallback-reason']),
      });
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('close', () => {
        if (!answer.complete) response.destroy();
      });
      answer.pipe(response);
    });
    endTogether(incoming, onward, response);
    incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, exchanges };
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

function toTarget(incoming: IncomingMessage, target: string, hidesProtobuf: boolean): URL {
  const url = new URL(incoming.url ?? '', target);
  if (hidesProtobuf) url.searchParams.delete('supports_proto');
  return url;
}

function toHeaders(incoming: IncomingMessage, hidesProtobuf: boolean): IncomingMessage['headers'] {
  const headers = { ...incoming.headers };
  if (hidesProtobuf) delete headers['statsig-supports-proto'];
  return headers;
}

function endTogether(
  incoming: IncomingMessage,
  onward: ReturnType<typeof request>,
  response: ServerResponse,
): void {
  onward.on('error', () => response.destroy());
  incoming.on('error', () => onward.destroy());
  response.on('close', () => onward.destroy());
}
