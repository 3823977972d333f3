// The queue for a disk: in order for each file, few at a time, and over at once when the disk hangs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DiskQueue, DiskTooSlow, type Access } from '../../../src/files/disk-queue.js';
import { ManualClock, settle } from '../../fakes/manual-clock.js';

interface Bench {
  readonly clock: ManualClock;
  readonly queue: DiskQueue;
  /** Names of the tasks that have begun and not ended, in the order they began. */
  readonly running: readonly string[];
  readonly outcomes: ReadonlyMap<string, string>;
  /** Asks for a task that runs until `end`. */
  readonly ask: (name: string, file: string, access?: Access) => void;
  readonly end: (name: string) => Promise<void>;
}

function createBench(): Bench {
  const clock = new ManualClock();
  const queue = new DiskQueue(clock);
  const running: string[] = [];
  const ends = new Map<string, () => void>();
  const outcomes = new Map<string, string>();
  return {
    clock,
    queue,
    running,
    outcomes,
    ask: (name, file, access = 'write') => {
      const task = async (): Promise<string> => {
        running.push(name);
        await new Promise<void>((resolve) => ends.set(name, resolve));
        running.splice(running.indexOf(name), 1);
        return 'done';
      };
      const outcome = queue.run(access, file, task).catch((error: unknown) => {
        assert.ok(error instanceof DiskTooSlow);
        return 'too late';
      });
      void outcome.then((told) => outcomes.set(name, told));
    },
    end: async (name) => {
      ends.get(name)?.();
      await settle();
    },
  };
}

test('one operation runs at a time for each file, and one of each access', async () => {
  const { running, outcomes, ask, end } = createBench();
  ask('write a', 'a');
  ask('read a', 'a', 'read');
  ask('write b', 'b');
  ask('read c', 'c', 'read');
  await settle();
  assert.deepEqual(running, ['write a', 'read c']);
  await end('read c');
  assert.deepEqual(running, ['write a'], 'the read of a waits for the write of a');
  await end('write a');
  assert.deepEqual([...running].sort(), ['read a', 'write b']);
  await end('read a');
  await end('write b');
  assert.deepEqual([...outcomes.values()], ['done', 'done', 'done', 'done']);
});

test('an operation beyond its deadline, and all that wait, come to nothing until it ends', async () => {
  const { clock, queue, running, outcomes, ask, end } = createBench();
  ask('hanging', 'a');
  ask('behind it', 'a');
  ask('waiting', 'b');
  await settle();
  clock.advance(29_999);
  await settle();
  assert.equal(queue.isHanging, false);
  assert.equal(outcomes.size, 0);
  clock.advance(1);
  await settle();
  assert.equal(queue.isHanging, true);
  assert.deepEqual([...outcomes.values()], ['too late', 'too late', 'too late']);
  ask('asked while it hangs', 'c', 'read');
  await settle();
  assert.equal(outcomes.get('asked while it hangs'), 'too late');
  await end('hanging');
  assert.equal(queue.isHanging, false);
  assert.deepEqual(running, [], 'what was given up is not begun');
  assert.equal(outcomes.get('hanging'), 'too late', 'what was told stays told');
  ask('afterwards', 'a');
  await settle();
  await end('afterwards');
  assert.equal(outcomes.get('afterwards'), 'done');
  assert.equal(clock.scheduled, 0);
});

test('who wants to read is told within two seconds, and what runs goes on', async () => {
  const { clock, running, outcomes, ask, end } = createBench();
  ask('slow', 'a', 'read');
  ask('waiting', 'b', 'read');
  await settle();
  clock.advance(1);
  ask('later', 'c', 'read');
  ask('write of a', 'a');
  ask('read behind it', 'a', 'read');
  await settle();
  clock.advance(1998);
  await settle();
  assert.equal(outcomes.size, 0);
  clock.advance(1);
  await settle();
  assert.deepEqual([...outcomes.keys()], ['slow', 'waiting']);
  clock.advance(1);
  await settle();
  assert.deepEqual([...outcomes.keys()], ['slow', 'waiting', 'later', 'read behind it']);
  assert.ok([...outcomes.values()].every((outcome) => outcome === 'too late'));
  ask('last', 'd', 'read');
  await settle();
  assert.deepEqual(running, ['slow'], 'no two reads at one time, though nobody waits for the first');
  await end('slow');
  assert.deepEqual([...running].sort(), ['last', 'write of a'], 'what was given up is not begun');
  await end('last');
  await end('write of a');
  assert.equal(outcomes.get('last'), 'done');
  assert.equal(outcomes.get('write of a'), 'done');
  assert.equal(clock.scheduled, 0);
});

test('what an operation comes to is what its caller gets, errors included', async () => {
  const queue = new DiskQueue(new ManualClock());
  const error = new Error('EIO');
  await assert.rejects(
    queue.run('read', 'a', () => Promise.reject(error)),
    error,
  );
  assert.equal(await queue.run('read', 'a', async () => 7), 7);
});

test('who waits for two minutes waits no longer, though every operation before it is in time', async () => {
  const { clock, queue, outcomes, ask, end } = createBench();
  for (const name of ['1', '2', '3', '4', '5', 'last']) ask(name, name);
  for (const name of ['1', '2', '3', '4']) {
    await settle();
    clock.advance(29_999);
    await end(name);
  }
  clock.advance(4);
  await settle();
  assert.equal(queue.isHanging, false);
  assert.equal(outcomes.get('last'), 'too late');
  assert.equal(outcomes.get('5'), undefined, 'it runs');
  await end('5');
  assert.equal(outcomes.get('5'), 'done');
  assert.equal(clock.scheduled, 0);
});

test('in whatever order operations are asked for and end, none is lost, and no two meet on a file', async () => {
  const asked = fc.record({
    file: fc.constantFrom('a', 'b', 'c'),
    access: fc.constantFrom<Access>('read', 'write'),
  });
  const step = fc.option(asked, { nil: 'end of one' as const });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.infiniteStream(fc.nat()),
      async (steps, choices) => {
        const { running, outcomes, ask, end } = createBench();
        const files = new Map<string, string>();
        const look = async (): Promise<void> => {
          await settle();
          const busy = running.map((name) => files.get(name));
          assert.equal(new Set(busy).size, busy.length, running.join(' '));
          assert.ok(running.length <= 2);
        };
        const endOne = async (): Promise<void> => {
          const name = running[Number(choices.next().value) % Math.max(1, running.length)];
          if (name !== undefined) await end(name);
        };
        for (const next of steps) {
          if (next === 'end of one') await endOne();
          else {
            const name = `${files.size} ${next.access} ${next.file}`;
            files.set(name, next.file);
            ask(name, next.file, next.access);
          }
          await look();
        }
        while (running.length > 0) {
          await endOne();
          await look();
        }
        assert.equal(outcomes.size, files.size);
        assert.ok([...outcomes.values()].every((outcome) => outcome === 'done'));
      },
    ),
  );
});
