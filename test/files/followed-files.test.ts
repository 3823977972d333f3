// Files that are followed: every way a file can change, what is not a change, and that faults change nothing.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { FileFollower, LOOK_EVERY_MS } from '../../src/files/followed-files.js';
import { SMALL_FILE_BYTES_MAX } from '../../src/files/small-file.js';
import { createLogger } from '../../src/observability/logger.js';
import { eventually } from '../e2e/deadline.js';
import { LogSink } from '../fakes/log-sink.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';

const READ = 'list read again';
const NOT_TAKEN_OVER = 'list not taken over: its earlier contents stay in use';

interface Scene {
  readonly folder: string;
  readonly path: string;
  /** Everything that was taken over, in order. */
  readonly taken: string[];
  readonly logs: LogSink;
  readonly follower: FileFollower;
  /** One look of the follower, to its end. */
  look(): Promise<void>;
}

/** A file called `list`, followed; contents that hold `bad` are refused. */
function follow(t: TestContext, text = 'one', more: readonly string[] = []): Scene {
  const folder = makeTemporaryFolder('followed');
  const paths = ['list', ...more].map((name) => join(folder, name));
  for (const path of paths) writeFileSync(path, text);
  const clock = new ManualClock();
  const logs = new LogSink();
  const log = createLogger(logs, { level: 'info', instanceName: 'test', version: '0' });
  const taken: string[] = [];
  const takeOver = (texts: readonly string[]): { faults: string[]; facts: object } => {
    if (texts.some((each) => each.includes('bad'))) return { faults: ['it is bad'], facts: {} };
    taken.push(texts.join('+'));
    return { faults: [], facts: { number: taken.length } };
  };
  const texts = paths.map(() => text);
  const follower = new FileFollower(clock, log, [{ name: 'list', paths, texts, takeOver }]);
  follower.start();
  t.after(() => {
    follower.stop();
  });
  return {
    folder,
    path: join(folder, 'list'),
    taken,
    logs,
    follower,
    look: async () => {
      assert.equal(clock.scheduled, 1);
      clock.advance(LOOK_EVERY_MS);
      assert.equal(clock.scheduled, 0);
      await eventually('end of a look', () => clock.scheduled === 1);
    },
  };
}

async function looks(scene: Scene, count = 2): Promise<void> {
  for (let done = 0; done < count; done += 1) await scene.look();
}

test('a file that is written anew is taken over once, with a line', async (t) => {
  const scene = follow(t);
  await looks(scene, 3);
  writeFileSync(scene.path, 'two');
  await looks(scene, 5);
  assert.deepEqual(scene.taken, ['two']);
  assert.equal(scene.logs.withMessage(READ)[0]?.['number'], 1);
  assert.equal(scene.logs.lines.length, 1);
});

test('contents of the same length, written within the same instant, are seen', async (t) => {
  const scene = follow(t);
  utimesSync(scene.path, 1, 1);
  await looks(scene);
  writeFileSync(scene.path, 'two');
  utimesSync(scene.path, 1, 1);
  await looks(scene);
  assert.deepEqual(scene.taken, ['two']);
});

test('a file that another one is renamed to, and one behind links that move, are followed', async (t) => {
  const scene = follow(t);
  const next = join(scene.folder, 'next');
  writeFileSync(next, 'two');
  renameSync(next, scene.path);
  await looks(scene);
  for (const version of ['three', 'four']) {
    mkdirSync(join(scene.folder, `..${version}`));
    writeFileSync(join(scene.folder, `..${version}`, 'list'), version);
    symlinkSync(`..${version}`, join(scene.folder, '..tmp'));
    renameSync(join(scene.folder, '..tmp'), join(scene.folder, '..data'));
    if (version === 'three') {
      symlinkSync(join('..data', 'list'), next);
      renameSync(next, scene.path);
    } else rmSync(join(scene.folder, '..three'), { recursive: true });
    await looks(scene);
  }
  assert.deepEqual(scene.taken, ['two', 'three', 'four']);
});

