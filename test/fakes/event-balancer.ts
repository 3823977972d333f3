// A balancer in front of several replicas: hands each request to one of them, and remembers which log events were answered with 202.
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { eventsOf } from './event-origin.js';

/** A replica that does not answer within this is left: a paused one takes connections all the same. */
const REPLICA_MS_MAX = 3_000;

export interface AcceptedEvent {
  readonly sdkKey: string;
  readonly name: string;
}

export interface EventBalancer {
  readonly url: string;
  /** Every event of a batch that a client was answered 202 for, in the order of these answers. */
  readonly accepted: readonly AcceptedEvent[];
  /** Where requests go, in turn. */
  targets: readonly string[];
}

export async function startEventBalancer(t: TestContext): Promise<EventBalancer> {
  const accepted: AcceptedEvent[] = [];
  let turn = 0;
  const server = createServer((incoming, response) => {
    const pieces: Buffer[] = [];
    incoming.on('data', (piece: Buffer) => pieces.push(piece));
    incoming.on('end', () => {
      const { targets } = balancer;
      const target = targets[(turn += 1) % targets.length];
      if (target === undefined) response.writeHead(503).end();
      else passOn(target, incoming, Buffer.concat(pieces), response, accepted);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const balancer: EventBalancer = { url: `http://127.0.0.1:${port}`, accepted, targets: [] };
  return balancer;
}

function passOn(
  target: string,
  { method, url = '', headers }: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
  accepted: AcceptedEvent[],
): void {
  const outgoing = request(target + url, { method, headers: { ...headers, host: 'balanced' } });
  outgoing.setTimeout(REPLICA_MS_MAX, () => outgoing.destroy(new Error('no answer')));
  outgoing.on('error', () => {
    if (!response.headersSent) response.writeHead(503).end();
    else response.destroy();
  });
  outgoing.on('response', (answer) => {
    if (answer.statusCode === 202 && url.includes('log_event')) {
      const sdkKey = String(headers['statsig-api-key']);
      for (const { eventName } of eventsOf({ headers, body })) accepted.push({ sdkKey, name: eventName });
    }
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.end(body);
}
