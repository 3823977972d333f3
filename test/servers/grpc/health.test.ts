// grpc.health.v1: whether this process says that it should get streams, asked once, watched, and by the subcommand.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { status } from '@grpc/grpc-js';
import { eventually, within } from '../../e2e/deadline.js';
import type { HealthReply, StreamRecord } from '../../fakes/grpc-client.js';
import { CHECK_PATH } from '../../../src/servers/grpc/health-client.js';
import { RawClient } from '../../fakes/grpc-raw-client.js';
import { FrameClient, framedMessage } from '../../fakes/http2-frames.js';
import { SDK_KEY } from '../../fakes/proxy.js';
import { runProgram, startProgram, type Program } from '../../process/daemon.js';
import { startOrigin } from '../../process/origin.js';
import { startScene } from './grpc-scene.js';

const PINNED = { env: { SFP_SDK_KEYS: SDK_KEY } };

function told(watch: StreamRecord<HealthReply>): string[] {
  return watch.messages.map(({ status: now }) => now);
}

describe('the gRPC health service', () => {
  it('says SERVING where nothing is pinned, to Check and to Watch', async (t) => {
    const scene = await startScene(t);
    await within(scene.proxy.app.startedUp, 'end of the start');
    assert.equal(await scene.client().check(), 'SERVING');
    assert.equal((await scene.client().watch().received(1)).status, 'SERVING');
  });

  it('says NOT_SERVING until every pinned key was tried, and tells who watches', async (t) => {
    const scene = await startScene(t, PINNED);
    const release = scene.origin.hold();
    const client = scene.client();
    // The first may have gone to the origin before it was held.
    if ((await client.check()) === 'SERVING') throw new Error('it was ready before the origin answered');
    const watch = client.watch();
    await watch.received(1);
    release();
    await within(scene.proxy.app.startedUp, 'end of the start');
    await watch.received(2);
    assert.equal(await client.check(), 'SERVING');
    assert.deepEqual(told(watch), ['NOT_SERVING', 'SERVING']);
  });

  it('says NOT_SERVING while more than the threshold of streams is open, and tells who watches', async (t) => {
    const threshold = '--grpc-ready-endpoint-percentage-of-total-streams-threshold';
    const scene = await startScene(t, { args: ['-g', '4', threshold, '50'] });
    await within(scene.proxy.app.startedUp, 'end of the start');
    const client = scene.client();
    const watch = client.watch();
    await watch.received(1);
    const streams = [1, 2].map(() => client.stream({ sdkKey: SDK_KEY }));
    for (const stream of streams) await stream.received(1);
    assert.equal(await client.check(), 'SERVING');
    const third = client.stream({ sdkKey: SDK_KEY });
    await third.received(1);
    assert.equal(await client.check(), 'NOT_SERVING');
    third.cancel();
    await scene.streams(2);
    assert.equal(await client.check(), 'SERVING');
    await watch.received(3);
    assert.deepEqual(told(watch), ['SERVING', 'NOT_SERVING', 'SERVING']);
  });

  it('answers though strangers hold as many calls as there may be, by checks whose answers they never read', async (t) => {
    const scene = await startScene(t, { args: ['-g', '10'] });
    await within(scene.proxy.app.startedUp, 'end of the start');
    const strangers = Array.from({ length: 15 }, () => new RawClient(scene.proxy.grpcAddress, 0));
    t.after(() => Promise.all(strangers.map((stranger) => stranger.close())));
    for (const stranger of strangers) {
      for (let count = 0; count < 100; count += 1) stranger.send(CHECK_PATH, framedMessage(Buffer.alloc(0)));
    }
    await eventually('calls in every place', async () => {
      const { entries, entriesMax } = (await scene.status()).tables['grpcCalls'] ?? {};
      return entries === entriesMax;
    });
    assert.equal(await scene.client().check(), 'SERVING');
    const { code } = await scene.client().getConfigSpec({ sdkKey: SDK_KEY });
    assert.equal(code, status.OK);
  });

  it('tells who watches NOT_SERVING when the process stops, and then ends the watch with UNAVAILABLE', async (t) => {
    const scene = await startScene(t);
    await within(scene.proxy.app.startedUp, 'end of the start');
    const watch = scene.client().watch();
    await watch.received(1);
    const stream = scene.client().stream({ sdkKey: SDK_KEY });
    await stream.received(1);
    const stopped = scene.proxy.app.stop();
    await watch.received(2);
    assert.deepEqual(told(watch), ['SERVING', 'NOT_SERVING']);
    assert.equal(watch.hasEnded, false);
    let isStopped = false;
    void stopped.then(() => (isStopped = true));
    await eventually('end of the proxy', () => {
      scene.clock.advance(100);
      return isStopped;
    });
    assert.equal((await watch.end()).code, status.UNAVAILABLE);
    assert.equal((await stream.end()).code, status.UNAVAILABLE);
  });

  it('lets a watch go when its client does: two hundred times over there is still room', async (t) => {
    const scene = await startScene(t);
    const client = scene.client();
    for (let round = 0; round < 5; round += 1) {
      const watches = Array.from({ length: 100 }, () => client.watch());
      for (const watch of watches) await watch.received(1);
      for (const watch of watches) watch.cancel();
      for (const watch of watches) await watch.end();
    }
    const watches = Array.from({ length: 300 }, () => client.watch());
    await eventually('answer to every watch', () =>
      watches.every((watch) => watch.messages.length > 0 || watch.hasEnded),
    );
    const refused = watches.filter(({ hasEnded }) => hasEnded);
    assert.equal(refused.length, 100);
    for (const watch of refused) assert.equal((await watch.end()).code, status.RESOURCE_EXHAUSTED);
  });
});

