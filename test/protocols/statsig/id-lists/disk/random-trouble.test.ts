// Any order of steps on a disk of which any operation may fail at any time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CopyBytes } from '../../../../../src/protocols/statsig/id-lists/copy-place.js';
import type { DiskPlace } from '../../../../../src/protocols/statsig/id-lists/disk/disk-place.js';
import { copyName, listBytes, readAll } from '../../../../contracts/copy-bytes.js';
import { eventually } from '../../../../e2e/deadline.js';
import { FILE_OPERATIONS, TroubledFiles } from '../../../../fakes/troubled-files.js';
import { CopiesFolder } from './copies-folder.js';

const [NAME, OTHER] = [copyName('one'), copyName('other')];
/** More than is written at a time. */
const APPENDED_BYTES = 300_000;

type Call = 'create' | 'append' | 'read' | 'remove';

interface Held {
  readonly copy: CopyBytes;
  readonly list: number;
  bytes: number;
}

const step = fc.record({
  call: fc.constantFrom<Call>('create', 'append', 'append', 'append', 'read', 'remove'),
  name: fc.constantFrom(NAME, OTHER),
  operation: fc.constantFrom(...FILE_OPERATIONS),
  code: fc.constantFrom('ENOSPC', 'EACCES', 'EIO', 'EMFILE'),
  /** How many calls of the operation work before it fails. */
  spared: fc.nat(4),
});

test('whatever fails at whatever time, a copy holds what it says it does, and no file stays open', async (t) => {
  const folder = new CopiesFolder(t);
  const troubled = new TroubledFiles();
  const { place } = await folder.open(troubled.files);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
      const held = new Map<string, Held>();
      for (const [list, { call, name, operation, code, spared }] of steps.entries()) {
        let calls = 0;
        troubled.fail(operation, code, () => (calls += 1) > spared);
        if (call === 'create') await create(place, held, name, list);
        else await take(call, held, name);
        troubled.heal();
        for (const each of held.values()) await assertHolds(each);
      }
      for (const { copy } of held.values()) await copy.remove();
    }),
    { numRuns: 60 },
  );
  await eventually('closed files', () => troubled.openHandles === 0);
  await place.create(NAME);
  await place.close();
  const { place: next, left } = await folder.open();
  assert.equal(left.get(NAME)?.length, 0);
  // The other one may be there too, where it could not be removed.
  for (const copy of left.values()) await copy.remove();
  await next.close();
  assert.deepEqual(folder.names, []);
});

async function assertHolds({ copy, list, bytes }: Held): Promise<void> {
  assert.equal(copy.length, bytes);
  assert.ok((await readAll(copy)).equals(listBytes(list, 0, bytes)));
}

async function create(place: DiskPlace, held: Map<string, Held>, name: string, list: number): Promise<void> {
  // What was there is lost also where the new one cannot be made.
  held.delete(name);
  try {
    held.set(name, { copy: await place.create(name), list, bytes: 0 });
  } catch (error) {
    assert.ok(error instanceof Error && 'code' in error, 'the error of the disk');
  }
}

async function take(call: Call, held: Map<string, Held>, name: string): Promise<void> {
  const known = held.get(name);
  if (known === undefined) return;
  const { copy, list, bytes } = known;
  if (call === 'remove') {
    await copy.remove();
    held.delete(name);
    return;
  }
  try {
    if (call === 'read') {
      assert.ok((await readAll(copy)).equals(listBytes(list, 0, bytes)));
      return;
    }
    await copy.append(listBytes(list, bytes, bytes + APPENDED_BYTES));
    known.bytes += APPENDED_BYTES;
  } catch (error) {
    assert.ok(error instanceof Error && 'code' in error && error.code !== 'ERR_ASSERTION', String(error));
  }
}
