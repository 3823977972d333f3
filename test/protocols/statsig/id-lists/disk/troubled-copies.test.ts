// A disk that is full, read-only, gone or hanging: every call says so, what does not count was not written, nothing else is harmed.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, test, type TestContext } from 'node:test';
import type { CopyBytes } from '../../../../../src/protocols/statsig/id-lists/copy-place.js';
import type { DiskPlace } from '../../../../../src/protocols/statsig/id-lists/disk/disk-place.js';
import { copyFile } from '../../../../../src/protocols/statsig/id-lists/disk/copy-file.js';
import { copyName, grow, listBytes, readAll } from '../../../../contracts/copy-bytes.js';
import { eventually, within } from '../../../../e2e/deadline.js';
import type { LogLine } from '../../../../fakes/log-sink.js';
import { settle } from '../../../../fakes/manual-clock.js';
import { TroubledFiles, type FileOperation } from '../../../../fakes/troubled-files.js';
import { CopiesFolder } from './copies-folder.js';

const [NAME, OTHER] = [copyName('one'), copyName('other')];
const READS_FAIL = 'folder of ID lists fails: copies that are stored there cannot be read';
const WRITES_FAIL = 'folder of ID lists fails: no copy can be made or grow there';
const READS_WORK = 'folder of ID lists works again: copies that are stored there can be read';
const WRITES_WORK = 'folder of ID lists works again: copies are made and grow there';
const CODES = ['ENOSPC', 'EROFS', 'EIO'];

interface Scene {
  readonly folder: CopiesFolder;
  readonly troubled: TroubledFiles;
  readonly place: DiskPlace;
  /** Of 1000 bytes. */
  readonly copy: CopyBytes;
}

async function createScene(t: TestContext): Promise<Scene> {
  const folder = new CopiesFolder(t);
  const troubled = new TroubledFiles();
  const { place } = await folder.open(troubled.files);
  const copy = await place.create(NAME);
  await grow(copy, 1, 1000);
  return { folder, troubled, place, copy };
}

async function assertHolds(copy: CopyBytes, list: number, bytes: number): Promise<void> {
  assert.equal(copy.length, bytes);
  assert.ok((await readAll(copy)).equals(listBytes(list, 0, bytes)));
}

test('an append that fails does not count, and the next one stands where it would have stood', async (t) => {
  for (const code of CODES) {
    const { folder, troubled, place, copy } = await createScene(t);
    troubled.fail('write', code);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await assert.rejects(copy.append(listBytes(2, 0, 500)), { code });
      await assertHolds(copy, 1, 1000);
    }
    troubled.heal();
    await grow(copy, 1, 2000);
    await assertHolds(copy, 1, 2000);
    await place.close();
    await assertHolds((await folder.open()).left.get(NAME) ?? assert.fail(), 1, 2000);
    assert.deepEqual(folder.messages, [WRITES_FAIL, WRITES_WORK]);
  }
});

test('an append of which a large part was written before it failed does not count', async (t) => {
  const { folder, troubled, place, copy } = await createScene(t);
  let writes = 0;
  troubled.fail('write', 'ENOSPC', () => (writes += 1) > 1);
  await assert.rejects(copy.append(listBytes(2, 0, 600_000)), { code: 'ENOSPC' });
  troubled.heal();
  await grow(copy, 1, 2000);
  await place.close();
  await assertHolds((await folder.open()).left.get(NAME) ?? assert.fail(), 1, 2000);
});

test('an append that is written in part does not count', async (t) => {
  const { troubled, copy } = await createScene(t);
  let writes = 0;
  troubled.cutShort(100);
  troubled.fail('write', 'ENOSPC', () => (writes += 1) > 3);
  await assert.rejects(copy.append(listBytes(2, 0, 500)), { code: 'ENOSPC' });
  await assertHolds(copy, 1, 1000);
  troubled.heal();
  troubled.cutShort(7);
  await grow(copy, 1, 1500);
  await assertHolds(copy, 1, 1500);
});

test('a disk that takes no byte, and says nothing of it, fails', async (t) => {
  const { troubled, copy } = await createScene(t);
  troubled.cutShort(0);
  await assert.rejects(copy.append(listBytes(1, 1000, 1010)), /takes no more bytes/);
  troubled.heal();
  await assertHolds(copy, 1, 1000);
});

