// What stands in Redis, byte for byte: what SDKs' adapters read, what our replicas read, and no SDK key.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import type { Redis } from 'ioredis';
import type { PayloadKey } from '../../../src/domain/payload-key.js';
import type { Payload } from '../../../src/domain/payload.js';
import { hashSdkKey } from '../../../src/domain/sdk-key.js';
import { RedisNames } from '../../../src/storage/redis/redis-names.js';
import type { RedisOptions } from '../../../src/storage/redis/redis-options.js';
import { assertHolds, TIME } from '../../contracts/snapshots-place.js';
import { decodedBytes, DEMO_PAYLOADS, etagOf, type DemoPayloads } from '../../fakes/demo-payloads.js';
import { startRedisServer } from '../../fakes/redis-server.js';
import { openReplica, redisOptions, type Replica } from './redis-scene.js';

const SDK_KEY = 'secret-layout0123456789abcdef';
const DAY_S = 86_400;

interface Scene {
  readonly replica: Replica;
  readonly client: Redis;
  readonly folder: string;
  readonly nameOf: (key: PayloadKey) => string;
  readonly mirrorOf: (key: PayloadKey) => string;
}

async function startScene(t: TestContext, changes: Partial<RedisOptions> = {}): Promise<Scene> {
  const server = await startRedisServer(t);
  const options = redisOptions(server.port, changes);
  const names = new RedisNames(options);
  return {
    replica: await openReplica(t, options),
    client: server.client(),
    folder: server.folder,
    nameOf: (key) => names.of(key).entry,
    mirrorOf: (key) => names.of(key).mirror ?? '',
  };
}

function demo(name: string): DemoPayloads {
  const found = DEMO_PAYLOADS.find((one) => one.name === name);
  assert.ok(found !== undefined, name);
  return found;
}

async function bytesOf(client: Redis, name: string, field: string): Promise<Buffer | undefined> {
  return (await client.hgetBuffer(name, field)) ?? undefined;
}

test('JSON stands there without compression for adapters, and as it came for us', async (t) => {
  const { replica, client, nameOf } = await startScene(t);
  for (const [name, encoding] of [
    ['v2 JSON as br', 'br'],
    ['v2 JSON as gzip', 'gzip'],
  ] as const) {
    const [key, payload] = [demo(name).keyOf(`${SDK_KEY}-${encoding}`), demo(name).payloadOf(TIME)];
    await replica.snapshots.save(key, payload, 0);
    const fields = await client.hgetall(nameOf(key));
    assert.equal(fields['encoding'], 'plain_text');
    assert.equal(fields['lcut'], String(TIME));
    assert.equal(fields['config'], decodedBytes(payload.originForm).toString());
    assert.equal(fields['sfp_version'], String(TIME));
    assert.equal(fields['sfp_format'], 'json');
    assert.equal(fields['sfp_config_bytes'], String(decodedBytes(payload.originForm).length));
    assert.equal(fields['sfp_body_bytes'], String(payload.originForm.bytes.length));
    assert.equal(fields['sfp_body_encoding'], encoding);
    assert.equal(fields['sfp_owner'], hashSdkKey(key.sdkKey));
    assert.match(fields['sfp_confirmed_by'] ?? '', /^replica:/);
    assert.deepEqual(await bytesOf(client, nameOf(key), 'sfp_body'), payload.originForm.bytes);
  }
});

test('what came as adapters want it stands there once', async (t) => {
  const { replica, client, nameOf } = await startScene(t);
  for (const name of ['v1 JSON', 'protobuf']) {
    const [key, payload] = [demo(name).keyOf(SDK_KEY), demo(name).payloadOf(TIME)];
    await replica.snapshots.save(key, payload, 0);
    assert.deepEqual(await bytesOf(client, nameOf(key), 'config'), payload.originForm.bytes);
    assert.equal(await client.hexists(nameOf(key), 'sfp_body'), 0);
    assert.equal(
      await client.hget(nameOf(key), 'encoding'),
      name === 'protobuf' ? 'statsig-br' : 'plain_text',
    );
  }
});

test('protobuf that came in another coding is brotli for adapters, and as it came for us', async (t) => {
  const { replica, client, nameOf } = await startScene(t);
  const protobuf = demo('protobuf');
  const key = protobuf.keyOf(SDK_KEY);
  const envelopes = decodedBytes(protobuf.payloadOf(TIME).originForm);
  const bytes = gzipSync(envelopes);
  const payload: Payload = {
    ...protobuf.payloadOf(TIME),
    originForm: { encoding: 'gzip', bytes, etag: etagOf(bytes) },
  };
  assert.deepEqual(await replica.snapshots.save(key, payload, 0), { kind: 'stored' });
  const config = await bytesOf(client, nameOf(key), 'config');
  assert.deepEqual(brotliDecompressSync(config ?? ''), envelopes);
  assert.deepEqual(gunzipSync((await bytesOf(client, nameOf(key), 'sfp_body')) ?? ''), envelopes);
  assertHolds(await replica.snapshots.load(key), payload);
});

