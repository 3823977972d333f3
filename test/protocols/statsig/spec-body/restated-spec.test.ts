// The same spec with another time: one number and the checksum differ, in JSON and in protobuf, and readers take the result.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { demoEnvelopes, demoV1, demoV2, type DemoProject } from '../../../../scripts/demo-specs.js';
import { systemClock } from '../../../../src/domain/clock.js';
import { restatedPayload } from '../../../../src/protocols/statsig/restating/restated-payload.js';
import { delimited, message } from '../../../../src/protocols/statsig/spec-body/protobuf-writer.js';
import { restateSpec } from '../../../../src/protocols/statsig/spec-body/restated-spec.js';
import { createSpecReader } from '../../../../src/protocols/statsig/spec-body/spec-reader.js';
import { TIME } from '../../../contracts/snapshots-place.js';
import { decodedBytes, DEMO, etagOf } from '../../../fakes/demo-payloads.js';
import { ManualClock } from '../../../fakes/manual-clock.js';

const PROJECT: DemoProject = { time: TIME, isGateOpen: true, greeting: 'hello "time":5 \\ "checksum"' };

function restateJson(text: string, time = TIME + 1): string | undefined {
  return restateSpec(Buffer.from(text), 'json', time)?.toString();
}

test('JSON keeps every byte but those of its time, and loses its checksum', () => {
  const v1 = JSON.stringify(demoV1(PROJECT));
  assert.equal(restateJson(v1), v1.replace(`"time":${TIME}`, `"time":${TIME + 1}`));
  const { checksum, ...others } = demoV2(PROJECT) as { checksum: string };
  const v2 = JSON.stringify({ checksum, ...others });
  assert.equal(restateJson(v2), JSON.stringify({ ...others, time: TIME + 1 }).replace(/^/, ''));
  const exact = '{ "big" : 9007199254740993 , "time"\t: 1 , "checksum" : "x" }\n';
  assert.equal(restateJson(exact, 22), '{ "big" : 9007199254740993 , "time"\t: 22  }\n');
  assert.equal(restateJson('{"checksum":"x","time":1}', 2), '{"time":2}');
  assert.equal(
    restateJson('{"time":1,"checksum":"x","a":{"time":1,"checksum":"y"}}', 2),
    '{"time":2,"a":{"time":1,"checksum":"y"}}',
  );
});

test('where it is not beyond doubt which member is the time, nothing is made', () => {
  for (const text of ['{}', '[]', '{"time":1,"time":2}', '{"ti\\u006de":1}', '{"time":1,"a\\n":2}'])
    assert.equal(restateJson(text), undefined, text);
  assert.equal(restateSpec(Buffer.alloc(0), 'protobuf', 1), undefined);
  const twice = delimited(message([1, 2], [4, message([1, true])]));
  assert.equal(restateSpec(Buffer.concat([twice, twice]), 'protobuf', 1), undefined);
});

test('protobuf keeps every envelope but TOP_LEVEL, and there every other field', () => {
  const body = demoEnvelopes(PROJECT);
  const restated = restateSpec(body, 'protobuf', TIME + 1);
  assert.ok(restated !== undefined);
  const [before, after] = [body, restated].map((bytes) => bytes.subarray(1 + (bytes[0] as number)));
  assert.deepEqual(after, before, 'TOP_LEVEL has less than 128 bytes');
  const reader = createSpecReader('protobuf', restated.length);
  reader.push(restated);
  const { time, checksum, hasUpdates } = reader.end();
  assert.deepEqual([time, checksum, hasUpdates], [TIME + 1, undefined, true]);
  // What is not known here stays: a fixed32, a fixed64, a long field, and one that stands after the time.
  const unknown = Buffer.concat([
    Buffer.from([13 * 8 + 5, 1, 2, 3, 4]),
    Buffer.from([14 * 8 + 1, 1, 2, 3, 4, 5, 6, 7, 8]),
    message([15, 'x'.repeat(200)]),
  ]);
  const topLevel = delimited(message([1, 2], [4, Buffer.concat([message([1, true], [2, 5]), unknown])]));
  const expected = delimited(
    message([1, 2], [4, Buffer.concat([message([1, true]), unknown, message([2, 6])])]),
  );
  assert.deepEqual(restateSpec(topLevel, 'protobuf', 6), expected);
});

test('any JSON object with one time is parsed as before, but for that time', () => {
  const others = fc.dictionary(
    fc
      .string()
      .filter((name) => !['time', 'checksum', '__proto__'].includes(name) && !/["\\]|[^ -~]/.test(name)),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(others, others, fc.boolean(), fc.nat(), (first, last, hasChecksum, time) => {
      const spec = { ...first, time: 1, ...last, ...(hasChecksum && { checksum: '"x\\' }) };
      const { checksum, ...left } = { checksum: '', ...spec };
      const restated = restateJson(JSON.stringify(spec, null, checksum.length), time);
      assert.deepEqual(JSON.parse(restated ?? ''), JSON.parse(JSON.stringify({ ...left, time })));
    }),
  );
});

test('a payload of any encoding and format is restated in a thread, and a body that cannot be is not', async () => {
  for (const demo of [DEMO.v1Json, DEMO.v2JsonGzip, DEMO.v2JsonBr, DEMO.protobuf]) {
    const payload = demo.payloadOf(TIME);
    const restated = await restatedPayload(systemClock, payload, TIME + 7);
    assert.ok(restated !== undefined, demo.name);
    const { version, format, originForm, checksum, identityBytes } = restated;
    assert.deepEqual([version, format, checksum], [TIME + 7, payload.format, undefined]);
    assert.equal(originForm.encoding, payload.originForm.encoding);
    assert.equal(originForm.etag, etagOf(originForm.bytes));
    assert.deepEqual(
      decodedBytes(originForm),
      restateSpec(decodedBytes(payload.originForm), format, TIME + 7),
    );
    assert.equal(identityBytes, decodedBytes(originForm).length);
  }
  const bytes = Buffer.from('{"time":1,"time":2,"has_updates":true}');
  const twice = {
    ...DEMO.v2Json.payloadOf(1),
    originForm: { encoding: 'identity', bytes, etag: '"x"' } as const,
  };
  assert.equal(await restatedPayload(systemClock, { ...twice, identityBytes: bytes.length }, 3), undefined);
});

test('restating that takes too long is given up', async () => {
  const clock = new ManualClock();
  const restating = restatedPayload(clock, DEMO.protobuf.payloadOf(TIME), TIME + 1);
  clock.advance(30_000);
  await assert.rejects(restating, /too long/);
});
