// The forms of a body: every one decodes to the same bytes, is made once, and off the event loop's hands.
import { createConcurrencyLimit } from '../../src/domain/concurrency-limit.js';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { execFileSync } from 'node:child_process';
import { BodyForms, canMakeZstd } from '../../src/bodies/body-forms.js';
import { toEtag } from '../../src/domain/etag.js';
import type { BodyForm, Encoding, FormEncoding } from '../../src/domain/payload.js';

const IDENTITY = Buffer.from(
  JSON.stringify({ big: 9007199254740993n.toString(), list: Array(20_000).fill('é') }),
);
const ENCODED: Readonly<Record<Encoding, Buffer>> = {
  identity: IDENTITY,
  gzip: gzipSync(IDENTITY),
  br: brotliCompressSync(IDENTITY),
};
const ENCODINGS: readonly Encoding[] = ['identity', 'gzip', 'br'];
const FORM_ENCODINGS: readonly FormEncoding[] = [...ENCODINGS, ...(canMakeZstd ? (['zstd'] as const) : [])];

function decode({ encoding, bytes }: BodyForm<FormEncoding>): Buffer {
  switch (encoding) {
    case 'identity':
      return bytes;
    case 'gzip':
      return gunzipSync(bytes);
    case 'br':
      return brotliDecompressSync(bytes);
    case 'zstd':
      return execFileSync('zstd', ['--decompress', '--stdout'], { input: bytes, maxBuffer: 1 << 28 });
  }
}

function createForms(encoding: Encoding, bytes = ENCODED[encoding]): BodyForms {
  const originForm = { encoding, bytes, etag: '"origin"' };
  return new BodyForms(
    { format: 'json', version: 1, originForm, identityBytes: IDENTITY.length },
    createConcurrencyLimit(2),
  );
}

for (const from of ENCODINGS) {
  for (const to of FORM_ENCODINGS.filter((encoding) => encoding !== from)) {
    test(`${to} made of ${from} decodes to the same bytes, with a tag of its own`, async () => {
      const forms = createForms(from);
      const form = await forms.make(to);
      assert.equal(form.encoding, to);
      assert.ok(decode(form).equals(IDENTITY));
      assert.equal(form.etag, toEtag(createHash('sha256').update(form.bytes)));
    });
  }
}

test('the form that came is kept as it came', () => {
  const forms = createForms('gzip');
  assert.equal(forms.held('gzip')?.bytes, ENCODED.gzip);
  assert.equal(forms.held('br'), undefined);
});

test('a form is made once for all who want it', async () => {
  const forms = createForms('br');
  const made = await Promise.all(Array.from({ length: 20 }, () => forms.make('gzip')));
  assert.equal(new Set(made).size, 1);
  assert.equal(forms.held('gzip'), made[0]);
});

test('what is at hand comes first, what came from the origin before all', async () => {
  const forms = createForms('gzip');
  assert.deepEqual(forms.byEase, ['gzip', 'br', 'identity']);
  await forms.make('identity');
  assert.deepEqual(forms.byEase, ['gzip', 'identity', 'br']);
  assert.deepEqual(forms.sizes, { gzip: ENCODED.gzip.length, identity: IDENTITY.length });
});

test('zstd, which most SDKs cannot read, is none of the encodings that any client may name', async (t) => {
  if (!canMakeZstd) {
    t.skip('this Node has no zstd');
    return;
  }
  const forms = createForms('br');
  const made = await Promise.all([forms.make('zstd'), forms.make('zstd')]);
  assert.equal(made[0], made[1]);
  assert.equal(forms.held('zstd'), made[0]);
  assert.deepEqual(forms.byEase, ['br', 'gzip', 'identity']);
  assert.equal(forms.sizes.zstd, made[0].bytes.length);
});

test('a form that cannot be made fails for who waits, and is tried again by the next', async () => {
  const forms = createForms('gzip', Buffer.from('no gzip'));
  const first = forms.make('identity');
  await assert.rejects(first, { code: 'Z_DATA_ERROR' });
  const second = forms.make('identity');
  assert.notEqual(first, second);
  await assert.rejects(second, { code: 'Z_DATA_ERROR' });
});

function around(before: Buffer, after: Buffer): (pieces: readonly Buffer[]) => Buffer {
  return (pieces) => Buffer.concat([before, ...pieces, after]);
}

test('a body is wrapped once for each framing, and tells how many bytes that takes', async () => {
  const forms = createForms('br');
  const [before, after] = [Buffer.from('<'), Buffer.from('>')];
  const framed = [forms.wrap('one', around(before, after)), forms.wrap('one', around(before, after))];
  const [first, second] = await Promise.all(framed);
  assert.equal(first, second);
  assert.ok(first?.equals(Buffer.concat([before, IDENTITY, after])));
  const other = await forms.wrap('two', around(Buffer.from('data: '), Buffer.from('\n\n')));
  assert.ok(other.equals(Buffer.concat([Buffer.from('data: '), IDENTITY, Buffer.from('\n\n')])));
  assert.equal(forms.sizes.wrapped, (first?.length ?? 0) + other.length);
});

test('what was made and is not read any more is gone, and what came stays', async () => {
  const forms = createForms('br');
  await Promise.all([
    forms.make('gzip'),
    forms.make('identity'),
    forms.wrap('one', around(IDENTITY, IDENTITY)),
  ]);
  for (let look = 0; look < 2; look += 1) {
    forms.dropUnread(3);
    forms.held('gzip');
  }
  assert.equal(forms.sizes.wrapped, 3 * IDENTITY.length);
  forms.dropUnread(3);
  assert.deepEqual(Object.keys(forms.sizes), ['br', 'gzip']);
  assert.deepEqual(forms.byEase, ['br', 'gzip', 'identity']);
  for (let look = 0; look < 2; look += 1) forms.dropUnread(3);
  assert.deepEqual(forms.sizes, { br: ENCODED.br.length });
  assert.ok(decode(await forms.make('gzip')).equals(IDENTITY), 'made again');
});

test('a frame that is read stays, and one that is being made is not let go of', async () => {
  const forms = createForms('br');
  const ask = (): Promise<Buffer> => forms.wrap('one', around(Buffer.from('<'), Buffer.from('>')));
  const first = ask();
  for (let look = 0; look < 3; look += 1) forms.dropUnread(1);
  assert.equal(ask(), first);
  await first;
  forms.dropUnread(2);
  assert.equal(ask(), first);
  forms.dropUnread(2);
  assert.equal(ask(), first, 'the reading between counted');
  for (let look = 0; look < 2; look += 1) forms.dropUnread(2);
  assert.notEqual(ask(), first);
});

test('a body that could not be wrapped is wrapped for the next caller', async () => {
  const forms = createForms('gzip', Buffer.from('no gzip'));
  const failing = forms.wrap('one', around(Buffer.alloc(0), Buffer.alloc(0)));
  await assert.rejects(failing);
  const again = forms.wrap('one', around(Buffer.alloc(0), Buffer.alloc(0)));
  assert.notEqual(again, failing);
  await assert.rejects(again);
  assert.equal(forms.sizes.wrapped, undefined);
});
