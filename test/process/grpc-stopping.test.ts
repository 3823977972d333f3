// Signals that end a daemon with open streams: watchers are told, streams end spread over time, and it is gone within 10 s.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { status } from '@grpc/grpc-js';
import { atBest, eventually, within } from '../e2e/deadline.js';
import { GrpcClient, type SpecReply, type StreamRecord } from '../fakes/grpc-client.js';
import { RawClient } from '../fakes/grpc-raw-client.js';
import { SDK_KEY } from '../fakes/proxy.js';
import { runProgram, startProgram, type Environment, type Program } from './daemon.js';
import { NO_ORIGIN, startOrigin } from './origin.js';

const STOP_MS_MAX = 10_000;
const TOLD_MS_MAX = 2_000;
/** Streams that end over time do so for longer. */
const AT_ONCE_MS_MAX = 2_500;
/** About 17 MB: more than the network holds for a client that does not read. */
const FILLER_GATES = 40_000;
const MODES = ['grpc-and-http', 'grpc'] as const;
const STREAMS = 20;
type Mode = (typeof MODES)[number];

interface GrpcDaemon {
  readonly program: Program;
  readonly address: string;
  /** A client on a connection of its own, closed when the test is over. */
  readonly client: () => GrpcClient;
}

function grpcArgs(mode: Mode, origin: string, grpcPort = '0'): readonly string[] {
  const http = mode === 'grpc' ? [] : ['--http-port', '0'];
  const ports = ['--grpc-port', grpcPort, ...http, '--admin-port', '0'];
  return [mode, 'disabled', '--host', '127.0.0.1', ...ports, '--statsig-endpoint', origin];
}

async function startGrpcDaemon(
  t: TestContext,
  mode: Mode,
  origin: string,
  env: Environment = {},
): Promise<GrpcDaemon> {
  const program = startProgram(t, grpcArgs(mode, origin), { env });
  const address = `127.0.0.1:${String((await program.line('listening'))['grpcPort'])}`;
  await program.line('started up: ready for traffic');
  return {
    program,
    address,
    client: () => {
      const client = new GrpcClient(address);
      t.after(() => {
        client.close();
      });
      return client;
    },
  };
}

async function openStreams({ client }: GrpcDaemon, count: number): Promise<StreamRecord<SpecReply>[]> {
  const clients = Array.from({ length: Math.min(count, 4) }, client);
  const streams = Array.from({ length: count }, (_none, index) => {
    const version = 1 + (index % 2);
    return clients[index % clients.length]?.stream({ sdkKey: SDK_KEY, version });
  }).filter((stream) => stream !== undefined);
  for (const stream of streams) await stream.received(1);
  return streams;
}

async function assertEnds(program: Program): Promise<void> {
  const { code, stderr } = await within(program.ended, 'end of the daemon', STOP_MS_MAX);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  assert.equal(program.logs.withMessage('stopped').length, 1);
}