test('JSON that came for a protobuf question is for us alone, and drops the protobuf before it', async (t) => {
  const { replica, client, nameOf } = await startScene(t);
  const [protobuf, json] = [demo('protobuf'), demo('JSON for a protobuf question')];
  const key = protobuf.keyOf(SDK_KEY);
  await replica.snapshots.save(key, protobuf.payloadOf(TIME), 0);
  assert.equal(await client.hexists(nameOf(key), 'config'), 1);
  await replica.snapshots.save(key, json.payloadOf(TIME + 1), 0);
  assert.equal(await client.hexists(nameOf(key), 'config'), 0);
  assert.deepEqual(await replica.snapshots.confirm(key, TIME + 1), { kind: 'stored' });
  assertHolds(await replica.snapshots.load(key), json.payloadOf(TIME + 1));
  await replica.snapshots.save(key, protobuf.payloadOf(TIME + 2), 0);
  assert.equal(await client.hexists(nameOf(key), 'sfp_body'), 0);
  assertHolds(await replica.snapshots.load(key), protobuf.payloadOf(TIME + 2));
});

test('every write and every confirmation gives an entry its whole time again', async (t) => {
  const { replica, client, nameOf, mirrorOf } = await startScene(t, { doubleWriteLegacyKey: true });
  const v1 = demo('v1 JSON');
  const key = v1.keyOf(SDK_KEY);
  const renewals = [
    () => replica.snapshots.save(key, v1.payloadOf(TIME), 0),
    () => replica.snapshots.confirm(key, TIME),
    () => replica.snapshots.save(key, v1.payloadOf(TIME), 0),
    () => replica.snapshots.save(key, v1.payloadOf(TIME + 1), 0),
  ];
  for (const renew of renewals) {
    assert.deepEqual(await renew(), { kind: 'stored' });
    for (const name of [nameOf(key), mirrorOf(key)]) {
      assert.ok((await client.ttl(name)) > DAY_S - 60, name);
      await client.expire(name, 100);
    }
  }
  assert.deepEqual(await replica.snapshots.confirm(key, TIME), { kind: 'newer', version: TIME + 1 });
  assert.ok((await client.ttl(nameOf(key))) <= 100, 'what an older version says confirms nothing');
});

test('the mirror has the config too, and is written again where it fell behind', async (t) => {
  const { replica, client, nameOf, mirrorOf } = await startScene(t, { doubleWriteLegacyKey: true });
  const v1 = demo('v1 JSON');
  const key = v1.keyOf(SDK_KEY);
  const payload = v1.payloadOf(TIME);
  assert.equal(mirrorOf(key), `statsig::${hashSdkKey(SDK_KEY)}`);
  await replica.snapshots.save(key, payload, 0);
  const expected = {
    encoding: 'plain_text',
    lcut: String(TIME),
    sfp_config_bytes: String(payload.originForm.bytes.length),
    config: payload.originForm.bytes.toString(),
  };
  assert.deepEqual(await client.hgetall(mirrorOf(key)), expected);
  for (const spoil of [
    () => client.del(mirrorOf(key)),
    () => client.hset(mirrorOf(key), 'lcut', TIME - 1),
    () => client.hdel(mirrorOf(key), 'config'),
    () => client.hset(mirrorOf(key), 'config', 'spoilt'),
  ]) {
    await spoil();
    assert.deepEqual(await replica.snapshots.confirm(key, TIME), { kind: 'behind' });
    assert.deepEqual(await replica.snapshots.save(key, payload, 0), { kind: 'stored' });
    assert.deepEqual(await client.hgetall(mirrorOf(key)), expected);
  }
  const newer = v1.payloadOf(TIME + 5).originForm.bytes;
  await client.hset(mirrorOf(key), { lcut: TIME + 5, config: newer });
  assert.deepEqual(
    await replica.snapshots.confirm(key, TIME),
    { kind: 'stored' },
    'a newer mirror is let be',
  );
  await client.del(nameOf(key));
  assert.deepEqual(await replica.snapshots.remove(key), { kind: 'removed' }, 'the mirror alone');
  assert.equal(await client.exists(mirrorOf(key)), 0);
});

test('a dump of Redis holds no SDK key', async (t) => {
  for (const isMirrored of [false, true]) {
    const { replica, client, folder } = await startScene(t, { doubleWriteLegacyKey: isMirrored });
    for (const each of DEMO_PAYLOADS)
      await replica.snapshots.save(each.keyOf(SDK_KEY), each.payloadOf(TIME), 0);
    replica.fleet.join({ stored: () => undefined, lead: () => undefined, reachable: () => undefined });
    assert.ok((await client.keys('*')).length >= 3);
    // Strings are compressed in a dump unless told otherwise.
    await client.config('SET', 'rdbcompression', 'no');
    await client.save();
    const dump = readFileSync(join(folder, 'dump.rdb'));
    assert.ok(dump.includes('sfp_version'), 'a dump that can be read');
    assert.ok(!dump.includes(SDK_KEY));
    assert.ok(!replica.log.text.includes(SDK_KEY));
  }
});
