// Files of log events and data keys: what is sealed with which key, how keys come, change and go, and that nothing is lost by it.
import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { runOperatorCommand } from '../../../../../src/cli/operator-command.js';
import { createConcurrencyLimit } from '../../../../../src/domain/concurrency-limit.js';
import { systemClock } from '../../../../../src/domain/clock.js';
import { DataKeyMissing, DataKeys, parseDataKeys } from '../../../../../src/files/data-keys.js';
import type { Batch } from '../../../../../src/protocols/statsig/log-events/batch.js';
import { FiledDeadLetters } from '../../../../../src/protocols/statsig/log-events/disk/filed-dead-letters.js';
import { eventually } from '../../../../e2e/deadline.js';
import { ManualClock } from '../../../../fakes/manual-clock.js';
import {
  copyOf,
  filesIn,
  ids,
  isReadable,
  makeBatch,
  makeFolder,
  noDataKeys,
  openKeeper,
  type OpenKeeper,
} from './folder.js';

const [OLD = '', YOUNG = ''] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64'));

function keysOf(...lines: readonly string[]): DataKeys {
  return new DataKeys(new ManualClock(), parseDataKeys(lines.join('\n')).keys);
}

function openWith(
  t: TestContext,
  folder: string,
  keys: DataKeys,
  segmentBytes?: number,
): Promise<OpenKeeper> {
  return openKeeper(t, folder, segmentBytes, undefined, keys);
}

/** A folder as a killed process with these keys leaves it. */
async function leave(t: TestContext, keys: DataKeys, ...names: readonly string[]): Promise<string> {
  const folder = makeFolder();
  const { keeper } = await openWith(t, folder, keys);
  for (const name of names) await keeper.keep(makeBatch(name));
  return copyOf(folder);
}

test('with a data key no key lies in the folder, and what was kept is read with that key alone', async (t) => {
  const folder = await leave(t, keysOf(OLD), 'one', 'two');
  assert.deepEqual(filesIn(folder, 'key'), []);
  assert.ok(!isReadable(folder, makeBatch('one').sdkKey));
  const { left, told } = await openWith(t, folder, keysOf(YOUNG, OLD));
  assert.deepEqual(ids(left), ['one', 'two']);
  assert.deepEqual(Buffer.from((await left[0]?.read())?.body ?? ''), makeBatch('one').body);
  assert.deepEqual(told, { damaged: [], errors: [] });
});

test('what the key of the folder sealed is drained with a data key, and the other way round', async (t) => {
  const folder = await leave(t, noDataKeys(), 'without');
  const withKey = await openWith(t, folder, keysOf(OLD));
  assert.deepEqual(ids(withKey.left), ['without']);
  await withKey.keeper.keep(makeBatch('with'));
  const back = copyOf(folder);
  const { keeper, left } = await openWith(t, back, keysOf(OLD));
  assert.deepEqual(ids(left), ['without', 'with']);
  await keeper.close();
  // Files of before leave as they do without data keys.
  const again = await openWith(t, back, keysOf(OLD));
  for (const batch of again.left) batch.forget();
  await again.keeper.keep(makeBatch('last'));
  await eventually('removal of what is done', () => Promise.resolve(filesIn(back, '.events').length === 1));
});

test('files whose data key is missing stay as they are while new batches are kept, and are taken over when it is there', async (t) => {
  const folder = await leave(t, keysOf(OLD), 'old 1', 'old 2');
  const [file = ''] = filesIn(folder, '.events');
  const before = readFileSync(join(folder, file));
  const keys = keysOf(YOUNG);
  const { keeper, left, heldBack, found, told } = await openWith(t, folder, keys);
  assert.deepEqual(left, []);
  assert.deepEqual(heldBack, [1]);
  await keeper.keep(makeBatch('young'));
  assert.deepEqual(readFileSync(join(folder, file)), before);
  keys.replace(parseDataKeys(`${YOUNG}\n${OLD}`).keys);
  await eventually('batches that were found', () => Promise.resolve(found.length === 2));
  assert.deepEqual(ids(found), ['old 1', 'old 2']);
  assert.equal((await found[0]?.read())?.id, 'old 1');
  assert.deepEqual([heldBack, told], [[1, 0], { damaged: [], errors: [] }]);
});

test('without a data key file, too, what a data key sealed stays, and a key of the folder is made for the rest', async (t) => {
  const folder = await leave(t, keysOf(OLD), 'sealed');
  const { keeper, left, heldBack } = await openWith(t, folder, noDataKeys());
  assert.deepEqual([left, heldBack], [[], [1]]);
  await keeper.keep(makeBatch('plain'));
  assert.deepEqual(filesIn(folder, 'key'), ['key']);
  const { left: all } = await openWith(t, copyOf(folder), keysOf(OLD));
  assert.deepEqual(ids(all).toSorted(), ['plain', 'sealed']);
});

