// What a spec has lost, in percent: of gates, of configs, and of its bytes, in every format; the worst of it counts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../../src/domain/clock.js';
import type { Payload } from '../../../../src/domain/payload.js';
import { measuredLoss } from '../../../../src/protocols/statsig/spec-diff/measured-loss.js';
import { TIME } from '../../../contracts/snapshots-place.js';
import { DEMO } from '../../../fakes/demo-payloads.js';
import { ManualClock } from '../../../fakes/manual-clock.js';

function json(spec: object): Payload {
  const bytes = Buffer.from(JSON.stringify(spec));
  const originForm = { encoding: 'identity', bytes, etag: '"x"' } as const;
  return { format: 'json', version: 1, originForm, identityBytes: bytes.length };
}

test('gates that are gone count, in every format, and new ones make up for none', async () => {
  for (const demo of [DEMO.v1Json, DEMO.v2JsonBr, DEMO.protobuf]) {
    const [many, few] = [demo.payloadOf(TIME, 9), demo.payloadOf(TIME + 1, 1)];
    const loss = await measuredLoss(systemClock, many, few);
    assert.deepEqual(loss, { what: 'lost 8 of 10 gates', percent: 80 }, demo.name);
    assert.ok((await measuredLoss(systemClock, few, many)).percent <= 0);
  }
  const gates = (...names: string[]): object => ({ feature_gates: names.map((name) => ({ name })) });
  const loss = await measuredLoss(systemClock, json(gates('a', 'b')), json(gates('a', 'c', 'd', 'e')));
  assert.deepEqual(loss, { what: 'lost 1 of 2 gates', percent: 50 });
});

test('so do configs and experiments together, and bytes', async () => {
  const configs = (...names: string[]): object => ({
    dynamic_configs: names.map((name) => ({ name, entity: name === 'e' ? 'experiment' : 'dynamic_config' })),
  });
  const loss = await measuredLoss(systemClock, json(configs('a', 'b', 'e')), json(configs('a')));
  assert.equal(loss.what, 'lost 2 of 3 configs');
  const shrunk = await measuredLoss(systemClock, json({ filler: 'x'.repeat(988) }), json({}));
  assert.deepEqual(shrunk, { what: 'shrank from 1001 to 2 bytes', percent: (100 * 999) / 1001 });
});

test('a measurement that takes too long, or cannot be made, rejects', async () => {
  const clock = new ManualClock();
  const measuring = measuredLoss(clock, DEMO.v1Json.payloadOf(TIME), DEMO.v1Json.payloadOf(TIME));
  clock.advance(30_000);
  await assert.rejects(measuring, /too long/);
  const bad = { ...json({}), originForm: { encoding: 'br', bytes: Buffer.from('x'), etag: '"x"' } as const };
  await assert.rejects(measuredLoss(systemClock, json({}), bad));
});