for (const mode of MODES) {
  describe(`on SIGTERM a daemon of mode ${mode}`, { concurrency: true }, () => {
    it('ends twenty streams with UNAVAILABLE, one after the other, and tells who watches at once', async (t) => {
      const origin = await startOrigin(t);
      const crowd = await atBest(STREAMS / 2, async () => {
        const daemon = await startGrpcDaemon(t, mode, origin.url);
        const streams = await openStreams(daemon, STREAMS);
        const watch = daemon.client().watch();
        await watch.received(1);
        const startMs = performance.now();
        daemon.program.signal('SIGTERM');
        await watch.received(2);
        const toldMs = performance.now() - startMs;
        assert.deepEqual(
          watch.messages.map((message) => message.status),
          ['SERVING', 'NOT_SERVING'],
        );
        assert.ok(streams.some(({ hasEnded }) => !hasEnded));
        const endings = await Promise.all(streams.map((stream) => stream.end(STOP_MS_MAX)));
        for (const { code, details } of endings) {
          assert.equal(code, status.UNAVAILABLE);
          assert.match(details, /shutting down/);
        }
        assert.equal((await watch.end()).code, status.UNAVAILABLE);
        await assertEnds(daemon.program);
        return toldMs < TOLD_MS_MAX ? mostInHalfASecond(endings.map(({ atMs }) => atMs)) : STREAMS;
      });
      assert.ok(crowd <= STREAMS / 2, `${crowd} of ${STREAMS} ended within half a second`);
    });

    it('takes no new streams, neither over a new connection nor over an open one', async (t) => {
      const origin = await startOrigin(t);
      const daemon = await startGrpcDaemon(t, mode, origin.url);
      const open = daemon.client();
      // The last of many has the longest time.
      const streams = Array.from({ length: STREAMS }, () => open.stream({ sdkKey: SDK_KEY }));
      for (const stream of streams) await stream.received(1);
      const watch = open.watch();
      await watch.received(1);
      daemon.program.signal('SIGTERM');
      await watch.received(2);
      await Promise.race(streams.map((stream) => stream.end()));
      for (const client of [open, daemon.client()]) {
        const refused = client.stream({ sdkKey: SDK_KEY });
        assert.equal((await refused.end()).code, status.UNAVAILABLE);
        assert.equal(refused.messages.length, 0);
        assert.equal(await client.check(), status.UNAVAILABLE);
      }
      assert.ok(
        streams.some(({ hasEnded }) => !hasEnded),
        'it was over before the test',
      );
      await assertEnds(daemon.program);
    });

    it('ends a single stream at once, and itself', async (t) => {
      const origin = await startOrigin(t);
      const tookMs = await atBest(AT_ONCE_MS_MAX, async () => {
        const daemon = await startGrpcDaemon(t, mode, origin.url);
        const [stream] = await openStreams(daemon, 1);
        const startMs = performance.now();
        daemon.program.signal('SIGTERM');
        assert.equal((await stream?.end())?.code, status.UNAVAILABLE);
        assert.equal((await within(daemon.program.ended, 'end')).code, 0);
        return performance.now() - startMs;
      });
      assert.ok(tookMs <= AT_ONCE_MS_MAX, `${tookMs} ms`);
    });

    it('ends within 10 s though a client reads nothing of a large spec', async (t) => {
      const origin = await startOrigin(t);
      origin.encoding = 'identity';
      origin.project = { ...origin.project, fillerGates: FILLER_GATES };
      const daemon = await startGrpcDaemon(t, mode, origin.url);
      const raw = new RawClient(daemon.address);
      t.after(() => raw.close());
      const stuck = raw.stream({ sdkKey: SDK_KEY, version: 2 });
      await stuck.readSome(1);
      const [reading] = await openStreams(daemon, 1);
      daemon.program.signal('SIGTERM');
      const ended = assertEnds(daemon.program);
      assert.equal((await reading?.end(STOP_MS_MAX))?.code, status.UNAVAILABLE);
      await ended;
      assert.deepEqual(stuck.versions, []);
    });

    it('ends within 10 s though a connection is open that nobody reads at all', async (t) => {
      const { program, address } = await startGrpcDaemon(t, mode, NO_ORIGIN);
      const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
      t.after(() => socket.destroy());
      await once(socket, 'connect');
      // Without a listener for data, not even the end of the connection is seen.
      socket.pause();
      program.signal('SIGTERM');
      await assertEnds(program);
    });

    it('ends with status 0 though a stream waits for an origin that never answers', async (t) => {
      const origin = await startOrigin(t);
      origin.hold();
      const daemon = await startGrpcDaemon(t, mode, origin.url);
      const client = daemon.client();
      const stream = client.stream({ sdkKey: SDK_KEY });
      const unary = client.getConfigSpec({ sdkKey: SDK_KEY });
      await within(origin.arrived(1), 'request at the origin');
      await within(stream.metadata, 'headers of the stream');
      daemon.program.signal('SIGTERM');
      const ended = assertEnds(daemon.program);
      assert.equal((await stream.end(STOP_MS_MAX)).code, status.UNAVAILABLE);
      assert.equal((await unary).code, status.UNAVAILABLE);
      await ended;
    });
  });
}

