// Asking for health by gRPC, where what answers is no healthy server of ours: every way ends in time, with a reason.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../../src/domain/clock.js';
import { askGrpcHealth } from '../../../src/servers/grpc/health-client.js';
import { within } from '../../e2e/deadline.js';
import { ManualClock } from '../../fakes/manual-clock.js';

async function startServer(
  t: TestContext,
  answer: (stream: ServerHttp2Stream) => void,
): Promise<{ readonly server: Http2Server; readonly origin: string }> {
  const server = createServer().on('stream', (stream) => {
    // What a client makes of the answer is what this is for.
    stream.on('error', () => undefined);
    answer(stream);
  });
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('a server that answers something else is not healthy, and its status is told', async (t) => {
  const strange = await startServer(t, (stream) => {
    stream.respond({ ':status': 404 });
    stream.end('not me');
  });
  await assert.rejects(askGrpcHealth(systemClock, strange.origin), { message: /status missing/ });
  const unimplemented = await startServer(t, (stream) => {
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' },
      { endStream: true },
    );
  });
  await assert.rejects(askGrpcHealth(systemClock, unimplemented.origin), { message: /status 12/ });
});

test('a server that resets the call, or closes the connection, is told as what it did', async (t) => {
  const resetting = await startServer(t, (stream) => {
    stream.close(2);
  });
  await assert.rejects(within(askGrpcHealth(systemClock, resetting.origin), 'end'), /INTERNAL_ERROR|missing/);
  const closing = await startServer(t, (stream) => {
    stream.session?.destroy();
  });
  await assert.rejects(within(askGrpcHealth(systemClock, closing.origin), 'end'));
});

test('a server that says nothing is given up after three seconds', async (t) => {
  const silent = await startServer(t, () => undefined);
  const clock = new ManualClock();
  const asked = once(silent.server, 'stream');
  const asking = askGrpcHealth(clock, silent.origin);
  await within(asked, 'call');
  clock.advance(3_000);
  await assert.rejects(asking, { message: 'no answer within 3000 ms' });
  assert.equal(clock.scheduled, 0);
});
