// Clients that read slowly or not at all: what they cost, what they get when they read again, and when they are dropped.
import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, it } from 'node:test';
import { demoV2 } from '../../../scripts/demo-specs.js';
import { status } from '@grpc/grpc-js';
import { eventually } from '../../e2e/deadline.js';
import type { RawStream } from '../../fakes/grpc-raw-client.js';
import { REFUSING } from '../../fakes/origin-faults.js';
import { SDK_KEY } from '../../fakes/proxy.js';
import { isStrictlyIncreasing, POLL_MS, startScene, type Scene } from './grpc-scene.js';

const MIB = 1024 * 1024;
const STALL_MS = 30_000;
/** About 10 MB of JSON. */
const LARGE = 28_000;
const WINDOW_BYTES = 65_535;
const PATIENT = ['--grpc-stream-stall-timeout-in-s', '3600'];
const SEND_ALL: { readonly sdkKey: string; readonly version: number } = { sdkKey: SDK_KEY, version: 2 };

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes outside of the JavaScript heap: where specs are. */
async function bufferBytes(): Promise<number> {
  // What was freed by one turn is given back in a later one.
  for (let turn = 0; turn < 3; turn += 1) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { external } = process.memoryUsage();
  return external;
}

/** A stream on which the first bytes of a large spec have come, and then nothing more is read. */
async function openAndStopReading(scene: Scene): Promise<RawStream> {
  const stream = scene.rawClient().stream(SEND_ALL);
  await stream.readSome(1);
  return stream;
}

/** Lets the origin serve a large spec that is made only once, but for its time; gives what it serves. */
function serveLarge({ origin }: Scene): () => string {
  const time = '1234567890123';
  const project = { ...origin.project, time: Number(time), fillerGates: LARGE };
  const [head = '', ...rest] = JSON.stringify(demoV2(project)).split(time);
  const tail = rest.join(time);
  const spec = (): string => `${head}${origin.project.time}${tail}`;
  origin.fault = (response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(spec());
  };
  return spec;
}

describe('a client that stops reading', () => {
  it('costs no more memory with every update, and ends on the newest when it reads again', async (t) => {
    const scene = await startScene(t, { args: PATIENT });
    const spec = serveLarge(scene);
    const specBytes = spec().length;
    assert.ok(specBytes > 9 * MIB, `${specBytes} bytes`);
    const quick = scene.rawClient(MIB).stream(SEND_ALL);
    quick.readOn();
    const stuck = await openAndStopReading(scene);
    await eventually('first spec', () => quick.versions.length === 1);
    let before = 0;
    let slowestMs = 0;
    for (let updates = 1; updates <= 20; updates += 1) {
      const next = await scene.update();
      const startMs = performance.now();
      await eventually('update for a client that reads', () => quick.versions.at(-1) === next);
      slowestMs = Math.max(slowestMs, performance.now() - startMs);
      if (updates === 2) before = await bufferBytes();
    }
    const grown = (await bufferBytes()) - before;
    assert.ok(grown < 2 * specBytes, `${grown} bytes more after 18 updates of ${specBytes}`);
    assert.ok(slowestMs < 5_000, `${slowestMs} ms until a client that reads had an update`);
    assert.equal(quick.versions.length, 21);
    assert.ok(stuck.bytes < 2 * WINDOW_BYTES);

    stuck.readOn();
    await eventually('newest version', () => stuck.versions.at(-1) === scene.origin.project.time);
    assert.ok(isStrictlyIncreasing(stuck.versions), stuck.versions.join(', '));
    // The one that was under way, and the newest.
    assert.equal(stuck.versions.length, 2);
    assert.equal(stuck.last?.spec, spec());
    await scene.update();
    await eventually('next update', () => stuck.versions.at(-1) === scene.origin.project.time);
  });

  it('does not hold up another stream of the same connection', async (t) => {
    const scene = await startScene(t, { args: PATIENT });
    scene.origin.project = { ...scene.origin.project, fillerGates: 2_000 };
    const client = scene.rawClient();
    const stuck = client.stream(SEND_ALL);
    await stuck.answered();
    const quick = client.stream(SEND_ALL);
    quick.readOn();
    await eventually('first spec', () => quick.versions.length === 1);
    for (let updates = 1; updates <= 5; updates += 1) {
      const next = await scene.update();
      await eventually('update', () => quick.versions.at(-1) === next);
    }
    assert.equal(stuck.bytes, 0);
  });
});

describe('a stream that ends in the middle of a message', () => {
  it('ends with its status for a client that reads on, and with no part of the message', async (t) => {
    const scene = await startScene(t, { args: [...PATIENT, '--clear-datastore-on-unauthorized'] });
    serveLarge(scene);
    const stuck = await openAndStopReading(scene);
    scene.origin.fault = REFUSING[401];
    scene.clock.advance(POLL_MS);
    await scene.streams(0);
    stuck.readOn();
    await eventually('end of the stream at the client', () => stuck.isClosed);
    assert.equal(stuck.trailers?.['grpc-status'], String(status.PERMISSION_DENIED));
    assert.deepEqual(stuck.versions, []);
  });
});