test('a file that is missing, empty or half written for a moment is neither taken over nor reported', async (t) => {
  const scene = follow(t);
  rmSync(scene.path);
  await scene.look();
  writeFileSync(scene.path, 'one');
  await looks(scene);
  truncateSync(scene.path);
  await scene.look();
  writeFileSync(scene.path, 'tw');
  await scene.look();
  writeFileSync(scene.path, 'two');
  await looks(scene);
  assert.deepEqual(scene.taken, ['two']);
  assert.equal(scene.logs.lines.length, 1);
});

test('faulty contents change nothing and are reported once, until they are others or mended', async (t) => {
  const scene = follow(t);
  const faults: unknown[] = [];
  for (const spoil of [
    () => {
      writeFileSync(scene.path, 'bad');
    },
    () => {
      rmSync(scene.path);
    },
    () => {
      mkdirSync(scene.path);
    },
  ]) {
    spoil();
    await looks(scene, 4);
    faults.push(scene.logs.lines.at(-1)?.['faults']);
  }
  assert.deepEqual(faults, [
    ['it is bad'],
    [`${scene.path} does not exist (ENOENT)`],
    [`${scene.path} cannot be read (not a regular file)`],
  ]);
  assert.equal(scene.logs.withMessage(NOT_TAKEN_OVER).length, 3);
  assert.deepEqual(scene.taken, []);
  rmSync(scene.path, { recursive: true });
  // What was in it before: in use anyway, but its mending is reported.
  writeFileSync(scene.path, 'one');
  await looks(scene, 4);
  assert.deepEqual(scene.taken, ['one']);
  assert.equal(scene.logs.withMessage(READ).length, 1);
  assert.equal(scene.logs.lines.length, 4);
});

test('a pipe is not read, which would take for ever, nor a file beyond all measure', async (t) => {
  const scene = follow(t);
  rmSync(scene.path);
  execFileSync('mkfifo', [scene.path]);
  await looks(scene);
  rmSync(scene.path);
  writeFileSync(scene.path, '');
  truncateSync(scene.path, SMALL_FILE_BYTES_MAX + 1);
  await looks(scene);
  const reported = scene.logs.withMessage(NOT_TAKEN_OVER).map(({ faults }) => String(faults));
  assert.deepEqual(reported, [
    `${scene.path} cannot be read (not a regular file)`,
    `${scene.path} cannot be read (EFBIG)`,
  ]);
});

test('files that belong together are taken over together', async (t) => {
  const scene = follow(t, 'one', ['key']);
  writeFileSync(scene.path, 'two');
  await scene.look();
  writeFileSync(join(scene.folder, 'key'), 'two');
  await looks(scene);
  assert.deepEqual(scene.taken, ['two+two']);
  rmSync(join(scene.folder, 'key'));
  await looks(scene);
  assert.deepEqual(scene.taken, ['two+two']);
  assert.equal(scene.logs.withMessage(NOT_TAKEN_OVER).length, 1);
});

test('on demand files are read at once and reported on each time, also while a look is under way', async (t) => {
  const scene = follow(t);
  writeFileSync(scene.path, 'two');
  scene.follower.readNow();
  scene.follower.readNow();
  await eventually('second line', () => scene.logs.withMessage(READ).length === 2);
  assert.deepEqual(scene.taken, ['two', 'two']);
  writeFileSync(scene.path, 'bad');
  scene.follower.readNow();
  await eventually('line about the fault', () => scene.logs.withMessage(NOT_TAKEN_OVER).length === 1);
  // Reported already.
  await looks(scene);
  assert.equal(scene.logs.lines.length, 3);
});

test('nothing is read once it is stopped', async (t) => {
  const scene = follow(t);
  await scene.look();
  scene.follower.stop();
  writeFileSync(scene.path, 'two');
  scene.follower.readNow();
  assert.deepEqual(scene.taken, []);
  assert.equal(scene.logs.lines.length, 0);
});

test('what a look finds that is under way when it is stopped is not taken over', async (t) => {
  const scene = follow(t);
  writeFileSync(scene.path, 'two');
  scene.follower.readNow();
  scene.follower.stop();
  // Its reading began before these, and is of one file.
  for (let read = 0; read < 50; read += 1) await readFile(scene.path);
  assert.deepEqual(scene.taken, []);
  assert.equal(scene.logs.lines.length, 0);
});
