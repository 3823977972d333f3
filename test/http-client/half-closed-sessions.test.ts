// An HTTP/2 peer that ends its side of the connection while ours cannot be ended yet: what is in flight fails, and a request may be given up at any moment.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createH2Server } from 'node:http2';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { systemClock } from '../../src/domain/clock.js';
import { H2Exchange } from '../../src/http-client/outbound/h2-exchange.js';
import { H2Session } from '../../src/http-client/outbound/h2-session.js';
import { within } from '../e2e/deadline.js';

const TURNS_MAX = 6;

interface InFlight {
  readonly session: H2Session;
  /** The peer's end of the connection. */
  readonly peer: Socket;
  /** Ours: its own end is never through, as where the peer reads nothing more. */
  readonly socket: Socket;
  readonly abort: () => void;
  readonly failed: Promise<Error>;
}

async function requestInFlight(t: TestContext): Promise<InFlight> {
  const h2 = createH2Server();
  const accepted: Socket[] = [];
  const server = createServer((peer) => {
    accepted.push(peer);
    peer.on('error', () => undefined);
    h2.emit('connection', peer);
  });
  t.after(() => {
    for (const peer of accepted) peer.destroy();
    server.close();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  t.after(() => socket.destroy());
  socket._final = () => undefined;
  const origin = new URL(`http://127.0.0.1:${port}`);
  const { signal } = new AbortController();
  const session = await H2Session.open(systemClock, origin, socket, 60_000, () => undefined, signal);
  const arrived = once(h2, 'stream');
  let abort: () => void = () => undefined;
  const failed = new Promise<Error>((resolve) => {
    const handler = {
      onConnect: (ours: () => void) => {
        abort = ours;
      },
      onHeaders: () => true,
      onData: () => true,
      onComplete: () => undefined,
      onError: resolve,
    };
    const limits = { headersTimeoutMs: 60_000, bodyIdleTimeoutMs: 60_000 };
    const options = { path: '/', method: 'GET', headers: {}, origin: origin.origin } as const;
    session.send(new H2Exchange(systemClock, options, handler, limits, () => undefined));
  });
  await arrived;
  const [peer] = accepted;
  assert.ok(peer !== undefined);
  return { session, peer, socket, abort, failed };
}

test('a peer that ended its side is gone: what is in flight fails, and the session closes', async (t) => {
  const { session, peer, failed } = await requestInFlight(t);
  peer.end();
  await within(failed, 'failure of the request', 5_000);
  await within(session.closed, 'end of the session', 5_000);
  assert.ok(!session.isUsable);
});

for (let turns = 0; turns <= TURNS_MAX; turns += 1) {
  test(`a request that is given up ${turns} turns after its peer ended its side ends nothing but itself`, async (t) => {
    const { session, peer, socket, abort, failed } = await requestInFlight(t);
    const ended = once(socket, 'end');
    peer.end();
    await ended;
    for (let count = 0; count < turns; count += 1) await turn();
    abort();
    await within(failed, 'failure of the request', 5_000);
    session.destroy();
    await within(session.closed, 'end of the session', 5_000);
  });
}