test('a file that is put aside while it waits for its key is not waited for', async (t) => {
  const folder = await leave(t, keysOf(OLD), 'old');
  const keys = keysOf(YOUNG);
  const { heldBack, found } = await openWith(t, folder, keys);
  rmSync(join(folder, filesIn(folder, '.events')[0] ?? ''));
  keys.replace(parseDataKeys(`${YOUNG}\n${OLD}`).keys);
  await eventually('end of waiting', () => Promise.resolve(heldBack.length === 2));
  assert.deepEqual([heldBack, found], [[1, 0], []]);
});

test('a key of the folder that is missing is asked for, whatever data keys there are, and nothing is made in its place', async (t) => {
  const folder = await leave(t, noDataKeys(), 'without');
  rmSync(join(folder, 'key'));
  for (const keys of [keysOf(OLD), noDataKeys()])
    await assert.rejects(
      openWith(t, folder, keys),
      /key in the folder of log events is missing: put it back/,
    );
  assert.deepEqual(filesIn(folder, 'key'), []);
});

test('damage is damage, and not a key that is missing: the rest of the file is used', async (t) => {
  const folder = await leave(t, keysOf(OLD), 'one', 'two', 'three');
  const path = join(folder, filesIn(folder, '.events')[0] ?? '');
  const bytes = readFileSync(path);
  // Of the first record, where the id of its key stands.
  bytes.fill(0, 8 + 12 + 4, 8 + 12 + 12);
  writeFileSync(path, bytes);
  const { left, told, heldBack } = await openWith(t, folder, keysOf(OLD));
  assert.deepEqual(ids(left), ['two', 'three']);
  assert.deepEqual([told.damaged.map(([, records]) => records), heldBack], [[1], []]);
});

test('a batch whose key leaves the file while it waits is worth another try', async (t) => {
  const keys = keysOf(OLD);
  const { keeper } = await openWith(t, makeFolder(), keys);
  const kept = await keeper.keep(makeBatch('one'));
  keys.replace(parseDataKeys(YOUNG).keys);
  await assert.rejects(kept.read(), DataKeyMissing);
  keys.replace(parseDataKeys(`${YOUNG}\n${OLD}`).keys);
  assert.equal((await kept.read()).id, 'one');
});

test('dead letters are printed with the data key or the key of the folder, and one that cannot be opened is told', async (t) => {
  const folder = makeFolder();
  const file = async (keys: DataKeys, batch: Batch | undefined): Promise<void> => {
    const options = { folder, bytesMax: 1_000_000, dataKeys: keys };
    const fail = (error: unknown): never => {
      throw error;
    };
    const { id, sdkKey, acceptedAtMs, body } = makeBatch('letter');
    const kept = {
      ...{ id, sdkKey, acceptedAtMs, bytes: body.length },
      read: () => Promise.resolve(makeBatch('letter')),
      forget: () => undefined,
    };
    const letters = new FiledDeadLetters(fail, createConcurrencyLimit(1), options);
    await letters.add(kept, batch, { reason: 'rejected', status: 422, detail: 'no' });
  };
  await file(noDataKeys(), makeBatch('first'));
  await file(keysOf(OLD), makeBatch('second'));
  await file(keysOf(OLD), undefined);
  const keyFile = join(makeFolder(), 'keys');
  writeFileSync(keyFile, `${YOUNG}\n${OLD}\n`);
  const run = async (
    ...args: readonly string[]
  ): Promise<{ status: number; lines: Record<string, unknown>[] }> => {
    const { exitStatus, text } = await runOperatorCommand(systemClock, ['dead-letters', ...args]);
    return {
      status: exitStatus,
      lines: text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    };
  };
  const opened = await run(folder, '--data-key-file', keyFile);
  assert.equal(opened.status, 0);
  const batches = opened.lines.map(({ batch }) => batch as { id: string; body: string } | null);
  assert.deepEqual(
    batches.map((batch) => batch?.id),
    ['first', 'second', undefined],
  );
  assert.equal(Buffer.from(batches[1]?.body ?? '', 'base64').toString(), '{"events":["second"]}');
  const blind = await run(folder);
  assert.equal(blind.status, 1);
  assert.deepEqual(
    blind.lines.map(({ fault }) => fault === undefined),
    [true, false, true],
  );
  t.diagnostic(String(statSync(join(folder, 'dead-letters.jsonl')).size));
});

test('dead letters are printed from nowhere else: wrong words, files and keys are told', async () => {
  const folder = makeFolder();
  const run = (...args: readonly string[]): ReturnType<typeof runOperatorCommand> =>
    runOperatorCommand(systemClock, ['dead-letters', ...args]);
  for (const args of [[], ['--data-key-file', 'x'], [folder, '--data-key-file'], [folder, '--other', 'x']]) {
    const { exitStatus, text } = await run(...args);
    assert.equal(exitStatus, 2, args.join(' '));
    assert.match(text, /dead-letters FOLDER/);
  }
  assert.deepEqual(await run(folder), { exitStatus: 0, text: '' });
  assert.match((await run(join(folder, 'none'))).text, /cannot be read: .*ENOENT/);
  assert.match((await run(folder, '--data-key-file', join(folder, 'none'))).text, /does not exist/);
  writeFileSync(join(folder, 'keys'), 'no key');
  assert.match((await run(folder, '--data-key-file', join(folder, 'keys'))).text, /line 1 is not 32 bytes/);
});
