// Batches that were given up, on disk: why stands there to be read, what only with the key, and never without end.
import assert from 'node:assert/strict';
import { createDecipheriv } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test } from 'node:test';
import { createConcurrencyLimit } from '../../../../../src/domain/concurrency-limit.js';
import type { Batch, KeptBatch } from '../../../../../src/protocols/statsig/log-events/batch.js';
import { FiledDeadLetters } from '../../../../../src/protocols/statsig/log-events/disk/filed-dead-letters.js';
import { bytesIn, isReadable, makeBatch, makeFolder, noDataKeys } from './folder.js';

const DEATH = { reason: 'rejected', status: 422, detail: 'no such project' } as const;

function keptOf(batch: Batch): KeptBatch {
  const { id, sdkKey, acceptedAtMs, body } = batch;
  return {
    id,
    sdkKey,
    acceptedAtMs,
    bytes: body.length,
    read: () => Promise.resolve(batch),
    forget: () => undefined,
  };
}

function letters(failed: (error: unknown) => void, folder: string, bytesMax = 1_000_000): FiledDeadLetters {
  return new FiledDeadLetters(failed, createConcurrencyLimit(1), {
    folder,
    bytesMax,
    dataKeys: noDataKeys(),
  });
}

test('a letter says why, and holds the whole batch for who has the key', async () => {
  const folder = makeFolder();
  const batch = makeBatch('a-batch', '{"events":["private"]}');
  const filed = letters(fail, folder);
  await filed.add(keptOf(batch), batch, DEATH);
  await filed.add(keptOf(batch), undefined, {
    reason: 'unreadable',
    detail: 'the batch cannot be read back',
  });
  const [first, second] = readFileSync(join(folder, 'dead-letters.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const { sealed, ...told } = first ?? {};
  assert.deepEqual(told, {
    acceptedAt: '2027-01-15T08:00:00.000Z',
    batchId: 'a-batch',
    sdkKey: 'secret-disk***',
    ...DEATH,
    bytes: batch.body.length,
    contentEncoding: null,
  });
  assert.deepEqual([second?.['reason'], second?.['sealed']], ['unreadable', null]);
  assert.ok(!isReadable(folder, batch.sdkKey) && !isReadable(folder, 'private'));
  assert.equal(statSync(join(folder, 'dead-letters.jsonl')).mode & 0o777, 0o600);
  const opened = openLetter(readFileSync(join(folder, 'key')), String(sealed));
  assert.deepEqual(opened, batch);
});

function fail(error: unknown): never {
  throw error;
}

test('a letter of any size can be opened', async () => {
  for (const bytes of [0, 1, 2, 3, 786_431, 786_432, 786_433, 786_432 * 3 + 1]) {
    for (const query of ['', '?', '?a']) {
      const folder = makeFolder();
      const batch = { ...makeBatch('a-batch', 'é'.repeat(bytes).slice(0, bytes)), query };
      await letters(fail, folder, 100_000_000).add(keptOf(batch), batch, DEATH);
      const line = readFileSync(join(folder, 'dead-letters.jsonl'), 'utf8');
      const { sealed } = JSON.parse(line) as { readonly sealed: string };
      const opened = openLetter(readFileSync(join(folder, 'key')), sealed);
      assert.ok(opened.body.equals(batch.body), `${bytes} bytes`);
      assert.equal(opened.query, query);
    }
  }
});

test('a letter of 20 MiB stalls nobody for more than 25 ms', async (t) => {
  const folder = makeFolder();
  const batch = makeBatch('a-batch', 'x'.repeat(20 * 1024 * 1024));
  const stalls: number[] = [];
  // A stall of our own is there every time; what a busy machine adds is not.
  while (stalls.length < 12 && !stalls.some((stallMs) => stallMs <= 25)) {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    await letters(fail, folder).add(keptOf(batch), batch, DEATH);
    delay.disable();
    stalls.push(delay.max / 1e6);
  }
  t.diagnostic(`worst stalls of each try: ${stalls.join(', ')} ms`);
  assert.ok(Math.min(...stalls) <= 25, `stalls of ${stalls.join(', ')} ms`);
});

test('half a letter, as on a full disk, is cut off again, and the next one stands alone', async (t) => {
  const folder = makeFolder();
  const failures: unknown[] = [];
  const filed = letters((error) => failures.push(error), folder);
  const limit = (value: string): void => {
    execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${value}:`]);
  };
  t.after(() => {
    limit('unlimited');
  });
  const batch = makeBatch('a-batch', 'x'.repeat(10_000));
  await filed.add(keptOf(batch), undefined, DEATH);
  limit('5000');
  await filed.add(keptOf(batch), batch, DEATH);
  limit('unlimited');
  assert.equal(failures.length, 1);
  await filed.add(keptOf(batch), batch, DEATH);
  const lines = readFileSync(join(folder, 'dead-letters.jsonl'), 'utf8').trim().split('\n');
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { readonly sealed: unknown }).sealed === null),
    [true, false],
  );
});

for (const halfBytes of [1, 10, 65_535, 65_536, 200_000]) {
  test(`half a letter of ${halfBytes} bytes, from a process that was killed, spoils neither neighbour`, async () => {
    const folder = makeFolder();
    const path = join(folder, 'dead-letters.jsonl');
    const batch = makeBatch('a-batch');
    await letters(fail, folder).add(keptOf(batch), batch, DEATH);
    const [whole, half] = [readFileSync(path, 'utf8'), '{'.padEnd(halfBytes, 'x')];
    for (const before of ['', whole]) {
      writeFileSync(path, before + half);
      await letters(fail, folder).add(keptOf(batch), undefined, DEATH);
      const [last, ...others] = readFileSync(path, 'utf8').trim().split('\n').reverse();
      assert.equal((JSON.parse(last ?? '') as { readonly sealed: unknown }).sealed, null);
      assert.deepEqual(others, before === '' ? [] : [whole.trim()]);
    }
  });
}

/** As docs/log-events.md tells it. */
function openLetter(key: Buffer, sealed: string): Batch & { readonly body: Buffer } {
  const bytes = Buffer.from(sealed, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(-16));
  const content = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
  const bodyFrom = 4 + content.readUInt32BE(0);
  const facts = JSON.parse(content.toString('utf8', 4, bodyFrom)) as Omit<Batch, 'body'>;
  return { ...facts, body: content.subarray(bodyFrom) };
}

test('however many are given up, the files stay within their bound, and the latest are there', async () => {
  const folder = makeFolder();
  const filed = letters(fail, folder, 20_000);
  for (let index = 0; index < 100; index += 1) {
    const batch = makeBatch(`batch ${index}`, 'x'.repeat(500));
    await filed.add(keptOf(batch), batch, DEATH);
    assert.ok(bytesIn(folder) < 20_000 + 3_000);
  }
  assert.ok(isReadable(folder, '"batch 99"') && isReadable(folder, '"batch 90"'));
});

test('what cannot be filed is told, and the next is tried again', async () => {
  const folder = makeFolder();
  writeFileSync(join(folder, 'file'), '');
  const failures: unknown[] = [];
  const filed = letters((error) => failures.push(error), join(folder, 'file'));
  const batch = makeBatch('a-batch');
  await filed.add(keptOf(batch), batch, DEATH);
  await filed.add(keptOf(batch), batch, DEATH);
  await filed.close();
  assert.equal(failures.length, 2);
});