describe('the stall timeout', () => {
  it('drops a client that takes nothing for that long, counts it and frees its place', async (t) => {
    const scene = await startScene(t, { args: ['-g', '1', '-p', '3600'] });
    scene.origin.project = { ...scene.origin.project, fillerGates: LARGE };
    const stuck = await openAndStopReading(scene);
    scene.clock.advance(STALL_MS - 1);
    assert.deepEqual((await scene.status()).streams, {
      open: 1,
      byKey: [{ sdkKey: 'secret-test***', streams: 1 }],
      refused: 0,
      dropped: 0,
      displaced: 0,
    });
    await eventually('drop', async () => {
      scene.clock.advance(POLL_MS);
      return (await scene.status()).streams.dropped === 1;
    });
    const none = { open: 0, byKey: [], refused: 0, dropped: 1, displaced: 0 };
    assert.deepEqual((await scene.status()).streams, none);
    await eventually('end of the stream at the client', () => {
      stuck.readOn();
      return stuck.isClosed;
    });
    assert.equal(stuck.versions.length, 0);
    await scene.client().stream(SEND_ALL).received(1);
  });

  it('breaks off answers to getConfigSpec that nobody reads, which share the bytes of one', async (t) => {
    const scene = await startScene(t, { args: ['-p', '3600'] });
    scene.origin.project = { ...scene.origin.project, fillerGates: LARGE };
    await scene.client().getConfigSpec(SEND_ALL);
    const before = await bufferBytes();
    const path = { ':path': '/statsig_forward_proxy.StatsigForwardProxy/getConfigSpec' };
    const raw = scene.rawClient();
    const stuck = Array.from({ length: 10 }, () => raw.stream(SEND_ALL, path));
    for (const each of stuck) await each.answered();
    const grownBytes = (await bufferBytes()) - before;
    assert.ok(grownBytes < 10 * MIB, `${grownBytes} bytes for ten answers of about 10 MB`);
    scene.clock.advance(STALL_MS);
    for (const each of stuck) each.readOn();
    await eventually('end of the answers at the client', () => stuck.every((each) => each.isClosed));
    assert.ok(stuck.every((each) => each.versions.length === 0));
  });

  it('spares a client that takes a little again and again, for many times as long', async (t) => {
    const scene = await startScene(t, { args: ['-p', '3600'] });
    scene.origin.project = { ...scene.origin.project, fillerGates: LARGE };
    const slow = await openAndStopReading(scene);
    for (let passedMs = 0; passedMs < 10 * STALL_MS; passedMs += STALL_MS / 2) {
      await slow.readSome(300 * 1024);
      // The server has seen what was taken before the clock is turned: an answer later on the same connection says so.
      await slow.client.ping();
      assert.equal((await scene.status()).streams.dropped, 0);
      scene.clock.advance(STALL_MS / 2);
    }
    slow.readOn();
    await eventually('whole spec', () => slow.versions.length === 1);
    assert.equal(slow.last?.spec, scene.text('v2'));
    assert.equal((await scene.status()).streams.dropped, 0);
  });

  it('spares a client that takes one window of 64 KiB in half of that time', async (t) => {
    const scene = await startScene(t, { args: ['-p', '3600'] });
    scene.origin.project = { ...scene.origin.project, fillerGates: 5_000 };
    const slow = await openAndStopReading(scene);
    for (let windows = 0; windows < 12; windows += 1) {
      await slow.readSome(64 * 1024);
      await slow.client.ping();
      assert.equal((await scene.status()).streams.dropped, 0, `after ${windows} windows`);
      scene.clock.advance(STALL_MS / 2);
    }
    slow.readOn();
    await eventually('whole spec', () => slow.versions.length === 1);
  });

  it('spares a client that is idle, as nothing is sent to it', async (t) => {
    const scene = await startScene(t, { args: ['-p', '3600'] });
    const stream = scene.client().stream(SEND_ALL);
    await stream.received(1);
    for (const count of [2, 3, 4, 5]) {
      await eventually('heartbeat', () => {
        scene.clock.advance(1_000);
        return stream.messages.length >= count;
      });
    }
    assert.equal((await scene.status()).streams.dropped, 0);
    assert.equal(stream.hasEnded, false);
  });
});

/** They take seconds of CPU. */
const PINGS_MS_MAX = 60_000;

describe('a client that pings after every DATA frame', () => {
  it('is served on after 2 000 pings', async (t) => {
    const scene = await startScene(t, { args: PATIENT });
    scene.origin.project = { ...scene.origin.project, fillerGates: LARGE };
    const client = scene.rawClient();
    const stream = client.stream(SEND_ALL);
    const pings: Promise<void>[] = [];
    stream.readOn(() => {
      if (pings.length < 2_000) pings.push(client.ping());
    });
    await eventually(
      '2 000 pings',
      async () => {
        await Promise.all(pings);
        if (pings.length < 2_000) await scene.update();
        return pings.length >= 2_000;
      },
      PINGS_MS_MAX,
    );
    await Promise.all(pings);
    const next = await scene.update();
    await eventually('update', () => stream.versions.at(-1) === next);
    assert.equal(stream.isClosed, false);
    assert.equal(client.session.destroyed, false);
  });
});