describe('a copy that cannot be made', () => {
  const operations: readonly FileOperation[] = ['open', 'unlink', 'lstat'];
  for (const operation of operations) {
    test(`as ${operation} fails harms no other, and can be made later`, async (t) => {
      const { folder, troubled, place, copy } = await createScene(t);
      troubled.fail(operation, 'ENOSPC');
      for (let attempt = 0; attempt < 3; attempt += 1) {
        await assert.rejects(place.create(OTHER), { code: 'ENOSPC' });
      }
      troubled.heal();
      await assertHolds(copy, 1, 1000);
      await grow(copy, 1, 1500);
      await assertHolds(await grown(place, OTHER, 2), 2, 100);
      assert.equal(troubled.openHandles, 0);
      assert.deepEqual(folder.messages, [WRITES_FAIL, WRITES_WORK]);
      await place.close();
      await assertHolds((await folder.open()).left.get(NAME) ?? assert.fail(), 1, 1500);
    });
  }
});

async function grown(place: DiskPlace, name: string, list: number): Promise<CopyBytes> {
  const copy = await place.create(name);
  await grow(copy, list, 100);
  return copy;
}

test('a read that fails throws, closes its file, and harms nobody', async (t) => {
  const { folder, troubled, copy } = await createScene(t);
  const held = troubled.openHandles;
  for (const operation of ['open', 'read'] as const) {
    troubled.fail(operation, 'EIO');
    await assert.rejects(readAll(copy), { code: 'EIO' });
    troubled.heal();
    assert.equal(troubled.openHandles, held);
    await assertHolds(copy, 1, 1000);
  }
  assert.deepEqual(folder.messages, [READS_FAIL, READS_WORK, READS_FAIL, READS_WORK]);
});

test('what is being read and fails in the middle gives no wrong byte before', async (t) => {
  const { troubled, copy } = await createScene(t);
  await grow(copy, 1, 200_000);
  let reads = 0;
  troubled.fail('read', 'EIO', () => (reads += 1) > 2);
  const got: Uint8Array[] = [];
  await assert.rejects(
    async () => {
      for await (const piece of copy.read(0, 200_000)) got.push(piece);
    },
    { code: 'EIO' },
  );
  assert.ok(Buffer.concat(got).equals(listBytes(1, 0, 2 * 65_536)));
});

test('what could not be removed is written over by the next copy of its name', async (t) => {
  const { folder, troubled, place, copy } = await createScene(t);
  troubled.fail('unlink', 'EIO');
  await copy.remove();
  assert.ok(folder.names.includes(copyFile(NAME)));
  troubled.heal();
  await assertHolds(await grown(place, NAME, 2), 2, 100);
  await place.close();
  await assertHolds((await folder.open()).left.get(NAME) ?? assert.fail(), 2, 100);
});

test('what could not be removed does not take the copy with it that is made in its place', async (t) => {
  const { troubled, place, copy } = await createScene(t);
  troubled.fail('unlink', 'EIO');
  await copy.remove();
  troubled.heal();
  const next = await place.create(NAME);
  await grow(next, 2, 100);
  await place.create(OTHER);
  await assertHolds(next, 2, 100);
});

