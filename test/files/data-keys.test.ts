// Data keys: read from a file without showing what is in it, exchanged while in use, and each opens only what it sealed.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { DataKeyMissing, DataKeys, parseDataKeys, type DataKey } from '../../src/files/data-keys.js';
import { BrokenSeal } from '../../src/files/seal.js';
import { ManualClock } from '../fakes/manual-clock.js';

const LINES = [1, 2, 3].map((byte) => Buffer.alloc(32, byte).toString('base64'));

function keysOf(...lines: readonly (string | undefined)[]): readonly DataKey[] {
  const { keys, faults } = parseDataKeys(lines.join('\n'));
  assert.deepEqual(faults, []);
  return keys;
}

function openKeys(...lines: readonly (string | undefined)[]): DataKeys {
  return new DataKeys(new ManualClock(), keysOf(...lines));
}

async function seal(keys: DataKeys, text: string, purpose?: string): Promise<Buffer> {
  return Buffer.concat(await keys.close([Buffer.from(text)], purpose));
}

test('a key is 32 bytes in base64, with or without its end, or in hex; comments and empty lines count for nothing', () => {
  const key = randomBytes(32);
  const forms = [
    key.toString('base64'),
    key.toString('base64url'),
    key.toString('hex'),
    key.toString('hex').toUpperCase(),
    `# the newest\r\n\r\n  ${key.toString('base64')}  # of June\r\n`,
  ];
  for (const form of forms) {
    const { keys, faults } = parseDataKeys(form);
    assert.deepEqual(faults, []);
    assert.equal(keys.length, 1);
    assert.ok(keys[0]?.key.equals(key), form);
    assert.match(keys[0]?.id ?? '', /^[0-9a-f]{16}$/);
  }
});

test('what is no key is a fault that names the line and shows nothing of it', () => {
  const [first = '', second = '', third = ''] = LINES;
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /^holds no key: make one with: openssl rand -base64 32$/],
    ['# nothing\n', /^holds no key/],
    ['c2hvcnQ=', /^line 1 is not 32 bytes in base64 or hex: make one with/],
    [`${first}\n${'x'.repeat(65)}`, /^line 2 is not 32 bytes/],
    [`${first}\n${first}`, /^line 2 repeats the key above$/],
    [`${first}\n${second}\n${third}`, /^holds 3 keys: one that seals, and the one before it at most$/],
  ];
  for (const [text, fault] of cases) {
    const { faults } = parseDataKeys(text);
    assert.equal(faults.length, 1, text);
    assert.match(faults[0] ?? '', fault);
  }
});

test('whatever text a file holds, it is keys or faults, and no fault shows a word of it', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 20, maxLength: 90 }), (word) => {
      const { keys, faults } = parseDataKeys(word);
      assert.ok(keys.length > 0 || faults.length > 0);
      assert.ok(!faults.join().includes(word));
    }),
  );
});

test('content of any size comes back as it was, for its purpose only', async () => {
  const keys = openKeys(LINES[0]);
  for (const bytes of [0, 1, 1024 * 1024, 1024 * 1024 + 1, 3_000_000]) {
    const content = randomBytes(bytes);
    const sealed = Buffer.concat(await keys.close([content.subarray(0, 1), content.subarray(1)], 'specs'));
    assert.ok((await keys.open(sealed, 'specs')).equals(content));
    await assert.rejects(keys.open(sealed, 'holds'), BrokenSeal);
  }
});

test('the first key seals, each opens what it sealed: a key is replaced in three steps, and nothing is unreadable in between', async () => {
  const clock = new ManualClock();
  const [old, young] = LINES;
  const keys = new DataKeys(clock, keysOf(old));
  const before = await seal(keys, 'before');
  keys.replace(keysOf(old, young));
  const during = await seal(keys, 'during');
  keys.replace(keysOf(young, old));
  const after = await seal(keys, 'after');
  for (const [sealed, text] of [
    [before, 'before'],
    [during, 'during'],
    [after, 'after'],
  ] as const)
    assert.equal((await keys.open(sealed)).toString(), text);
  keys.replace(keysOf(young));
  assert.equal((await keys.open(after)).toString(), 'after');
  assert.equal(keys.missing, undefined);
  await assert.rejects(keys.open(before), DataKeyMissing);
});

test('without its key, what was sealed is missing a key, and is told with the name of that key until it is quiet', async () => {
  const clock = new ManualClock();
  const other = openKeys(LINES[1]);
  const sealed = await seal(other, 'text');
  for (const keys of [new DataKeys(clock), new DataKeys(clock, keysOf(LINES[0]))]) {
    await assert.rejects(keys.open(sealed), (error) => {
      assert.ok(error instanceof DataKeyMissing);
      assert.equal(error.id, other.sealingId);
      assert.match(error.message, /^sealed with data key [0-9a-f]{16}, .*: put it back, as its second line$/);
      return true;
    });
    assert.deepEqual(keys.missing, { id: other.sealingId, forMs: 0, count: 1 });
    clock.advance(300_000);
    assert.equal(keys.missing, undefined);
  }
  await assert.rejects(new DataKeys(clock).close([Buffer.from('text')]), /there is no data key to seal with/);
});

test('whatever is changed in what was sealed, it is broken, and never taken for what lacks a key', async () => {
  const keys = openKeys(LINES[0]);
  const sealed = await seal(keys, 'the content');
  await fc.assert(
    fc.asyncProperty(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ change;
      await assert.rejects(keys.open(changed), BrokenSeal);
      await assert.rejects(keys.open(sealed.subarray(0, at)), BrokenSeal);
    }),
  );
});

test('whoever subscribed learns that other keys are there', () => {
  const keys = openKeys(LINES[0]);
  let changes = 0;
  keys.subscribe(() => (changes += 1));
  keys.replace(keysOf(LINES[1]));
  assert.equal(changes, 1);
  assert.deepEqual(keys.ids, [keysOf(LINES[1])[0]?.id]);
});
