// A disk in trouble for a while: a folder without its key, a batch that cannot be read now, no answer at all. Nothing is lost by it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { constants, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import {
  BatchDamage,
  QueueAway,
  type Batch,
  type KeptBatch,
} from '../../../../src/protocols/statsig/log-events/batch.js';
import type { Death } from '../../../../src/protocols/statsig/log-events/dead-letters.js';
import { Forwarder } from '../../../../src/protocols/statsig/log-events/forwarder.js';
import { QueueRoom } from '../../../../src/protocols/statsig/log-events/queue-room.js';
import type { EventOrigin } from '../../../../src/protocols/statsig/origin/event-origin.js';
import { eventually, within } from '../../../e2e/deadline.js';
import { eventsOf } from '../../../fakes/event-origin.js';
import { makeTemporaryFolder } from '../../../fakes/temporary-folder.js';
import { ManualClock } from '../../../fakes/manual-clock.js';
import { copyOf, makeBatch, makeFolder, openKeeper } from './disk/folder.js';
import { startEventScene, type EventScene } from './event-scene.js';
import { createTestLog } from '../../../fakes/log-sink.js';

test('without the key of its files nothing is accepted, which is told; with it all is forwarded', async (t) => {
  const before = makeFolder();
  await (await openKeeper(t, before)).keeper.keep(makeBatch('earlier'));
  const dataDir = makeTemporaryFolder('data-dir');
  const folder = join(dataDir, 'log-events');
  copyOf(before, folder);
  const key = readFileSync(join(folder, 'key'));
  rmSync(join(folder, 'key'));
  const scene = await startEventScene(t, ['--data-dir', dataDir]);
  assert.equal((await scene.send('now')).status, 503);
  const [line] = scene.proxy.logs.withMessage(
    'log-event folder cannot be used: SDKs are asked to retry until it can',
  );
  assert.match(JSON.stringify(line?.['err']), /is missing: put it back/);
  writeFileSync(join(folder, 'key'), key);
  await eventually('acceptance', async () => {
    await scene.clock.advanceInSteps(5_000, 1_000);
    return (await scene.send('now')).status === 202;
  });
  await scene.origin.took(2);
});

/** Lets the disk hang at the next word of what is done; `release` ends that, and is safe to call again. */
function hangDisk(dataDir: string): () => void {
  // Whoever opens it to write waits until somebody reads.
  const pipe = join(dataDir, 'log-events', '0000000000000001.done');
  execFileSync('mkfifo', [pipe]);
  let reader: number | undefined;
  return () => {
    reader ??= openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  };
}

async function startHanging(
  t: TestContext,
): Promise<{ readonly scene: EventScene; readonly release: () => void }> {
  const dataDir = makeTemporaryFolder('data-dir');
  const scene = await startEventScene(t, ['--data-dir', dataDir]);
  scene.origin.verdict = () => 503;
  assert.equal((await scene.send('first')).status, 202);
  const release = hangDisk(dataDir);
  t.after(release);
  scene.origin.verdict = () => 202;
  await scene.clock.advanceInSteps(1_000, 100);
  await scene.origin.took(1);
  await eventually('its end', async () => (await scene.status()).forwarded === 1);
  return { scene, release };
}

test('while the disk hangs SDKs are told to try again, and what they were told so of is not sent', async (t) => {
  const { scene, release } = await startHanging(t);
  let status: number | undefined;
  const late = scene.send('second').then((answer) => (status = answer.status));
  await eventually('its coming', async () => (await scene.status()).waiting.batches === 1);
  await eventually('its answer', async () => {
    await scene.clock.advanceInSteps(1_000, 100);
    return status !== undefined;
  });
  assert.equal(await late, 503);
  assert.equal((await scene.send('third')).status, 503);
  release();
  await eventually('acceptance', async () => (await scene.send('fourth')).status === 202);
  await scene.origin.took(2);
  assert.deepEqual(
    scene.origin.taken.flatMap(eventsOf).map(({ eventName }) => eventName),
    ['first', 'fourth'],
  );
  await eventually('empty queue', async () => (await scene.status()).waiting.batches === 0);
});

