// Who confirmed an entry last, as replicas tell it to one another: by the script, in the order of Redis itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertHolds, TIME } from '../../contracts/snapshots-place.js';
import { DEMO_PAYLOADS } from '../../fakes/demo-payloads.js';
import { startRedisServer } from '../../fakes/redis-server.js';
import { readLooks } from '../../../src/storage/redis/redis-entry-state.js';
import { RedisNames } from '../../../src/storage/redis/redis-names.js';
import { DEMO, openReplica, redisOptions, type Replica } from './redis-scene.js';

test('a confirmation tells how long before it another replica had confirmed, and nothing where it was the same one', async (t) => {
  const server = await startRedisServer(t);
  const first = await openReplica(t, redisOptions(server.port));
  const second = await openReplica(t, redisOptions(server.port));
  for (const demo of DEMO_PAYLOADS) {
    const key = demo.keyOf(`secret-${DEMO_PAYLOADS.indexOf(demo)}-0123456789`);
    await first.snapshots.save(key, demo.payloadOf(TIME), 0);
    assert.deepEqual(await first.snapshots.confirm(key, TIME), { kind: 'stored' });
    const others = await second.snapshots.confirm(key, TIME);
    assert.ok(others.kind === 'stored' && others.othersAgoMs !== undefined, demo.name);
    assert.ok(others.othersAgoMs >= 0 && others.othersAgoMs < 60_000, String(others.othersAgoMs));
    assert.deepEqual(await second.snapshots.confirm(key, TIME), { kind: 'stored' });
    const back = await first.snapshots.save(key, demo.payloadOf(TIME), 0);
    assert.ok(
      back.kind === 'stored' && back.othersAgoMs !== undefined,
      'a save of what is there confirms it',
    );
  }
});

test('an entry that was confirmed at no time that can be read tells of nobody', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const replica = await openReplica(t, redisOptions(server.port));
  const [demo] = DEMO_PAYLOADS;
  assert.ok(demo !== undefined);
  const key = demo.keyOf('secret-nobody0123456789');
  await replica.snapshots.save(key, demo.payloadOf(TIME), 0);
  const [name = ''] = await client.keys('statsig|*');
  const tomorrow = String(Date.now() + 86_400_000);
  for (const confirmed of ['', 'yesterday', '-5', '99999999999999999999', tomorrow]) {
    await client.hset(name, 'sfp_confirmed', confirmed, 'sfp_confirmed_by', 'somebody');
    assert.deepEqual(await replica.snapshots.confirm(key, TIME), { kind: 'stored' }, confirmed);
  }
});

test('what was confirmed a while ago is stored as that, and takes nothing from a later confirmation', async (t) => {
  const server = await startRedisServer(t);
  const first = await openReplica(t, redisOptions(server.port));
  const second = await openReplica(t, redisOptions(server.port));
  for (const demo of DEMO_PAYLOADS) {
    const key = demo.keyOf(`secret-${DEMO_PAYLOADS.indexOf(demo)}-while`);
    const payload = demo.payloadOf(TIME);
    const agoMs = async (): Promise<number> =>
      Math.round(assertHolds(await first.snapshots.load(key), payload).confirmedAgoMs / 60_000) * 60_000;
    const isBy = async ({ fleet }: Replica): Promise<boolean | undefined> =>
      (await fleet.states([key]))?.[0]?.isConfirmedByUs;
    assert.deepEqual(await first.snapshots.save(key, payload, 600_000), { kind: 'stored' });
    assert.equal(await agoMs(), 600_000);
    const older = await second.snapshots.save(key, payload, 900_000);
    assert.ok(older.kind === 'stored' && older.othersAgoMs !== undefined);
    assert.ok(older.othersAgoMs >= 600_000 && older.othersAgoMs < 660_000, String(older.othersAgoMs));
    assert.equal(await agoMs(), 600_000);
    assert.equal(await isBy(first), true, 'who confirmed it later');
    assert.equal((await second.snapshots.save(key, payload, 300_000)).kind, 'stored');
    assert.equal(await agoMs(), 300_000);
    assert.equal(await isBy(second), true);
    assert.equal((await first.snapshots.confirm(key, TIME)).kind, 'stored');
    assert.equal(await agoMs(), 0);
    const newer = demo.payloadOf(TIME + 1);
    assert.deepEqual(await second.snapshots.save(key, newer, 600_000), { kind: 'stored' });
    const { confirmedAgoMs } = assertHolds(await first.snapshots.load(key), newer);
    assert.ok(confirmedAgoMs >= 600_000, 'of another version');
    assert.equal(await isBy(second), true);
  }
});

test('what was written to have been confirmed in the time to come was confirmed by nobody', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const replica = await openReplica(t, redisOptions(server.port));
  const [demo] = DEMO_PAYLOADS;
  assert.ok(demo !== undefined);
  const key = demo.keyOf('secret-ahead0123456789');
  const payload = demo.payloadOf(TIME);
  await replica.snapshots.save(key, payload, 0);
  const [name = ''] = await client.keys('statsig|*');
  const [s, us] = await client.time();
  const nowMs = Number(s) * 1000 + Number(us) / 1000;
  await client.hset(name, 'sfp_confirmed', Math.round(nowMs + 60_000));
  assert.equal(assertHolds(await replica.snapshots.load(key), payload).confirmedAgoMs, Infinity);
  assert.deepEqual(await replica.snapshots.save(key, payload, 30_000), { kind: 'stored' });
  assert.ok(assertHolds(await replica.snapshots.load(key), payload).confirmedAgoMs >= 30_000);
});

test('clocks of two Redis servers may differ a little', () => {
  const names = new RedisNames(redisOptions(0)).of(DEMO.keyOf('secret-ahead0123456789'));
  const agoMs = (confirmed: string): unknown => {
    const [look] = readLooks(['1800000000000', ['7', '7', names.owner, confirmed, 'somebody']], [names]);
    return look?.kind === 'entry' ? look.confirmedAgoMs : look?.kind;
  };
  assert.equal(agoMs('1799999999000'), 1_000);
  assert.equal(agoMs('1800000001000'), 0);
  assert.equal(agoMs('1800000001001'), Infinity);
});