describe('a disk that hangs', () => {
  test('ends in a rejection for all who wait, and what was late does not count', async (t) => {
    const { folder, troubled, place, copy } = await createScene(t);
    const hanging = troubled.hang('write');
    const appending = assert.rejects(copy.append(listBytes(2, 0, 500)), /too slow/);
    await within(hanging.reached, 'write');
    const waiting = assert.rejects(place.create(OTHER), /too slow/);
    await settle();
    folder.clock.advance(30_000);
    await within(Promise.all([appending, waiting]), 'rejections');
    await assert.rejects(copy.append(listBytes(2, 0, 500)), /too slow/);
    await copy.read(0, 0)[Symbol.asyncIterator]().next();
    hanging.release();
    await eventually('disk that works', () =>
      copy.append(listBytes(1, 1000, 1010)).then(
        () => true,
        () => false,
      ),
    );
    await assertHolds(copy, 1, 1010);
    await assertHolds(await grown(place, OTHER, 2), 2, 100);
    assert.deepEqual([folder.messages[0], folder.messages.at(-1)], [WRITES_FAIL, WRITES_WORK]);
  });

  test('while a file is opened for reading leaves no file open', async (t) => {
    const { folder, troubled, copy } = await createScene(t);
    const held = troubled.openHandles;
    const hanging = troubled.hang('open');
    const reading = assert.rejects(readAll(copy), /too slow/);
    await within(hanging.reached, 'open');
    folder.clock.advance(2_000);
    await within(reading, 'rejection');
    hanging.release();
    await eventually('closed file', () => troubled.order.at(-1) === 'close');
    assert.equal(troubled.openHandles, held);
    await assertHolds(copy, 1, 1000);
  });

  test('while a copy is made leaves no file open, and the next one of its name is right', async (t) => {
    const { folder, troubled, place, copy } = await createScene(t);
    const hanging = troubled.hang('open');
    const making = assert.rejects(place.create(OTHER), /too slow/);
    await within(hanging.reached, 'open');
    folder.clock.advance(30_000);
    await within(making, 'rejection');
    hanging.release();
    await eventually('closed file', () => troubled.order.at(-1) === 'close');
    assert.equal(troubled.openHandles, 0);
    await assertHolds(copy, 1, 1000);
    await assertHolds(await grown(place, OTHER, 2), 2, 100);
  });

  test('holds no start up, and what was not read by then is removed', async (t) => {
    const { folder, place } = await createScene(t);
    await grown(place, OTHER, 2);
    await place.close();
    const troubled = new TroubledFiles();
    let reads = 0;
    // Both headers, and one of the copies.
    const hanging = troubled.hang('read', () => (reads += 1) > 3);
    const next = folder.start(troubled.files);
    const opening = next.open();
    await within(hanging.reached, 'read');
    folder.clock.advance(5_000);
    assert.equal((await within(opening, 'open place')).size, 1);
    hanging.release();
    const isGone = (): boolean => folder.names.length === 1;
    await eventually('removal', isGone);
    const [line] = folder.sink.withMessage('copies of ID lists removed: they come from the origin again');
    assert.equal(line?.['unread'], 1);
    assert.equal(troubled.openHandles, 0);
  });

  test('before the folder is claimed holds a start up for 5 s, neither less nor more', async (t) => {
    const folder = new CopiesFolder(t);
    const troubled = new TroubledFiles();
    const hanging = troubled.hang('mkdir');
    const opening = folder.start(troubled.files).open();
    await within(hanging.reached, 'claim of the folder');
    let isOpen = false;
    void opening.then(() => (isOpen = true));
    folder.clock.advance(4_999);
    await settle();
    assert.equal(isOpen, false);
    folder.clock.advance(1);
    assert.equal((await within(opening, 'open place')).size, 0);
    hanging.release();
  });

  test('for a moment at every read leaves time for the copies that grew last', async (t) => {
    const { folder, place } = await createScene(t);
    for (const [list, bytes] of [
      [2, 4_000_000],
      [3, 100],
    ] as const) {
      folder.clock.advance(1000);
      await grow(await place.create(copyName(`list ${list}`)), list, bytes);
    }
    await place.close();
    const troubled = new TroubledFiles();
    // Three headers and a small copy take two seconds, and the large one six more.
    troubled.hang('read', () => {
      folder.clock.advance(400);
      return false;
    });
    const { left } = await folder.open(troubled.files);
    assert.deepEqual([...left.keys()], [copyName('list 3')]);
    await eventually('removal', () => folder.names.length === 1);
    const [line] = folder.sink.withMessage('copies of ID lists removed: they come from the origin again');
    assert.equal(line?.['unread'], 2);
    assert.equal(troubled.openHandles, 0);
  });

  test('holds no end up', async (t) => {
    const { folder, troubled, place, copy } = await createScene(t);
    const hanging = troubled.hang('write');
    const appending = assert.rejects(copy.append(listBytes(1, 1000, 1010)), /closed/);
    await within(hanging.reached, 'write');
    const closing = place.close();
    await settle();
    folder.clock.advance(1_000);
    await within(Promise.all([closing, appending]), 'end');
    hanging.release();
  });
});