test('a disk that hangs keeps the proxy from its end for a moment only, which is told', async (t) => {
  const { scene } = await startHanging(t);
  const { app, logs } = scene.proxy;
  const stopped = within(app.stop(), 'end');
  await Promise.all([stopped, scene.clock.advanceInSteps(5_000, 50)]);
  assert.equal(logs.withMessage(TIDY_FAILED).length, 1);
});

const TIDY_FAILED =
  'progress of log events cannot be written: what was forwarded recently would be sent again after a restart';

interface Forwarding {
  readonly clock: ManualClock;
  readonly forwarder: Forwarder;
  readonly taken: string[];
  readonly deaths: Death[];
  readonly unread: unknown[];
}

function startForwarder(): Forwarding {
  const clock = new ManualClock();
  const [taken, deaths, unread]: [string[], Death[], unknown[]] = [[], [], []];
  const origin: EventOrigin = {
    deliver: async ({ batchId }) => {
      taken.push(batchId);
      return { kind: 'taken' };
    },
    close: async () => undefined,
  };
  const listener = {
    delivered: () => undefined,
    notRead: (_lane: unknown, error: unknown) => void unread.push(error),
    left: () => undefined,
    steppedAside: () => undefined,
    bury: async (_kept: KeptBatch, _batch: Batch | undefined, death: Death) => void deaths.push(death),
  };
  const forwarder = new Forwarder(
    clock,
    createTestLog(),
    origin,
    listener,
    new QueueRoom({ batchesMax: 10, bytesMax: 1_000 }, () => false),
  );
  return { clock, forwarder, taken, deaths, unread };
}

function keptWith(name: string, read: () => Promise<Batch>): KeptBatch {
  const { id, sdkKey, acceptedAtMs } = makeBatch(name);
  return { id, sdkKey, acceptedAtMs, bytes: 10, read, forget: () => undefined };
}

for (const code of ['EIO', 'ENOMEM', 'EMFILE']) {
  test(`a batch that cannot be read for ${code} waits, and so do those behind it`, async () => {
    const { clock, forwarder, taken, deaths, unread } = startForwarder();
    let reads = 0;
    const failing = async (): Promise<Batch> => {
      reads += 1;
      if (reads <= 3) throw Object.assign(new Error('the disk'), { code });
      return makeBatch('first');
    };
    forwarder.add(keptWith('first', failing));
    forwarder.add(keptWith('second', async () => makeBatch('second')));
    await eventually('first read', () => unread.length === 1);
    assert.equal([...forwarder.lanes.values()][0]?.reason, 'not_read');
    assert.deepEqual(taken, []);
    await clock.advanceInSteps(1_000, 50);
    await eventually('both', () => taken.length === 2);
    assert.deepEqual([taken, deaths, unread.length], [['first', 'second'], [], 3]);
  });
}

test('a batch that cannot be read, as no batch can, is not overtaken by the next when that can be read', async () => {
  const { clock, forwarder, taken, unread } = startForwarder();
  let reads = 0;
  const failing = async (): Promise<Batch> => {
    reads += 1;
    if (reads <= 8) throw new QueueAway('the queue cannot be read');
    return makeBatch('first');
  };
  forwarder.add(keptWith('first', failing));
  forwarder.add(keptWith('second', async () => makeBatch('second')));
  await clock.advanceInSteps(120_000, 500);
  await eventually('both', () => taken.length === 2);
  assert.deepEqual([taken, unread.length], [['first', 'second'], 8]);
});

test('a batch whose seal is broken is given up, and the next goes', async () => {
  const { forwarder, taken, deaths, unread } = startForwarder();
  forwarder.add(keptWith('first', () => Promise.reject(new BatchDamage('broken'))));
  forwarder.add(keptWith('second', async () => makeBatch('second')));
  await eventually('the second', () => taken.length === 1);
  assert.deepEqual([taken, deaths.map(({ reason }) => reason), unread], [['second'], ['unreadable'], []]);
});
