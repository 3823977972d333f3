// What is held for long has memory of its own: a small buffer that was cut out of a block shared by all would keep the whole block alive.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BodyForms } from '../../src/bodies/body-forms.js';
import { takeInBody } from '../../src/bodies/body-intake.js';
import { inPieces } from '../../src/bodies/body-pieces.js';
import { toRecordPayload } from '../../src/core/versions/stored-record.js';
import { createConcurrencyLimit } from '../../src/domain/concurrency-limit.js';
import { ownBytes } from '../../src/domain/own-copy.js';
import { projectPayload } from '../../src/protocols/replane/project/project.js';
import { rewriteManifest } from '../../src/protocols/statsig/spec-body/id-list-manifest.js';
import { ManifestReader } from '../../src/protocols/statsig/spec-body/manifest-reader.js';
import { createSpecReader } from '../../src/protocols/statsig/spec-body/spec-reader.js';
import { ChangeLog } from '../../src/servers/admin/change-log.js';
import { PreparedAnswer } from '../../src/servers/http/fast-lane/prepared-answer.js';

const SPEC = Buffer.from('{"has_updates":true,"time":1900000000000}');
const MANIFEST = Buffer.from(
  '{"list":{"name":"list","size":1,"url":"http://a/b","creationTime":1,"fileID":"f"}}',
);
const LIMITS = { encodedBytesMax: 1_000, decodedBytesMax: 1_000 };
const FRAME = { headers: {}, lastHeaders: {} };

function createForms(): BodyForms {
  const originForm = { encoding: 'identity', bytes: SPEC, etag: '"origin"' } as const;
  const payload = { format: 'json', version: 1, originForm, identityBytes: SPEC.length } as const;
  return new BodyForms(payload, createConcurrencyLimit(1));
}

const HELD: Readonly<Record<string, () => readonly Buffer[] | Promise<readonly Buffer[]>>> = {
  'a body that came': async () => {
    const reader = createSpecReader('json', LIMITS.decodedBytesMax);
    return [(await takeInBody(inPieces(SPEC), 'identity', reader, LIMITS)).form.bytes];
  },
  'a form that was made': async () => [(await createForms().make('gzip')).bytes],
  'an event that readers may have missed': () => {
    const log = new ChangeLog('epoch');
    log.publish('spec', { name: 'small' });
    return log.since('epoch-0');
  },
  'a prepared answer, its head alone at first': () => {
    const answer = new PreparedAnswer({}, SPEC);
    const [head] = answer.pieces(FRAME, 'now');
    return [...(head === undefined ? [] : [head]), ...answer.pieces(FRAME, 'now')];
  },
  'a record of versions': () => [toRecordPayload(1, { small: true }).originForm.bytes],
  'a manifest of ID lists': () => {
    const reader = new ManifestReader();
    reader.push(MANIFEST);
    reader.end();
    return [reader.bytes, rewriteManifest(MANIFEST, new Map())];
  },
  'a project': () => [projectPayload([], undefined, 1).originForm.bytes],
};

for (const [name, make] of Object.entries(HELD)) {
  test(`${name} holds no more memory than its bytes`, async () => {
    const held = await make();
    assert.ok(held.length > 0);
    for (const bytes of held) assert.equal(bytes.buffer.byteLength, bytes.length);
  });
}

test('own bytes are those of the pieces, one behind the other', () => {
  const pieces = [Buffer.from('a'), new Uint8Array(0), Buffer.from('bc')];
  assert.equal(ownBytes(pieces).toString(), 'abc');
});
