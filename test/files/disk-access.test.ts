// One folder's way to a disk that others use too: bounded, closed by itself, and reported when the disk fails, however late.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../../src/observability/logger.js';
import { DiskAccess } from '../../src/files/disk-access.js';
import { DiskHealth } from '../../src/files/disk-health.js';
import { DiskQueue } from '../../src/files/disk-queue.js';
import { within } from '../e2e/deadline.js';
import { Gate } from '../fakes/gate.js';
import { LogSink } from '../fakes/log-sink.js';
import { ManualClock, settle } from '../fakes/manual-clock.js';

const SAME = { read: 'reads', write: 'writes' };

function createScene(): {
  readonly clock: ManualClock;
  readonly sink: LogSink;
  readonly open: (folder: string, pendingMax?: number) => DiskAccess;
} {
  const clock = new ManualClock();
  const sink = new LogSink();
  const log = createLogger(sink, { level: 'info', instanceName: 'test', version: '0' });
  const queue = new DiskQueue(clock);
  return {
    clock,
    sink,
    open: (folder, pendingMax = 100) => {
      const health = new DiskHealth(clock, log, folder, { fails: SAME, worksAgain: SAME });
      return new DiskAccess(clock, health, { queue, pendingMax });
    },
  };
}

test('two folders of one disk take turns, so that one that hangs keeps two threads and not four', async () => {
  const { clock, sink, open } = createScene();
  const [specs, lists] = [open('specs'), open('id-lists')];
  const gate = new Gate();
  const release = gate.hold();
  let running = 0;
  const hang = async (): Promise<void> => {
    running += 1;
    await gate.opened;
  };
  const operations = [specs, lists].flatMap((access) => {
    return (['read', 'write'] as const).map((kind) => access.run(kind, `${kind} of it`, hang));
  });
  const ends = Promise.allSettled(operations);
  await settle();
  assert.equal(running, 2);
  clock.advance(30_000);
  for (const { status } of await within(ends, 'ends')) assert.equal(status, 'rejected');
  await assert.rejects(
    lists.run('read', 'a', async () => 1),
    /too slow/,
  );
  release();
  await settle();
  assert.equal(await lists.run('read', 'a', async () => 1), 1);
  const told = sink.lines.map(({ folder, access }) => `${String(folder)} ${String(access)}`);
  assert.deepEqual(told.sort(), ['id-lists read', 'id-lists write', 'specs read', 'specs write']);
});

test('each folder may have so many operations pending', async () => {
  const { open } = createScene();
  const [few, many] = [open('few', 2), open('many')];
  const gate = new Gate();
  const release = gate.hold();
  const operations = ['a', 'b'].map((file) => few.run('write', file, () => gate.opened));
  await assert.rejects(
    few.run('write', 'c', () => gate.opened),
    /too slow/,
  );
  const other = many.run('write', 'd', () => gate.opened);
  assert.equal(few.pending, 2);
  release();
  await Promise.all([...operations, other]);
  assert.equal(few.pending, 0);
  await few.run('write', 'c', async () => undefined);
});

test('what fails after nobody waits for it any more is reported all the same', async () => {
  const { clock, sink, open } = createScene();
  const access = open('specs');
  const gate = new Gate();
  const release = gate.hold();
  const late = access.run('read', 'a', async () => {
    await gate.opened;
    throw Object.assign(new Error('late'), { code: 'EIO' });
  });
  const rejected = assert.rejects(late, /too slow/);
  clock.advance(2_000);
  await within(rejected, 'rejection');
  assert.equal(sink.lines.length, 1);
  await access.run('write', 'b', async () => undefined);
  release();
  await settle();
  assert.equal(sink.lines.length, 1, 'it fails already');
});

test('a folder that is closed finishes what it has begun, within a second, and leaves the others alone', async () => {
  const { clock, sink, open } = createScene();
  const [closing, other] = [open('closing'), open('other')];
  const gate = new Gate();
  const release = gate.hold();
  const closed = { name: 'FolderClosed' };
  const hanging = assert.rejects(
    closing.run('write', 'a', () => gate.opened),
    closed,
  );
  let hasBegun = false;
  const waiting = assert.rejects(
    closing.run('write', 'b', async () => (hasBegun = true)),
    closed,
  );
  const ofOther = other.run('write', 'c', async () => 'done');
  await settle();
  let isClosed = false;
  const end = closing.close().then(() => (isClosed = true));
  await assert.rejects(
    closing.run('read', 'd', async () => 1),
    closed,
  );
  clock.advance(999);
  await settle();
  assert.equal(isClosed, false);
  clock.advance(1);
  await within(Promise.all([end, hanging, waiting]), 'end');
  release();
  assert.equal(await within(ofOther, 'operation of the other folder'), 'done');
  assert.equal(hasBegun, false);
  assert.equal(clock.scheduled, 0);
  assert.deepEqual(sink.lines, []);
});
