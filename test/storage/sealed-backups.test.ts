// Bodies that are stored sealed, in Redis and on a disk: what is read when sealing begins, when keys change, and when they are missing.
import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import type { BackupSeal } from '../../src/storage/backup-seal.js';
import type { Snapshots } from '../../src/storage/snapshots.js';
import { changeRecord, readRecord, recordKind } from '../../src/core/versions/stored-record.js';
import { systemClock } from '../../src/domain/clock.js';
import { A_MINUTE_MS, assertHolds, KEY, ownKey, TIME } from '../contracts/snapshots-place.js';
import { plainSeal, sealWith } from '../fakes/backup-seals.js';
import { DEMO, DEMO_PAYLOADS } from '../fakes/demo-payloads.js';
import { startRedisServer } from '../fakes/redis-server.js';
import { DiskPlace } from './disk/disk-place.js';
import { openReplica, redisOptions } from './redis/redis-scene.js';

const MISSING = { kind: 'unusable', fault: 'data_key_missing' };
const demo = DEMO.v2Json;
const key = demo.keyOf(KEY);
/** In the body of every version. */
const WORD = 'hello';

interface Place {
  open(seal: BackupSeal): Promise<Snapshots>;
  /** Whatever is stored, as text. */
  stored(): Promise<string>;
  /** What a handle remembers of confirmations is out of date then. */
  age(): Promise<void>;
}

const server = await startRedisServer({ after });
const client = server.client();

function onDisk(t: TestContext): Promise<Place> {
  const place = new DiskPlace(t);
  return Promise.resolve({
    open: (seal) => place.open({ seal }),
    stored: () => Promise.resolve(place.contents),
    age: () => place.age(A_MINUTE_MS),
  });
}

async function inRedis(t: TestContext): Promise<Place> {
  await client.flushall();
  return {
    open: async (seal) => (await openReplica(t, redisOptions(server.port, { seal }))).snapshots,
    stored: async () => {
      // Redis tells names and fields in an order of its own, which may change.
      const names = (await client.keys('statsig|*')).sort();
      const entries = await Promise.all(names.map((name) => client.hgetallBuffer(name)));
      const fields = entries.flatMap((entry) => Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)));
      return fields.map(([, field]) => field.toString('latin1')).join('\n');
    },
    age: () => Promise.resolve(),
  };
}

for (const [name, create] of [
  ['disk', onDisk],
  ['redis', inRedis],
] as const) {
  test(`${name}: sealed bodies of every kind tell nothing, and come back in the form in which they were stored`, async (t) => {
    const place = await create(t);
    const [snapshots, other] = [await place.open(sealWith(1)), await place.open(plainSeal(2, 1))];
    for (const each of DEMO_PAYLOADS) {
      await snapshots.save(ownKey(each), each.payloadOf(TIME));
      for (const reader of [snapshots, other])
        assertHolds(await reader.load(ownKey(each)), each.payloadOf(TIME));
    }
    assert.ok(!(await place.stored()).includes(WORD));
  });

  test(`${name}: when sealing begins, what is there plain is read, and sealed at its next confirmation; and back`, async (t) => {
    const place = await create(t);
    const payload = demo.payloadOf(TIME);
    await (await place.open(plainSeal())).save(key, payload);
    assert.ok((await place.stored()).includes(WORD));
    for (const [seal, isPlain] of [
      [sealWith(1), false],
      [plainSeal(1), true],
      [sealWith(1), false],
      [sealWith(2, 1), false],
    ] as const) {
      const snapshots = await place.open(seal);
      assertHolds(await snapshots.load(key), payload);
      await place.age();
      assert.equal((await snapshots.confirm(key, TIME)).kind, 'behind');
      assert.equal((await snapshots.save(key, payload)).kind, 'stored');
      assert.equal((await place.stored()).includes(WORD), isPlain);
      assert.equal((await snapshots.confirm(key, TIME)).kind, 'stored');
      assertHolds(await snapshots.load(key), payload);
    }
    // Nothing is left of the first key, which may go.
    assertHolds(await (await place.open(sealWith(2))).load(key), payload);
  });

  test(`${name}: what lacks its key stays as it is and says so, until something newer takes its place`, async (t) => {
    const place = await create(t);
    await (await place.open(sealWith(1))).save(key, demo.payloadOf(TIME));
    const before = await place.stored();
    for (const seal of [plainSeal(), sealWith(2)]) {
      const snapshots = await place.open(seal);
      assert.deepEqual(await snapshots.load(key), MISSING);
      assert.deepEqual(await snapshots.save(key, demo.payloadOf(TIME - 1)), { kind: 'newer', version: TIME });
      assert.equal(await place.stored(), before);
    }
    assertHolds(await (await place.open(sealWith(2, 1))).load(key), demo.payloadOf(TIME));
    const snapshots = await place.open(sealWith(2));
    assert.equal((await snapshots.save(key, demo.payloadOf(TIME + 1))).kind, 'stored');
    assertHolds(await snapshots.load(key), demo.payloadOf(TIME + 1));
  });

  test(`${name}: a record that lacks its key is not written over, so that no hold is lost`, async (t) => {
    const place = await create(t);
    const record = { sdkKey: 'all', kind: recordKind('holds', '/holds'), format: 'json' } as const;
    assert.equal(
      await changeRecord(systemClock, await place.open(sealWith(1)), record, () => ['held']),
      true,
    );
    const blind = await place.open(sealWith(2));
    assert.equal(await changeRecord(systemClock, blind, record, () => []), false);
    const reading = await readRecord(await place.open(sealWith(2, 1)), record);
    assert.deepEqual(reading.kind === 'read' ? reading.value : reading, ['held']);
  });
}

test('redis: a sealed body that is copied to another entry, or given another version, is not taken', async (t) => {
  await client.flushall();
  const { snapshots } = await openReplica(t, redisOptions(server.port, { seal: sealWith(1) }));
  const otherKey = demo.keyOf(`${KEY}-other`);
  await snapshots.save(key, demo.payloadOf(TIME));
  const [name = ''] = await client.keys('statsig|*');
  await snapshots.save(otherKey, demo.payloadOf(TIME));
  const otherName = (await client.keys('statsig|*')).find((each) => each !== name) ?? '';
  const body = (await client.hgetBuffer(name, 'sfp_body')) ?? assert.fail('no body');
  await client.hset(otherName, 'sfp_body', body);
  await client.hset(name, 'lcut', TIME + 1, 'sfp_version', TIME + 1);
  assert.deepEqual(await snapshots.load(otherKey), { kind: 'unusable', fault: 'no_spec' });
  assert.deepEqual(await snapshots.load(key), { kind: 'unusable', fault: 'no_spec' });
  // Its version does not keep what is right out.
  assert.equal((await snapshots.save(key, demo.payloadOf(TIME))).kind, 'stored');
  assertHolds(await snapshots.load(key), demo.payloadOf(TIME));
});

test('redis: entries for SDK data adapters have no config while they are sealed, and one again when they are not', async (t) => {
  await client.flushall();
  const sealed = await openReplica(t, redisOptions(server.port, { seal: sealWith(1) }));
  await sealed.snapshots.save(key, demo.payloadOf(TIME));
  const [name = ''] = await client.keys('statsig|*');
  assert.equal(await client.hexists(name, 'config'), 0);
  const plain = await openReplica(t, redisOptions(server.port, { seal: plainSeal(1) }));
  await plain.snapshots.save(key, demo.payloadOf(TIME));
  assert.match((await client.hget(name, 'config')) ?? '', /hello/);
});