describe('a folder that must not be used', () => {
  const cases: readonly (readonly [string, string, (folder: string, uid: number) => number])[] = [
    [
      'of another user',
      'the folder belongs to another user',
      (folder, uid) => {
        mkdirSync(folder, { mode: 0o700 });
        return uid + 1;
      },
    ],
    [
      'that everybody may write into',
      'other users may write into the folder',
      (folder, uid) => {
        mkdirSync(folder);
        chmodSync(folder, 0o702);
        return uid;
      },
    ],
    [
      'that is a file',
      'the path exists but is not a directory',
      (folder, uid) => {
        writeFileSync(folder, '');
        return uid;
      },
    ],
    [
      'that is a link to nowhere',
      'the symbolic link does not lead to a directory',
      (folder, uid) => {
        symlinkSync('/nowhere', folder);
        return uid;
      },
    ],
  ];
  for (const [name, detail, make] of cases) {
    test(`one ${name}`, async (t) => {
      const folder = new CopiesFolder(t);
      const uid = make(folder.path, process.getuid?.() ?? 0);
      const { place, left } = await folder.open(undefined, { user: { uid, gids: [] } });
      assert.equal(left.size, 0);
      for (let attempt = 0; attempt < 3; attempt += 1) {
        await assert.rejects(place.create(NAME), { name: 'FolderRefused', message: detail });
      }
      assert.deepEqual(folder.messages, [WRITES_FAIL], 'one line');
      const line = folder.sink.lines[0] as LogLine;
      assert.deepEqual(
        [line['reason'], line['detail'], line['folder']],
        ['disk_denied', detail, folder.path],
      );
    });
  }
});

test('a folder that could not be used at the start is used when it can be, without what it held', async (t) => {
  const { folder, place } = await createScene(t);
  await grown(place, OTHER, 2);
  await place.close();
  const troubled = new TroubledFiles();
  for (const operation of ['lstat', 'readdir'] as const) {
    troubled.fail(operation, 'EIO');
    const next = await folder.open(troubled.files);
    assert.equal(next.left.size, 0);
    await assert.rejects(next.place.create(NAME), { code: 'EIO' });
    troubled.heal();
    await assertHolds(await grown(next.place, NAME, 3), 3, 100);
    await eventually('removal', () => !folder.names.includes(copyFile(OTHER)));
    await next.place.close();
    const last = await folder.open();
    assert.deepEqual([...last.left.keys()], [NAME]);
    await assertHolds(last.left.get(NAME) ?? assert.fail(), 3, 100);
    await last.place.close();
  }
});

test('a copy of a disk that cannot be written to is taken over', async (t) => {
  const { folder, place, copy } = await createScene(t);
  await place.close();
  writeFileSync(folder.pathOf(copyFile(NAME)), 'what was written last', { flag: 'a' });
  const troubled = new TroubledFiles();
  const isWriting = (_path: unknown, flags: unknown): boolean => (Number(flags) & 3) !== 0;
  troubled.fail('open', 'EROFS', isWriting);
  const { left } = await folder.open(troubled.files);
  await assertHolds(left.get(NAME) ?? assert.fail(), 1, copy.length);
  await assert.rejects(left.get(NAME)?.append(Buffer.from('+')) ?? assert.fail(), { code: 'EROFS' });
});

test('a folder that is taken away is made again, and nothing wrong is read meanwhile', async (t) => {
  const { folder, place, copy } = await createScene(t);
  const reading = copy.read(0, 1000);
  rmSync(folder.path, { recursive: true });
  await assert.rejects(readAll(copy), { code: 'ENOENT' });
  const next = await place.create(NAME);
  await grow(next, 2, 2000);
  await assertHolds(next, 2, 2000);
  await assert.rejects(async () => {
    for await (const piece of reading) assert.fail(String(piece));
  }, /removed/);
});

test('a file that cannot be read at the start is no copy, and the others are', async (t) => {
  const { folder, place } = await createScene(t);
  await grown(place, OTHER, 2);
  await place.close();
  const troubled = new TroubledFiles();
  troubled.fail('open', 'EIO', (path) => String(path).endsWith(copyFile(NAME)));
  const { left } = await folder.open(troubled.files);
  assert.deepEqual([...left.keys()], [OTHER]);
  await eventually('removal', () => folder.names.length === 1);
});
