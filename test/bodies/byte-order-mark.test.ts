// Bodies with a byte order mark: taken, and kept without it, whatever their encoding and wherever their pieces are cut.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { takeInBody } from '../../src/bodies/body-intake.js';
import { BodyFault, type BodyReader } from '../../src/domain/body-reader.js';
import { ENCODINGS, type Encoding } from '../../src/domain/payload.js';
import { readPayload } from '../../src/storage/redis/redis-body.js';
import { ID_LISTS, SPEC_V1 } from '../../src/protocols/statsig/resource-kinds.js';
import { createSpecReader } from '../../src/protocols/statsig/spec-body/spec-reader.js';

const MARK = '\ufeff';
const SPEC = '{"has_updates":true,"time":1900000000000,"feature_gates":[{"name":"\ufeffé"}]}';
const LIMITS = { encodedBytesMax: 1_000_000, decodedBytesMax: 1_000_000 };

function encode(text: string, encoding: Encoding): Buffer {
  if (encoding === 'identity') return Buffer.from(text);
  return encoding === 'br' ? brotliCompressSync(text) : gzipSync(text);
}

function decode(bytes: Buffer, encoding: Encoding): string {
  if (encoding === 'identity') return bytes.toString();
  return (encoding === 'br' ? brotliDecompressSync(bytes) : gunzipSync(bytes)).toString();
}

async function* cut(bytes: Buffer, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

test('the mark is left out, and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...ENCODINGS),
      fc.boolean(),
      fc.integer({ min: 1, max: 100 }),
      async (encoding, isMarked, pieceBytes) => {
        const sent = encode(isMarked ? MARK + SPEC : SPEC, encoding);
        const reader = createSpecReader('json', LIMITS.decodedBytesMax);
        const { form, identityBytes, facts } = await takeInBody(
          cut(sent, pieceBytes),
          encoding,
          reader,
          LIMITS,
        );
        assert.equal(facts.time, 1_900_000_000_000);
        assert.equal(form.encoding, encoding);
        assert.equal(decode(form.bytes, encoding), SPEC);
        assert.equal(identityBytes, Buffer.byteLength(SPEC));
        if (!isMarked) assert.ok(form.bytes.equals(sent));
        const again = await takeInBody(cut(sent, 1_000), encoding, createSpecReader('json', 1e6), LIMITS);
        assert.equal(again.form.etag, form.etag);
        assert.match(form.etag, /^"[\w-]+"$/);
      },
    ),
    { numRuns: 60 },
  );
});

test('a replica with the same body without the mark has the same tag for it', async () => {
  const [marked, plain] = await Promise.all(
    [MARK + SPEC, SPEC].map((text) =>
      takeInBody(cut(Buffer.from(text), 10), 'identity', createSpecReader('json', 1e6), LIMITS),
    ),
  );
  assert.equal(marked?.form.etag, plain?.form.etag);
});

for (const [name, text] of [
  ['nothing but a mark', MARK],
  ['two marks', MARK + MARK + SPEC],
  ['a mark inside', SPEC.replace(',', `,${MARK}`)],
  ['a mark that breaks off', '\u00ef'],
] as const) {
  test(`${name} is no JSON`, async () => {
    const bytes = name.endsWith('off') ? Buffer.from([0xef, 0xbb]) : Buffer.from(text);
    const taking = takeInBody(cut(bytes, 2), 'identity', createSpecReader('json', 1e6), LIMITS);
    await assert.rejects(taking, BodyFault);
  });
}

test('what is no text keeps every byte', async () => {
  const bytes = Buffer.from([0xef, 0xbb, 0xbf, 1, 2]);
  const pushed: Uint8Array[] = [];
  const reader: BodyReader<number> = {
    isText: false,
    push: (piece) => pushed.push(piece),
    end: () => pushed.length,
  };
  const { form } = await takeInBody(cut(bytes, 2), 'identity', reader, LIMITS);
  assert.ok(form.bytes.equals(bytes));
  assert.ok(Buffer.concat(pushed).equals(bytes));
});

test('an entry that another writer stored with a mark is read without it', async () => {
  const stored = { version: 1_900_000_000_000, format: 'json', encoding: 'identity' } as const;
  const payload = await readPayload(Buffer.from(MARK + SPEC), { ...stored, kind: SPEC_V1 }, LIMITS);
  if (typeof payload === 'string') assert.fail(payload);
  assert.equal(payload.originForm.bytes.toString(), SPEC);
  const hash = createHash('sha256').update(SPEC).digest('base64url');
  assert.ok(hash.startsWith(payload.originForm.etag.slice(1, -1)), payload.originForm.etag);
  const manifest = await readPayload(Buffer.from(`${MARK}{}`), { ...stored, kind: ID_LISTS }, LIMITS);
  if (typeof manifest === 'string') assert.fail(manifest);
  assert.equal(manifest.originForm.bytes.toString(), '{}');
});
