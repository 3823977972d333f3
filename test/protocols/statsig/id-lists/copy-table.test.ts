// The table of copies where things meet: removals and new copies, dropped copies and their writers, limits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CopyTable } from '../../../../src/protocols/statsig/id-lists/copy-table.js';
import { fillCopy } from '../../../../src/protocols/statsig/id-lists/fill-copy.js';
import type { CopyBytes } from '../../../../src/protocols/statsig/id-lists/copy-place.js';
import { MemoryPlace } from '../../../../src/protocols/statsig/id-lists/memory-place.js';
import {
  fileFailed,
  type IdListFileOrigin,
} from '../../../../src/protocols/statsig/origin/id-list-file-origin.js';
import { settle } from '../../../fakes/manual-clock.js';
import { fileNamed, readAll } from './file-scene.js';
import { Gate } from '../../../fakes/gate.js';

/** Memory whose copies take their time to be written and removed. */
class SlowPlace extends MemoryPlace {
  readonly steps: string[] = [];
  readonly #gate = new Gate();

  hold(): () => void {
    return this.#gate.hold();
  }

  override async create(): Promise<CopyBytes> {
    this.steps.push('create');
    const copy = await super.create();
    return {
      get length() {
        return copy.length;
      },
      append: async (piece) => {
        await this.#gate.opened;
        await copy.append(piece);
        this.steps.push('appended');
      },
      read: (from, to) => copy.read(from, to),
      remove: async () => {
        await this.#gate.opened;
        await copy.remove();
        this.steps.push('removed');
      },
    };
  }
}

test('a copy of the same name is not made before the one it replaces is gone', async () => {
  const place = new SlowPlace();
  const table = new CopyTable(place, { bytesMax: 100 });
  const old = await table.create('a');
  const release = place.hold();
  void table.drop(old);
  const made = table.create('a');
  await settle();
  assert.deepEqual(place.steps, ['create']);
  release();
  const copy = await made;
  assert.deepEqual(place.steps, ['create', 'removed', 'create']);
  assert.equal(table.peek('a'), copy);
});

test('who writes into a copy that was dropped is told, and its bytes count no more', async () => {
  const place = new SlowPlace();
  const table = new CopyTable(place, { bytesMax: 100 });
  const copy = await table.create('a');
  await table.append(copy, Buffer.from('+a\n'));
  const release = place.hold();
  const appended = table.append(copy, Buffer.from('+b\n'));
  assert.equal(table.bytes, 6);
  void table.drop(copy);
  assert.equal(table.bytes, 0);
  release();
  assert.equal(await appended, true);
  await assert.rejects(table.append(copy, Buffer.from('+c\n')), { reason: 'copy_not_kept' });
  assert.equal(table.bytes, 0);
  table.used(copy);
  assert.equal(table.copies, 0);
});

test('empty copies are bounded too, and ones in use are not given up for others', async () => {
  const table = new CopyTable(new MemoryPlace(), { bytesMax: 100 });
  const copies = [];
  for (let at = 0; at < table.copiesMax; at += 1) copies.push(await table.create(String(at)));
  await assert.rejects(table.create('one more'), { reason: 'copy_not_kept' });
  copies[7]?.letGo();
  await table.create('one more');
  assert.equal(table.copies, table.copiesMax);
  assert.equal(table.peek('7'), undefined);
});

test('a fetch whose time is over ends only when its last piece was written', async () => {
  const place = new SlowPlace();
  const table = new CopyTable(place, { bytesMax: 100 });
  const file = fileNamed('a');
  const release = place.hold();
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('+a\n');
    await Promise.reject(new Error('aborted'));
  }
  const impatient: IdListFileOrigin = {
    fetch: async (_url, fromByte, take) => {
      void take({ startByte: fromByte, endByte: 6, breakOff: () => undefined }, bytes()).catch(
        () => undefined,
      );
      await settle();
      return fileFailed('request_timeout', 'as scripted');
    },
    close: async () => undefined,
  };
  let isOver = false;
  const filled = fillCopy(impatient, table, file, 6).finally(() => (isOver = true));
  await settle();
  await settle();
  assert.equal(isOver, false);
  release();
  assert.deepEqual(await filled, { kind: 'failed', reason: 'request_timeout', detail: 'as scripted' });
  const copy = table.peek(file.name);
  assert.equal(copy?.isInUse, false);
  assert.equal((await readAll(copy.bytes.read(0, 3))).toString(), '+a\n');
});
