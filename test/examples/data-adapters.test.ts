// What the data adapters answer to an SDK's questions one by one, by a real Redis, and that they write nothing.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Cluster, type Redis } from 'ioredis';
import { DataAdapterKeyPath } from 'statsig-node';
import { redisDataStore, redisProtobufDataStore } from '../../examples/data-adapters/node-core.js';
import { redisDataAdapter } from '../../examples/data-adapters/statsig-node.js';
import { changesOf, entryName, FORMS } from '../e2e/passive-scene.js';
import { eventually } from '../e2e/deadline.js';
import { startRedisServer } from '../fakes/redis-server.js';

const KEY = 'secret-adapterkey0123456789';
const JSON_NAME = entryName(KEY, FORMS.v2);
const PROTOBUF_NAME = entryName(KEY, FORMS.v2Protobuf);
const JSON_TEXT = '{"has_updates":true,"text":"ä"}';
/** Every byte there is, among them those that no text has. */
const BYTES = Buffer.from(Array.from({ length: 256 }, (_none, byte) => byte));
const NOTHING = /^Error: Redis holds no such spec$/;

async function startFilledRedis(t: TestContext): Promise<Redis> {
  const redis = (await startRedisServer(t)).client();
  await redis.hset(JSON_NAME, { lcut: '1', config: JSON_TEXT });
  await redis.hset(PROTOBUF_NAME, { lcut: '1', config: BYTES });
  return redis;
}

describe('a data store of the core SDK', { concurrency: true }, () => {
  it('hands out JSON as text, and the protobuf as an array of its bytes', async (t) => {
    const redis = await startFilledRedis(t);
    assert.deepEqual(await redisDataStore(redis).get?.(JSON_NAME), { result: JSON_TEXT });
    const store = redisProtobufDataStore(redis);
    assert.deepEqual(await store.getBytes?.(PROTOBUF_NAME), { result: [...BYTES] });
    assert.deepEqual(await store.getBytes?.(JSON_NAME), { result: [...Buffer.from(JSON_TEXT)] });
  });

  it('has no bytes where it is for JSON: the SDK would ask for them only', async (t) => {
    assert.equal(redisDataStore(await startFilledRedis(t)).getBytes, undefined);
  });

  it('sends the SDK on from protobuf to JSON, and says where there is neither', async (t) => {
    const redis = await startFilledRedis(t);
    await redis.del(PROTOBUF_NAME, JSON_NAME);
    // As the proxy leaves it where the origin has no protobuf.
    await redis.hset(PROTOBUF_NAME, { lcut: '1', sfp_body: 'for replicas' });
    const store = redisProtobufDataStore(redis);
    assert.deepEqual(await store.getBytes?.(PROTOBUF_NAME), {});
    await assert.rejects(async () => store.getBytes?.(JSON_NAME), NOTHING);
    await assert.rejects(async () => store.get?.(JSON_NAME), NOTHING);
  });

  it('hands errors of Redis to the SDK, and tells nothing of the SDK key', async (t) => {
    const redis = await startFilledRedis(t);
    await redis.del(PROTOBUF_NAME, JSON_NAME);
    await redis.set(JSON_NAME, JSON_TEXT);
    const store = redisProtobufDataStore(redis);
    await assert.rejects(async () => store.get?.(JSON_NAME), /^ReplyError: WRONGTYPE [^|]*$/);
    redis.disconnect();
    await assert.rejects(async () => store.getBytes?.(PROTOBUF_NAME), /^Error: Connection is closed\.$/);
  });

  it('writes nothing, whatever it is told to keep', async (t) => {
    const redis = await startFilledRedis(t);
    const changes = await changesOf(redis);
    for (const store of [redisDataStore(redis), redisProtobufDataStore(redis)]) {
      await store.initialize?.();
      await store.set?.(JSON_NAME, '{}', 2);
      await store.setBytes?.(PROTOBUF_NAME, Buffer.from('x'), 2);
      await store.shutdown?.();
    }
    assert.equal(await changesOf(redis), changes);
    assert.equal(redis.status, 'ready');
  });

  it('is polled for specs, and for nothing else', async (t) => {
    const store = redisDataStore(await startFilledRedis(t));
    assert.equal(await store.supportPollingUpdatesFor?.('/v2/download_config_specs'), true);
    assert.equal(await store.supportPollingUpdatesFor?.('/v1/get_id_lists'), false);
  });

  it('reads a cluster, too', async (t) => {
    const server = await startRedisServer(t, [
      '--cluster-enabled',
      'yes',
      '--cluster-announce-ip',
      '127.0.0.1',
    ]);
    const node = server.client();
    await node.cluster('ADDSLOTSRANGE', 0, 16_383);
    await eventually('working cluster', async () =>
      (await node.cluster('INFO')).includes('cluster_state:ok'),
    );
    await node.hset(JSON_NAME, { config: JSON_TEXT });
    const cluster = new Cluster([{ host: '127.0.0.1', port: server.port }]);
    t.after(() => {
      cluster.disconnect();
    });
    assert.deepEqual(await redisDataStore(cluster).get?.(JSON_NAME), { result: JSON_TEXT });
    assert.deepEqual(await redisDataAdapter(cluster).get(JSON_NAME), { result: JSON_TEXT });
  });
});

describe('the data adapter of the legacy SDK', { concurrency: true }, () => {
  it('hands out JSON as text, nothing where there is nothing, and errors as errors', async (t) => {
    const redis = await startFilledRedis(t);
    const adapter = redisDataAdapter(redis);
    assert.deepEqual(await adapter.get(JSON_NAME), { result: JSON_TEXT });
    assert.deepEqual(await adapter.get(entryName(KEY, FORMS.v1)), {});
    await redis.set('a text', 'x');
    assert.match((await adapter.get('a text')).error?.message ?? '', /^WRONGTYPE /);
    redis.disconnect();
    assert.match((await adapter.get(JSON_NAME)).error?.message ?? '', /^Connection is closed\.$/);
  });

  it('writes nothing, whatever it is told to keep, and is polled for specs only', async (t) => {
    const redis = await startFilledRedis(t);
    const changes = await changesOf(redis);
    const adapter = redisDataAdapter(redis);
    await adapter.initialize();
    await adapter.set(JSON_NAME, '{}', 2);
    await adapter.shutdown();
    assert.equal(await changesOf(redis), changes);
    assert.equal(redis.status, 'ready');
    assert.equal(adapter.supportsPollingUpdatesFor?.(DataAdapterKeyPath.V1Rulesets), true);
    assert.equal(adapter.supportsPollingUpdatesFor(DataAdapterKeyPath.V1IDLists), false);
  });
});
