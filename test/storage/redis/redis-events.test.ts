// SFP's events for what is done with Redis: one for each, with its latency and a masked key, and none where nobody watches.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProxyEventFields, ProxyEventName } from '../../../src/observability/proxy-events.js';
import { RedisNames } from '../../../src/storage/redis/redis-names.js';
import { TIME } from '../../contracts/snapshots-place.js';
import { startRedisServer } from '../../fakes/redis-server.js';
import { DEMO, openReplica, redisOptions } from './redis-scene.js';

const SDK_KEY = 'secret-events0123456789';
const KEY = DEMO.keyOf(SDK_KEY);

test('every outcome has its event', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const recorded: (ProxyEventFields & { readonly name: ProxyEventName })[] = [];
  const events = {
    isWatched: true,
    record: (name: ProxyEventName, fields: ProxyEventFields) => {
      recorded.push({ name, ...fields });
    },
  };
  const replica = await openReplica(t, redisOptions(server.port), { events });
  const { snapshots } = replica;
  const name = new RedisNames(redisOptions(0)).of(KEY).entry;
  await snapshots.load(KEY);
  await snapshots.confirm(KEY, TIME);
  await snapshots.save(KEY, DEMO.payloadOf(TIME), 0);
  await snapshots.load(KEY);
  await snapshots.confirm(KEY, TIME);
  await snapshots.save(KEY, DEMO.payloadOf(TIME - 1), 0);
  await snapshots.remove(KEY);
  await snapshots.remove(KEY);
  await client.set(name, 'a string');
  await snapshots.load(KEY);
  await snapshots.save(KEY, DEMO.payloadOf(TIME), 0);
  await snapshots.remove(KEY);
  await replica.close();
  await snapshots.confirm(KEY, TIME);
  assert.deepEqual(
    recorded.map(({ name: event, lcut, reason }) =>
      [event, lcut, reason].filter((part) => part !== undefined),
    ),
    [
      ['RedisCacheReadMiss'],
      ['RedisCacheWriteSkipped', TIME, 'behind'],
      ['RedisCacheWriteSucceed', TIME],
      ['RedisCacheReadSucceed', TIME],
      ['RedisCacheWriteSkipped', TIME],
      ['RedisCacheWriteSkipped', TIME, 'newer'],
      ['RedisCacheDeleteSucceed'],
      ['RedisCacheDeleteSucceed'],
      ['RedisCacheReadFailed', 'wrong_type'],
      ['RedisCacheWriteFailed', TIME, 'wrong_type'],
      ['RedisCacheDeleteFailed', 'wrong_type'],
      ['RedisCacheWriteFailed', TIME, 'closed'],
    ],
  );
  for (const { path, sdkKey, latencyMs } of recorded) {
    assert.equal(path, '/v1/download_config_specs');
    assert.equal(sdkKey, 'secret-even***');
    assert.ok(latencyMs !== undefined && latencyMs >= 0);
  }
});

test('where nobody watches nothing is recorded', async (t) => {
  const server = await startRedisServer(t);
  const events = {
    isWatched: false,
    record: () => {
      assert.fail('recorded');
    },
  };
  const { snapshots } = await openReplica(t, redisOptions(server.port), { events });
  assert.deepEqual(await snapshots.load(KEY), { kind: 'missing' });
  assert.deepEqual(await snapshots.save(KEY, DEMO.payloadOf(TIME), 0), { kind: 'stored' });
});