describe('a daemon with streams', { concurrency: true }, () => {
  it('is not healthy during the shutdown delay, and opens streams all the same', async (t) => {
    const origin = await startOrigin(t);
    const env = { SFP_SHUTDOWN_DELAY_IN_S: '600' };
    const daemon = await startGrpcDaemon(t, 'grpc-and-http', origin.url, env);
    const before = await openStreams(daemon, 1);
    const watch = daemon.client().watch();
    await watch.received(1);
    daemon.program.signal('SIGTERM');
    assert.equal((await watch.received(2)).status, 'NOT_SERVING');
    const since = await openStreams(daemon, 1);
    const unary = await daemon.client().getConfigSpec({ sdkKey: SDK_KEY, version: 1 });
    assert.equal(unary.code, status.OK);
    const ended = assertEnds(daemon.program);
    daemon.program.signal('SIGTERM');
    for (const stream of [...before, ...since]) {
      assert.equal((await stream.end(STOP_MS_MAX)).code, status.UNAVAILABLE);
    }
    await ended;
  });

  it('ends at once on a second signal', async (t) => {
    const origin = await startOrigin(t);
    const tookMs = await atBest(AT_ONCE_MS_MAX, async () => {
      const daemon = await startGrpcDaemon(t, 'grpc-and-http', origin.url);
      const streams = await openStreams(daemon, 20);
      daemon.program.signal('SIGTERM');
      await daemon.program.line('stopping');
      const startMs = performance.now();
      daemon.program.signal('SIGINT');
      assert.equal((await within(daemon.program.ended, 'end')).code, 130);
      const ms = performance.now() - startMs;
      assert.deepEqual(daemon.program.logs.withMessage('stopped'), []);
      // Cut off: what a client makes of that is its own affair, but it must not take it for a good end.
      for (const stream of streams) assert.notEqual((await stream.end()).code, status.OK);
      return ms;
    });
    assert.ok(tookMs <= AT_ONCE_MS_MAX, `${tookMs} ms`);
  });

  for (const mode of MODES) {
    it(`of mode ${mode} that finds the gRPC port taken says so and exits with 1`, async (t) => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      t.after(() => server.close());
      const port = String((server.address() as AddressInfo).port);
      const { code, stdout } = await runProgram(t, grpcArgs(mode, NO_ORIGIN, port));
      assert.equal(code, 1);
      const line = stdout.split('\n').find((text) => text.includes('cannot start'));
      assert.match(line ?? stdout, new RegExp(`EADDRINUSE|${port}`));
    });
  }

  it('can be started again on its port right after it has ended', async (t) => {
    const origin = await startOrigin(t);
    const daemon = await startGrpcDaemon(t, 'grpc', origin.url);
    const client = daemon.client();
    const stream = client.stream({ sdkKey: SDK_KEY });
    await stream.received(1);
    daemon.program.signal('SIGTERM');
    await assertEnds(daemon.program);
    const again = startProgram(t, grpcArgs('grpc', origin.url, daemon.address.split(':')[1]));
    await again.line('started up: ready for traffic');
    let next = client.stream({ sdkKey: SDK_KEY });
    await eventually('stream from the new daemon', () => {
      if (next.hasEnded) next = client.stream({ sdkKey: SDK_KEY });
      return next.messages.length > 0;
    });
  });
});

function mostInHalfASecond(endsMs: readonly number[]): number {
  const counts = endsMs.map((startMs) => endsMs.filter((atMs) => atMs >= startMs && atMs < startMs + 500));
  return Math.max(...counts.map(({ length }) => length));
}