describe('places for watches', () => {
  it('are given up by the address that has all of them, when a client of another comes', async (t) => {
    const scene = await startScene(t);
    const first = scene.client();
    const watches = Array.from({ length: 200 }, () => first.watch());
    for (const watch of watches) await watch.received(1);
    const other = new FrameClient(scene.proxy.grpcAddress, '127.0.0.2');
    t.after(() => {
      other.close();
    });
    const call = other.call('/grpc.health.v1.Health/Watch');
    other.data(call, framedMessage(Buffer.alloc(0)), true);
    await eventually('answer', () => other.answered.has(call));
    const ended = (): typeof watches => watches.filter(({ hasEnded }) => hasEnded);
    await eventually('end of a watch', () => ended().length === 1);
    assert.equal((await ended()[0]?.end())?.code, status.RESOURCE_EXHAUSTED);
    const { healthWatches } = (await scene.status()).tables;
    assert.deepEqual(healthWatches, { entries: 200, entriesMax: 200, reached: 1 });
  });
});

describe('health --grpc', () => {
  it('exits with 0 while the daemon serves, and with 1 while it starts and when it is gone', async (t) => {
    const origin = await startOrigin(t);
    const release = origin.hold();
    const program = startGrpcDaemon(t, origin.url);
    const port = String((await program.line('listening'))['grpcPort']);
    const starting = await runProgram(t, ['health', '--grpc', '--grpc-port', port]);
    assert.deepEqual([starting.code, starting.stdout, starting.stderr], [1, 'NOT_SERVING\n', '']);
    release();
    await program.line('started up: ready for traffic');
    for (const options of [
      { args: ['health', '--grpc', '--grpc-port', port] },
      { args: ['health'], env: { SFP_HEALTH_GRPC: 'true', SFP_GRPC_PORT: port } },
    ]) {
      const serving = await runProgram(t, options.args, options);
      assert.deepEqual([serving.code, serving.stdout, serving.stderr], [0, 'SERVING\n', '']);
    }
    const probe = ['grpc-health-probe', `-addr=:${port}`, '-connect-timeout=30s', '-rpc-timeout=30s'];
    const probed = await runProgram(t, probe);
    assert.deepEqual([probed.code, probed.stdout, probed.stderr], [0, 'SERVING\n', '']);
    await program.kill();
    const unreachable = await runProgram(t, probe);
    assert.deepEqual([unreachable.code, unreachable.stdout], [2, '']);
    assert.match(unreachable.stderr, /ECONNREFUSED/);
    const gone = await runProgram(t, ['health', '--grpc', '--grpc-port', port]);
    assert.equal(gone.code, 1);
    assert.match(gone.stdout, new RegExp(`^127\\.0\\.0\\.1:${port}: .*ECONNREFUSED.*\n$`));
    assert.equal(gone.stderr, '');
  });
});

function startGrpcDaemon(t: TestContext, origin: string): Program {
  const ports = ['--grpc-port', '0', '--admin-port', '0'];
  const args = ['grpc', 'disabled', '--host', '127.0.0.1', ...ports, '--statsig-endpoint', origin];
  return startProgram(t, args, PINNED);
}
