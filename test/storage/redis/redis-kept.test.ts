// What is kept for operators in Redis: apart from the entries that SDKs read, and for longer than they last.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyKey } from '../../../src/core/versions/version-record.js';
import { changeRecord, readRecord, recordKind } from '../../../src/core/versions/stored-record.js';
import { systemClock } from '../../../src/domain/clock.js';
import { assertHolds, TIME } from '../../contracts/snapshots-place.js';
import { DEMO, DEMO_REPLANE } from '../../fakes/demo-payloads.js';
import { startRedisServer } from '../../fakes/redis-server.js';
import { openReplica, redisOptions } from './redis-scene.js';

test('versions and records have names of their own in every schema, last 30 days, and come back as they were', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  for (const keySchema of ['sha256', 'prefix'] as const) {
    await client.flushall();
    const options = redisOptions(server.port, { keySchema, entryTtlS: 70, keyPrefix: 'fleet' });
    const { snapshots, kept } = await openReplica(t, options);
    const demos = [DEMO.v1Json, DEMO.v2JsonGzip, DEMO.protobuf, DEMO_REPLANE];
    for (const demo of demos) {
      const key = demo.keyOf('secret-kept-0123456789abcdef');
      await snapshots.save(key, demo.payloadOf(TIME + 5));
      for (const version of [TIME, TIME + 1]) {
        const saved = await kept.save(bodyKey(key, version), demo.payloadOf(version));
        assert.deepEqual(saved, { kind: 'stored' });
      }
      assertHolds(await kept.load(bodyKey(key, TIME)), demo.payloadOf(TIME));
      assertHolds(await snapshots.load(key), demo.payloadOf(TIME + 5));
    }
    const record = { sdkKey: 'all', kind: recordKind('holds', '/holds'), format: 'json' } as const;
    assert.equal(await changeRecord(systemClock, kept, record, () => [1, 2]), true);
    const reading = await readRecord(kept, record);
    assert.deepEqual(reading.kind === 'read' ? reading.value : reading, [1, 2]);
    const names = await client.keys('*');
    const ofSpecs = names.filter((name) => name.startsWith('fleet:statsig|'));
    const ours = names.filter((name) => name.startsWith('fleet:spec-forward-proxy|'));
    assert.deepEqual([ofSpecs.length, ours.length], [demos.length, 2 * demos.length + 1], names.join());
    for (const name of ours) assert.ok((await client.ttl(name)) > 29 * 86_400, name);
    for (const name of ofSpecs) assert.ok((await client.ttl(name)) <= 70, name);
  }
});

test('writers of one record at the same time lose nothing of each other', async (t) => {
  const server = await startRedisServer(t);
  const record = { sdkKey: 'all', kind: recordKind('holds', '/holds'), format: 'json' } as const;
  const replicas = await Promise.all([1, 2, 3].map(() => openReplica(t, redisOptions(server.port))));
  const added = await Promise.all(
    replicas.map(({ kept }, index) =>
      changeRecord(systemClock, kept, record, (value) => [...((value ?? []) as number[]), index]),
    ),
  );
  const reading = await readRecord(replicas[0]?.kept ?? assert.fail(), record);
  const value = (reading.kind === 'read' ? reading.value : []) as number[];
  // Who was told that it is not stored tries again later, as the keeper of holds does.
  for (const [index, isStored] of added.entries())
    assert.ok(!isStored || value.includes(index), String(index));
  assert.ok(value.length >= 1);
});

test('a user that may use the names of specs alone: specs work, and what does not has lines of its own, once', async (t) => {
  const server = await startRedisServer(t);
  await server.client().call('ACL', 'SETUSER', 'specs', 'on', '>word', '~statsig*', '&*', '+@all');
  const options = redisOptions(server.port, { user: 'specs', password: 'word' });
  const { snapshots, kept, log } = await openReplica(t, options);
  const key = DEMO.v1Json.keyOf('secret-kept-0123456789abcdef');
  for (let times = 0; times < 3; times += 1) {
    assert.deepEqual(await kept.save(bodyKey(key, TIME + times), DEMO.v1Json.payloadOf(TIME + times)), {
      kind: 'failed',
      reason: 'auth_failed',
    });
    assert.deepEqual(await snapshots.save(key, DEMO.v1Json.payloadOf(TIME + times)), { kind: 'stored' });
    assertHolds(await snapshots.load(key), DEMO.v1Json.payloadOf(TIME + times));
  }
  const lines = log.lines.filter(({ detail }) => detail === 'NOPERM');
  assert.equal(lines.length, 1, JSON.stringify(lines));
  assert.match(String(lines[0]?.['server']), /versions, holds and audit/);
});
