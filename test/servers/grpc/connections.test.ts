// What the gRPC server does with connections and large messages: their age, their encoding, and the limit of stock clients.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { status } from '@grpc/grpc-js';
import { eventually, within } from '../../e2e/deadline.js';
import type { LogLine } from '../../fakes/log-sink.js';
import { SDK_KEY } from '../../fakes/proxy.js';
import { startScene } from './grpc-scene.js';

const TOO_LARGE = 'spec is larger than stock gRPC clients accept: they need a higher limit, or HTTP';
/** About 4.6 MB of JSON in v1, and more than 4 MiB in v2. */
const OVER_4_MIB = 13_500;
const FOUR_MIB = 4 * 1024 * 1024;

describe('--grpc-max-connection-age-in-s 1', () => {
  it('ends the streams of a connection that is old with UNAVAILABLE; the same client connects anew', async (t) => {
    const scene = await startScene(t, { args: ['--grpc-max-connection-age-in-s', '1'] });
    const client = scene.client();
    const stream = client.stream({ sdkKey: SDK_KEY });
    await stream.received(1);
    const { code } = await stream.end();
    assert.equal(code, status.UNAVAILABLE);
    await scene.streams(0);
    const again = client.stream({ sdkKey: SDK_KEY });
    await again.received(1);
    const next = await scene.update();
    assert.equal((await again.received(2)).lastUpdated, next);
  });

  it('is off where it is not set: no connection has an age', async (t) => {
    const scene = await startScene(t);
    const client = scene.rawClient();
    let goaways = 0;
    client.session.on('goaway', () => (goaways += 1));
    const stream = client.stream({ sdkKey: SDK_KEY });
    stream.readOn();
    await eventually('first spec', () => stream.versions.length === 1);
    const untilMs = performance.now() + 1_500;
    await eventually('time in which an age of 1 s is reached', () => performance.now() > untilMs);
    await client.ping();
    assert.equal(goaways, 0);
    assert.equal(stream.isClosed, false);
  });
});

describe('messages', () => {
  it('are not compressed, whatever the client says it accepts', async (t) => {
    const scene = await startScene(t);
    for (const accepted of ['gzip', 'identity,deflate,gzip', undefined]) {
      const headers = accepted === undefined ? {} : { 'grpc-accept-encoding': accepted };
      const stream = scene.rawClient().stream({ sdkKey: SDK_KEY, version: 2 }, headers);
      stream.readOn();
      await eventually('first spec', () => stream.versions.length === 1);
      assert.ok([undefined, 'identity'].includes(stream.headers?.['grpc-encoding'] as string | undefined));
      assert.equal(stream.headers?.['content-encoding'], undefined);
      assert.deepEqual(stream.flags, [0]);
      assert.equal(stream.last?.spec, scene.text('v2'));
    }
  });
});

describe('a spec of more than 4 MiB', () => {
  it('is told of once for each version, and reaches clients with a higher limit', async (t) => {
    const scene = await startScene(t);
    scene.origin.project = { ...scene.origin.project, fillerGates: OVER_4_MIB };
    const bytes = Buffer.byteLength(scene.text('v2'));
    assert.ok(bytes > FOUR_MIB && bytes < 2 * FOUR_MIB, `${bytes} bytes`);
    const raised = { 'grpc.max_receive_message_length': 2 * FOUR_MIB };
    const clients = [scene.client(raised), scene.client(raised)];
    const streams = clients.map((client) => client.stream({ sdkKey: SDK_KEY, version: 2 }));
    for (const stream of streams) assert.equal((await stream.received(1)).spec, scene.text('v2'));
    assert.equal((await clients[0]?.getConfigSpec({ sdkKey: SDK_KEY, version: 2 }))?.code, status.OK);
    const [line] = scene.proxy.logs.withMessage(TOO_LARGE);
    const { time } = scene.origin.project;
    assert.deepEqual(pick(line), { level: 'warn', sdkKey: 'secret-test***', api: 'v2', specVersion: time });
    assert.ok(Number(line?.['messageBytes']) > bytes);
    assert.equal(scene.proxy.logs.withMessage(TOO_LARGE).length, 1);
    const next = await scene.update();
    for (const stream of streams) assert.equal((await stream.received(2)).lastUpdated, next);
    assert.deepEqual(
      scene.proxy.logs.withMessage(TOO_LARGE).map((told) => told['specVersion']),
      [time, next],
    );
  });

  it('is refused by a stock client itself, whose stream does not trouble the others', async (t) => {
    const scene = await startScene(t);
    scene.origin.project = { ...scene.origin.project, fillerGates: OVER_4_MIB };
    const stock = scene.client({ 'grpc.max_receive_message_length': FOUR_MIB });
    const raised = scene.client().stream({ sdkKey: SDK_KEY, version: 2 });
    assert.equal((await stock.stream({ sdkKey: SDK_KEY, version: 2 }).end()).code, status.RESOURCE_EXHAUSTED);
    await scene.streams(1);
    await raised.received(1);
    const next = await scene.update();
    assert.equal((await raised.received(2)).lastUpdated, next);
  });

  it('is not told of where a spec is smaller', async (t) => {
    const scene = await startScene(t);
    scene.origin.project = { ...scene.origin.project, fillerGates: 1_000 };
    await scene.client().stream({ sdkKey: SDK_KEY, version: 2 }).received(1);
    assert.deepEqual(scene.proxy.logs.withMessage(TOO_LARGE), []);
  });
});

describe('--debug-logging', () => {
  it('has one event for the first message, one for each update sent, and one for the end of a stream', async (t) => {
    const scene = await startScene(t, { args: ['--debug-logging'] });
    const names = (): unknown[] =>
      scene.proxy.logs.lines
        .map((line) => line['event'])
        .filter((event) => String(event).startsWith('GrpcStreamingStream'));
    const ended = (line: LogLine): boolean => line['event'] === 'GrpcStreamingStreamDisconnected';
    const stream = scene.client().stream({ sdkKey: SDK_KEY });
    await stream.received(1);
    await scene.update();
    await stream.received(2);
    await eventually('event of the second spec', () => names().length === 2);
    const stopped = scene.proxy.app.stop();
    let isStopped = false;
    void stopped.then(() => (isStopped = true));
    await eventually('end of the proxy', () => {
      scene.clock.advance(100);
      return isStopped;
    });
    assert.equal((await stream.end()).code, status.UNAVAILABLE);
    await within(scene.proxy.logs.waitFor(ended), 'event of the end');
    assert.deepEqual(names(), [
      'GrpcStreamingStreamedInitialized',
      'GrpcStreamingStreamedResponse',
      'GrpcStreamingStreamDisconnected',
    ]);
  });
});

function pick(line: LogLine | undefined): object {
  const { level, sdkKey, api, specVersion } = line ?? {};
  return { level, sdkKey, api, specVersion };
}
