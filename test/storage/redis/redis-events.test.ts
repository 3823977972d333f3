// SFP's events for what is done with Redis: one for each, with its latency and its key.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RedisNames } from '../../../src/storage/redis/redis-names.js';
import { TIME } from '../../contracts/snapshots-place.js';
import { RecordedEvents } from '../../fakes/proxy-events.js';
import { startRedisServer } from '../../fakes/redis-server.js';
import { DEMO, openReplica, redisOptions } from './redis-scene.js';

const SDK_KEY = 'secret-events0123456789';
const KEY = DEMO.keyOf(SDK_KEY);

test('every outcome has its event', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const events = new RecordedEvents();
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
    events.all.map(({ name: event, lcut, reason }) =>
      [event, lcut, reason].filter((part) => part !== undefined),
    ),
    [
      ['RedisCacheReadMiss'],
      ['RedisCacheTtlRefreshMissed', TIME],
      ['RedisCacheWriteSucceed', TIME],
      ['RedisCacheReadSucceed', TIME],
      ['RedisCacheTtlRefreshed', TIME],
      ['RedisCacheWriteSkipped', TIME, 'newer'],
      ['RedisCacheDeleteSucceed'],
      ['RedisCacheDeleteSucceed'],
      ['RedisCacheReadFailed', 'wrong_type'],
      ['RedisCacheWriteFailed', TIME, 'wrong_type'],
      ['RedisCacheDeleteFailed', 'wrong_type'],
      ['RedisCacheTtlRefreshFailed', TIME, 'closed'],
    ],
  );
  for (const { path, sdkKey, latencyMs } of events.all) {
    assert.equal(path, '/v1/download_config_specs');
    assert.equal(sdkKey, SDK_KEY);
    assert.ok(latencyMs !== undefined && latencyMs >= 0);
  }
});
