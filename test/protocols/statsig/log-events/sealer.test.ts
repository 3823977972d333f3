// The seal of batches that are stored where others may read: with a data key or without one, and what was stored before is read either way.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataKeyMissing, DataKeys, parseDataKeys } from '../../../../src/files/data-keys.js';
import { BatchDamage } from '../../../../src/protocols/statsig/log-events/batch.js';
import { encodeBatch } from '../../../../src/protocols/statsig/log-events/disk/record.js';
import { createDataKeySealer } from '../../../../src/protocols/statsig/log-events/sealer.js';
import { ManualClock } from '../../../fakes/manual-clock.js';
import { makeBatch } from './disk/folder.js';

const [OLD = '', YOUNG = ''] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64'));
const CONTENT = encodeBatch(makeBatch('one'));
const WHOLE = Buffer.concat(CONTENT);

function keysOf(...lines: readonly string[]): DataKeys {
  return new DataKeys(new ManualClock(), parseDataKeys(lines.join('\n')).keys);
}

test('a key that comes, changes or goes leaves batches of every time readable, as long as it is at hand', async () => {
  const keys = keysOf();
  const sealer = createDataKeySealer(keys);
  const stored: Buffer[] = [];
  for (const lines of [[], [OLD], [OLD, YOUNG], [YOUNG, OLD]]) {
    keys.replace(parseDataKeys(lines.join('\n')).keys);
    const sealed = Buffer.concat(await sealer.close(CONTENT));
    assert.equal(sealer.isSealed, lines.length > 0);
    assert.equal(sealed.includes(makeBatch('one').sdkKey), !sealer.isSealed);
    stored.push(sealed);
    for (const each of stored) assert.deepEqual(await sealer.open(each), WHOLE);
  }
  keys.replace([]);
  assert.deepEqual(await sealer.open(stored[0] ?? assert.fail()), WHOLE);
  await assert.rejects(sealer.open(stored[1] ?? assert.fail()), DataKeyMissing);
});

test('a batch that was changed is damaged', async () => {
  const sealer = createDataKeySealer(keysOf(OLD));
  const sealed = Buffer.concat(await sealer.close(CONTENT));
  sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1;
  await assert.rejects(sealer.open(sealed), BatchDamage);
});
