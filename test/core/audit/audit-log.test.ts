// The audit log and its places: every line once and in order, whatever fails meanwhile; in a folder across restarts, shared in one chain.
import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { verifyAudit } from '../../../src/cli/verify-audit.js';
import { readLine, verifyChain, type AuditEvent } from '../../../src/core/audit/audit-line.js';
import { AuditLog, type AuditPlace } from '../../../src/core/audit/audit-log.js';
import { createFiledAudit } from '../../../src/core/audit/filed-audit.js';
import { createSharedAudit, SHARED_LINES_MAX } from '../../../src/core/audit/shared-audit.js';
import { DiskQueue } from '../../../src/files/disk-queue.js';
import { AuditFolder } from '../../../src/storage/disk/audit-folder.js';
import { MemorySnapshots } from '../../../src/storage/memory/memory-snapshots.js';
import { createTestLog } from '../../fakes/log-sink.js';
import { ManualClock, settle } from '../../fakes/manual-clock.js';
import { makeTemporaryFolder } from '../../fakes/temporary-folder.js';
import { testUser } from '../../fakes/test-user.js';

const DAY_MS = 86_400_000;

function event(clock: ManualClock, reason: string): AuditEvent {
  const of = { keyHash: 'aa', api: 'v2', format: 'json', old: 1, new: 2 };
  return {
    action: 'version',
    atMs: clock.nowMs(),
    replica: 'one',
    who: 'origin',
    address: '',
    ...of,
    reason,
  };
}

function reasons(lines: readonly string[] | undefined): readonly unknown[] {
  return (lines ?? []).map((line) => readLine(line)?.fields['reason']);
}

function openFolder(t: TestContext, clock: ManualClock, folder: string): AuditPlace {
  const options = { folder, user: testUser(), queue: new DiskQueue(clock), daysKept: 2 };
  const place = createFiledAudit(new AuditFolder(clock, createTestLog(), options));
  t.after(() => place.close());
  return place;
}

test('a folder: one chain across restarts and days, whole to who verifies it, without the days that are over', async (t) => {
  const clock = new ManualClock();
  const folder = join(makeTemporaryFolder('audit'), 'data', 'audit');
  for (const reason of ['a', 'b', 'c', 'd']) {
    const place = openFolder(t, clock, folder);
    assert.equal(await place.append([event(clock, `${reason}1`), event(clock, `${reason}2`)]), true);
    clock.advance(DAY_MS);
  }
  const place = openFolder(t, clock, folder);
  assert.deepEqual(reasons(await place.newest(3)), ['c2', 'd1', 'd2']);
  assert.deepEqual(reasons(await place.newest(100)), ['b1', 'b2', 'c1', 'c2', 'd1', 'd2']);
  assert.deepEqual(verifyAudit(folder), { isWhole: true, text: 'whole: 6 lines, numbers 3 to 8' });
  const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  assert.equal(files.length, 3);
  assert.equal(verifyAudit(join(folder, files[1] ?? '')).isWhole, true);
  rmSync(join(folder, files[1] ?? ''));
  assert.equal(verifyAudit(folder).text, `${files[2] ?? ''}:1: lines missing before it`);
  rmSync(join(folder, files[2] ?? ''));
  assert.match(verifyAudit(folder).text, /missing at the end/);
  rmSync(join(folder, 'end.json'));
  assert.match(verifyAudit(folder).text, /cannot be read/);
});

test('a folder: half a line that a crash left is cut off before the next line', async (t) => {
  const clock = new ManualClock();
  const folder = join(makeTemporaryFolder('audit'), 'audit');
  await openFolder(t, clock, folder).append([event(clock, 'a')]);
  const file = join(folder, readdirSync(folder).find((name) => name.endsWith('.jsonl')) ?? '');
  appendFileSync(file, `{"seq":2,${'x'.repeat(70_000)}`);
  assert.equal(verifyAudit(folder).isWhole, false);
  const place = openFolder(t, clock, folder);
  assert.deepEqual(reasons(await place.newest(9)), ['a']);
  assert.equal(await place.append([event(clock, 'b')]), true);
  assert.deepEqual(verifyAudit(folder), { isWhole: true, text: 'whole: 2 lines, numbers 1 to 2' });
  assert.equal(readFileSync(file, 'utf8').includes('xxx'), false);
});

test('what replicas share: one chain of all of them, bounded by number and age', async () => {
  const clock = new ManualClock();
  const shared = new MemorySnapshots(clock, Infinity);
  const places = [1, 2].map(() => createSharedAudit(clock, shared, DAY_MS));
  await Promise.all(places.map((place, index) => place.append([event(clock, `r${index}`)])));
  const [place] = places;
  assert.ok(place !== undefined);
  assert.deepEqual([...reasons(await place.newest(9))].sort(), ['r0', 'r1']);
  clock.advance(DAY_MS + 1);
  await place.append(
    Array.from({ length: SHARED_LINES_MAX + 5 }, (_none, index) => event(clock, `n${index}`)),
  );
  const lines = (await place.newest(5_000)) ?? [];
  assert.equal(lines.length, SHARED_LINES_MAX);
  assert.deepEqual(verifyChain(lines), []);
});

test('a place that takes nothing gets every line later, once and in order; the others do not wait', async () => {
  const clock = new ManualClock();
  const taken: Record<'good' | 'bad', string[]> = { good: [], bad: [] };
  let works = false;
  const place = (name: 'good' | 'bad', takesEvery: boolean): AuditPlace => ({
    takesEvery,
    append: async (events) => {
      if (name === 'bad' && !works) return false;
      taken[name].push(...events.map(({ reason }) => reason));
      return true;
    },
    newest: async () => undefined,
    close: async () => undefined,
  });
  const audit = new AuditLog(clock, createTestLog(), [place('bad', true), place('good', false)]);
  audit.record(event(clock, 'a'), true);
  audit.record(event(clock, 'b'), false);
  await settle();
  assert.deepEqual(taken, { good: ['a'], bad: [] });
  assert.equal(audit.waiting.entries, 2);
  works = true;
  clock.advance(5_000);
  await settle();
  audit.record(event(clock, 'c'), true);
  await settle();
  assert.deepEqual(taken, { good: ['a', 'c'], bad: ['a', 'b', 'c'] });
  assert.equal(await audit.newest(1), undefined);
  works = false;
  for (let count = 0; count < 10_002; count += 1) audit.record(event(clock, String(count)), true);
  assertIsFull(audit);
  await audit.close();
});

function assertIsFull({ waiting: { entries, entriesMax } }: AuditLog): void {
  assert.ok(entries > entriesMax - 1_000 && entries <= entriesMax, String(entries));
}
