// Entries that others wrote, or spoilt: SFP's are read, what is no spec is never served, what is not ours is not touched.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import type { Redis } from 'ioredis';
import { systemClock } from '../../../src/domain/clock.js';
import type { PayloadKey } from '../../../src/domain/payload-key.js';
import type { RedisEntries } from '../../../src/storage/redis/redis-entries.js';
import { toBodyFields } from '../../../src/storage/redis/redis-body.js';
import { RedisNames } from '../../../src/storage/redis/redis-names.js';
import type { RedisOptions } from '../../../src/storage/redis/redis-options.js';
import { createRedisSnapshots } from '../../../src/storage/redis/redis-snapshots.js';
import type { Snapshots } from '../../../src/storage/snapshots.js';
import { assertHolds, TIME } from '../../contracts/snapshots-place.js';
import { DEMO_PAYLOADS, type DemoPayloads } from '../../fakes/demo-payloads.js';
import { plainSeal } from '../../fakes/backup-seals.js';
import { startRedisServer } from '../../fakes/redis-server.js';
import { openReplica, openRoom, redisOptions } from './redis-scene.js';
import { idListsKey } from '../../../src/protocols/statsig/resource-kinds.js';

const SDK_KEY = 'secret-stranger0123456789-a';
/** The same first 20 characters. */
const NEIGHBOUR = 'secret-stranger0123456789-b';
const [JSON_DEMO, , , BR_DEMO, PROTOBUF_DEMO] = DEMO_PAYLOADS as unknown as readonly [
  DemoPayloads,
  DemoPayloads,
  DemoPayloads,
  DemoPayloads,
  DemoPayloads,
];
const V1 = JSON_DEMO.keyOf(SDK_KEY);

interface Scene {
  readonly snapshots: Snapshots;
  readonly client: Redis;
  readonly nameOf: (key: PayloadKey) => string;
}

async function startScene(t: TestContext, changes: Partial<RedisOptions> = {}): Promise<Scene> {
  const server = await startRedisServer(t);
  const options = redisOptions(server.port, changes);
  const names = new RedisNames(options);
  const { snapshots } = await openReplica(t, options);
  return { snapshots, client: server.client(), nameOf: (key) => names.of(key).entry };
}

/** As SFP writes one. */
async function writeLikeSfp(client: Redis, name: string, version: number, config: Buffer): Promise<void> {
  await client.hset(name, { encoding: 'plain_text', lcut: version, config });
}

test("SFP's own entries are read, and count as confirmed by nobody", async (t) => {
  const { snapshots, client, nameOf } = await startScene(t);
  for (const each of [JSON_DEMO, PROTOBUF_DEMO]) {
    const [key, payload] = [each.keyOf(SDK_KEY), each.payloadOf(TIME)];
    await writeLikeSfp(client, nameOf(key), TIME, payload.originForm.bytes);
    const snapshot = assertHolds(await snapshots.load(key), payload);
    assert.equal(snapshot.confirmedAgoMs, Infinity);
    assert.deepEqual(await snapshots.confirm(key, TIME), { kind: 'behind' }, 'our fields are missing');
    assert.deepEqual(await snapshots.save(key, payload, 0), { kind: 'stored' });
    assert.deepEqual(await snapshots.confirm(key, TIME), { kind: 'stored' });
    assert.ok(assertHolds(await snapshots.load(key), payload).confirmedAgoMs < 60_000);
  }
});

test('a newer version that SFP put beside our fields is the one that is read', async (t) => {
  const { snapshots, client, nameOf } = await startScene(t);
  const key = BR_DEMO.keyOf(SDK_KEY);
  await snapshots.save(key, BR_DEMO.payloadOf(TIME), 0);
  const newer = DEMO_PAYLOADS[1]?.payloadOf(TIME + 1);
  assert.ok(newer !== undefined);
  await writeLikeSfp(client, nameOf(key), TIME + 1, newer.originForm.bytes);
  assert.equal(assertHolds(await snapshots.load(key), newer).confirmedAgoMs, Infinity);
  assert.deepEqual(await snapshots.save(key, BR_DEMO.payloadOf(TIME), 0), {
    kind: 'newer',
    version: TIME + 1,
  });
  assert.deepEqual(await snapshots.save(key, BR_DEMO.payloadOf(TIME + 1), 0), { kind: 'stored' });
  assert.equal(await client.hget(nameOf(key), 'sfp_version'), String(TIME + 1));
  const ours = assertHolds(await snapshots.load(key), BR_DEMO.payloadOf(TIME + 1));
  assert.ok(ours.confirmedAgoMs < 60_000);
});

test('another kind of value is told, and never touched', async (t) => {
  const { snapshots, client, nameOf } = await startScene(t, { doubleWriteLegacyKey: true });
  const payload = JSON_DEMO.payloadOf(TIME);
  const wrongType = { kind: 'unusable', fault: 'wrong_type' };
  await client.set(nameOf(V1), 'an SDK wrote this');
  assert.deepEqual(await snapshots.load(V1), wrongType);
  assert.deepEqual(await snapshots.confirm(V1, TIME), wrongType);
  assert.deepEqual(await snapshots.save(V1, payload, 0), wrongType);
  assert.deepEqual(await snapshots.remove(V1), wrongType);
  assert.equal(await client.get(nameOf(V1)), 'an SDK wrote this');
  const mirror = new RedisNames(redisOptions(0, { doubleWriteLegacyKey: true })).of(V1).mirror ?? '';
  await client.del(nameOf(V1));
  await client.set(mirror, 'an older SDK wrote this');
  assert.deepEqual(await snapshots.save(V1, payload, 0), wrongType);
  assertHolds(await snapshots.load(V1), payload);
  assert.deepEqual(await snapshots.confirm(V1, TIME), wrongType);
  assert.deepEqual(await snapshots.save(V1, payload, 0), wrongType, 'as long as it is there');
  assert.equal(await client.get(mirror), 'an older SDK wrote this');
  await client.del(mirror);
  assert.deepEqual(await snapshots.save(V1, payload, 0), { kind: 'stored' });
});

test('what is no spec of the version it is stored as is never served', async (t) => {
  const { snapshots, client, nameOf } = await startScene(t);
  const good = JSON_DEMO.payloadOf(TIME).originForm.bytes;
  const text = good.toString();
  const bad: Readonly<Record<string, Buffer>> = {
    'cut off': good.subarray(0, good.length - 1),
    'no JSON': Buffer.from('<html>'),
    empty: Buffer.alloc(0),
    'no updates': Buffer.from('{"has_updates":false}'),
    'no time': Buffer.from('{"has_updates":true}'),
    'another version': Buffer.from(text.replace(String(TIME), String(TIME - 1))),
    'a delta': Buffer.from(text.replace('{', '{"is_delta":true,')),
    compressed: brotliCompressSync(good),
    'bytes behind it': Buffer.concat([good, Buffer.from('{}')]),
  };
  for (const [name, config] of Object.entries(bad)) {
    await writeLikeSfp(client, nameOf(V1), TIME, config);
    assert.deepEqual(await snapshots.load(V1), { kind: 'unusable', fault: 'no_spec' }, name);
  }
  await writeLikeSfp(client, nameOf(V1), TIME, good);
  await client.hdel(nameOf(V1), 'config');
  assert.deepEqual(await snapshots.load(V1), { kind: 'unusable', fault: 'no_spec' }, 'no config');
});

test('of a manifest the config is read, whatever another release put beside it', async (t) => {
  const { snapshots, client, nameOf } = await startScene(t);
  const key = idListsKey(SDK_KEY);
  const bytes = Buffer.from('{"a":{"url":"https://o.example/a","size":20}}');
  const originForm = { encoding: 'identity', bytes, etag: '"any"' } as const;
  await snapshots.save(key, { format: 'json', version: TIME, originForm, identityBytes: bytes.length }, 0);
  const packed = brotliCompressSync(bytes);
  await client.hset(nameOf(key), {
    sfp_body: packed,
    sfp_body_encoding: 'br',
    sfp_body_bytes: packed.length,
  });
  const loaded = await snapshots.load(key);
  assert.equal(loaded.kind, 'found');
  assert.deepEqual(loaded.snapshot.payload.originForm.bytes, bytes);
});

test('an entry that is proven not to be of its version is written over by an older one', async (t) => {
  const { snapshots, client, nameOf } = await startScene(t);
  const HIGH = TIME + 1_000_000;
  for (const each of [JSON_DEMO, BR_DEMO, PROTOBUF_DEMO]) {
    const key = each.keyOf(SDK_KEY);
    const name = nameOf(key);
    const lies: Readonly<Record<string, () => Promise<unknown>>> = {
      'as SFP would write it': () => client.hset(name, { lcut: HIGH }),
      'as we would write it': () => client.hset(name, { lcut: HIGH, sfp_version: HIGH }),
      'no body at all': () =>
        client.multi().hset(name, { lcut: HIGH }).hdel(name, 'config', 'sfp_body').exec(),
      ...(each === PROTOBUF_DEMO
        ? {}
        : { 'no JSON': () => client.hset(name, { lcut: HIGH, config: '{"has_updates":true,' }) }),
    };
    for (const [what, lie] of Object.entries(lies)) {
      await snapshots.save(key, each.payloadOf(TIME), 0);
      await lie();
      const next = each.payloadOf(TIME + 1);
      assert.deepEqual(await snapshots.save(key, next, 0), { kind: 'newer', version: HIGH }, what);
      assert.deepEqual(await snapshots.load(key), { kind: 'unusable', fault: 'no_spec' }, what);
      assert.deepEqual(await snapshots.save(key, next, 0), { kind: 'stored' }, `${each.name}: ${what}`);
      assertHolds(await snapshots.load(key), next);
      await snapshots.remove(key);
    }
  }
});

test('a mirror with a version that its config does not have is written over, and one that is newer is not', async (t) => {
  const { snapshots, client } = await startScene(t, { doubleWriteLegacyKey: true });
  const mirror = new RedisNames(redisOptions(0, { doubleWriteLegacyKey: true })).of(V1).mirror ?? '';
  const payload = JSON_DEMO.payloadOf(TIME);
  for (const isConfirmed of [true, false]) {
    await snapshots.save(V1, payload, 0);
    await client.hset(mirror, 'lcut', TIME + 5);
    if (isConfirmed) assert.deepEqual(await snapshots.confirm(V1, TIME), { kind: 'behind' });
    await snapshots.save(V1, payload, 0);
    assert.equal(await client.hget(mirror, 'lcut'), String(TIME));
    await writeLikeSfp(client, mirror, TIME + 1, JSON_DEMO.payloadOf(TIME + 1).originForm.bytes);
    await snapshots.save(V1, payload, 0);
    assert.equal(await client.hget(mirror, 'lcut'), String(TIME + 1));
    await client.del(mirror);
  }
});

test('an entry that only this replica cannot read keeps its version', async (t) => {
  const large = JSON_DEMO.payloadOf(TIME + 1, 20);
  const bytesMax = large.originForm.bytes.length - 1;
  const { snapshots, client, nameOf } = await startScene(t, {
    bodyLimits: { encodedBytesMax: bytesMax, decodedBytesMax: bytesMax },
  });
  const [small, protobuf] = [JSON_DEMO.payloadOf(TIME), PROTOBUF_DEMO.keyOf(SDK_KEY)];
  await writeLikeSfp(client, nameOf(V1), TIME + 1, large.originForm.bytes);
  await writeLikeSfp(client, nameOf(protobuf), TIME + 1, brotliCompressSync('of a layout to come'));
  for (const key of [V1, protobuf]) {
    assert.deepEqual(await snapshots.load(key), { kind: 'unusable', fault: 'no_spec' });
    assert.deepEqual(await snapshots.save(key, small, 0), { kind: 'newer', version: TIME + 1 });
  }
});

test('what was written anew since it was read keeps its version, whatever was read', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const room = await openRoom(t, redisOptions(server.port));
  const name = room.names.of(V1).entry;
  const newer = JSON_DEMO.payloadOf(TIME + 1, 3).originForm.bytes;
  const writes: readonly (() => Promise<unknown>)[] = [
    () => writeLikeSfp(client, name, TIME + 1, newer),
    () => client.hset(name, 'config', newer),
  ];
  for (const write of writes) {
    await writeLikeSfp(client, name, TIME + 1, Buffer.from('{"has_updates":true,"time":1}'));
    const entries = Object.create(room.entries, {
      look: { value: room.entries.look.bind(room.entries) },
      disprove: {
        value: async (...asked: Parameters<RedisEntries['disprove']>) => {
          await write();
          await room.entries.disprove(...asked);
        },
      },
    }) as RedisEntries;
    const snapshots = createRedisSnapshots(systemClock, { ...room, entries });
    assert.deepEqual(await snapshots.load(V1), { kind: 'unusable', fault: 'no_spec' });
    assert.equal(await client.hget(name, 'lcut'), String(TIME + 1));
  }
});

test('a body beyond the limits is not even fetched', async (t) => {
  const large = JSON_DEMO.payloadOf(TIME, 20);
  const bytesMax = large.originForm.bytes.length - 1;
  const { snapshots, client, nameOf } = await startScene(t, {
    bodyLimits: { encodedBytesMax: bytesMax, decodedBytesMax: bytesMax },
  });
  await writeLikeSfp(client, nameOf(V1), TIME, large.originForm.bytes);
  await client.config('RESETSTAT');
  assert.deepEqual(await snapshots.load(V1), { kind: 'unusable', fault: 'no_spec' });
  const sent = /total_net_output_bytes:(\d+)/.exec(await client.info('stats'))?.[1];
  assert.ok(Number(sent) < bytesMax, `${sent} bytes sent`);
});

test('versions that are none are told, and written over', async (t) => {
  const { snapshots, client, nameOf } = await startScene(t);
  const payload = JSON_DEMO.payloadOf(TIME);
  for (const lcut of [
    '',
    'soon',
    '-1',
    '1.5',
    '0x7fffffffffff',
    'inf',
    'nan',
    ' 7',
    '1e15',
    '9007199254740992',
    '9'.repeat(30),
  ]) {
    await client.hset(nameOf(V1), { lcut, config: 'x' });
    assert.deepEqual(await snapshots.load(V1), { kind: 'unusable', fault: 'unknown_format' }, lcut);
    assert.deepEqual(await snapshots.confirm(V1, TIME), { kind: 'behind' }, lcut);
    assert.deepEqual(await snapshots.save(V1, payload, 0), { kind: 'stored' }, lcut);
    assertHolds(await snapshots.load(V1), payload);
  }
});

test('a hash of somebody else is told, and filled', async (t) => {
  const { snapshots, client, nameOf } = await startScene(t);
  await client.hset(nameOf(V1), { colour: 'blue' });
  assert.deepEqual(await snapshots.load(V1), { kind: 'unusable', fault: 'unknown_format' });
  assert.deepEqual(await snapshots.save(V1, JSON_DEMO.payloadOf(TIME), 0), { kind: 'stored' });
  assertHolds(await snapshots.load(V1), JSON_DEMO.payloadOf(TIME));
});

test('fields of ours that were spoilt are told, and written again at the next confirmation', async (t) => {
  const { snapshots, client, nameOf } = await startScene(t);
  const [key, payload] = [BR_DEMO.keyOf(SDK_KEY), BR_DEMO.payloadOf(TIME)];
  await snapshots.save(key, payload, 0);
  const name = nameOf(key);
  const spoils: Readonly<Record<string, () => Promise<unknown>>> = {
    'no body': () => client.hdel(name, 'sfp_body'),
    'no coding': () => client.hdel(name, 'sfp_body_encoding'),
    'no version': () => client.hdel(name, 'sfp_version'),
    'no config': () => client.hdel(name, 'config'),
    'a shorter config': () => client.hset(name, 'config', 'x'),
    'a longer body': () => client.hset(name, 'sfp_body', BR_DEMO.payloadOf(TIME, 20).originForm.bytes),
    'no lengths': () => client.hdel(name, 'sfp_config_bytes', 'sfp_body_bytes'),
    'a length that is none': () => client.hset(name, 'sfp_body_bytes', 'many'),
  };
  for (const [what, spoil] of Object.entries(spoils)) {
    await spoil();
    assert.deepEqual(await snapshots.confirm(key, TIME), { kind: 'behind' }, what);
    assert.deepEqual(await snapshots.save(key, payload, 0), { kind: 'stored' }, what);
    assertHolds(await snapshots.load(key), payload);
  }
  await client.hset(name, { sfp_body_encoding: 'zstd' });
  assert.deepEqual(await snapshots.load(key), { kind: 'unusable', fault: 'unknown_format' });
  await client.hset(name, { sfp_body_encoding: 'br', sfp_format: 'protobuf' });
  assert.deepEqual(await snapshots.load(key), { kind: 'unusable', fault: 'unknown_format' });
});

test('under a name that two keys share, neither gets, confirms, replaces or removes what is the other’s', async (t) => {
  const { snapshots, nameOf } = await startScene(t, { keySchema: 'prefix' });
  const neighbour = JSON_DEMO.keyOf(NEIGHBOUR);
  assert.equal(nameOf(V1), nameOf(neighbour));
  const foreign = { kind: 'unusable', fault: 'foreign_key' };
  await snapshots.save(neighbour, JSON_DEMO.payloadOf(TIME), 0);
  assert.deepEqual(await snapshots.load(V1), foreign);
  assert.deepEqual(await snapshots.confirm(V1, TIME), foreign);
  assert.deepEqual(await snapshots.save(V1, JSON_DEMO.payloadOf(TIME + 1), 0), foreign);
  assert.deepEqual(await snapshots.remove(V1), foreign);
  assertHolds(await snapshots.load(neighbour), JSON_DEMO.payloadOf(TIME));
  assert.deepEqual(await snapshots.remove(neighbour), { kind: 'removed' });
  assert.deepEqual(await snapshots.save(V1, JSON_DEMO.payloadOf(TIME), 0), { kind: 'stored' });
});

test("SFP's entry under a shared name is nobody's: not read, not removed, replaced by what is not older", async (t) => {
  const { snapshots, client, nameOf } = await startScene(t, { keySchema: 'prefix' });
  const foreign = { kind: 'unusable', fault: 'foreign_key' };
  for (const version of [TIME - 1, TIME]) {
    await writeLikeSfp(client, nameOf(V1), version, JSON_DEMO.payloadOf(version).originForm.bytes);
    assert.deepEqual(await snapshots.load(V1), foreign);
    assert.deepEqual(await snapshots.remove(V1), foreign);
    assert.deepEqual(await snapshots.confirm(V1, TIME), { kind: 'behind' });
    assert.deepEqual(await snapshots.save(V1, JSON_DEMO.payloadOf(TIME), 0), { kind: 'stored' });
    assertHolds(await snapshots.load(V1), JSON_DEMO.payloadOf(TIME));
    await snapshots.remove(V1);
  }
  // Put beside our own fields, it may be of another key: ours no longer speak of it.
  await snapshots.save(V1, JSON_DEMO.payloadOf(TIME), 0);
  await writeLikeSfp(client, nameOf(V1), TIME + 1, JSON_DEMO.payloadOf(TIME + 1).originForm.bytes);
  assert.deepEqual(await snapshots.load(V1), foreign);
  assert.deepEqual(await snapshots.save(V1, JSON_DEMO.payloadOf(TIME), 0), {
    kind: 'newer',
    version: TIME + 1,
  });
  assert.deepEqual(await snapshots.save(V1, JSON_DEMO.payloadOf(TIME + 2), 0), { kind: 'stored' });
});

test('an entry that was copied to the name of another key is not served as that key’s, and is written over', async (t) => {
  const { snapshots, client, nameOf } = await startScene(t, { doubleWriteLegacyKey: true });
  const [other, copied] = [JSON_DEMO.keyOf(NEIGHBOUR), JSON_DEMO.payloadOf(TIME + 1)];
  const mirrorOf = (key: PayloadKey): string =>
    new RedisNames(redisOptions(0, { doubleWriteLegacyKey: true })).of(key).mirror ?? '';
  await snapshots.save(other, copied, 0);
  for (const name of [nameOf(V1), mirrorOf(V1)]) await client.copy(nameOf(other), name);
  assert.deepEqual(await snapshots.load(V1), { kind: 'unusable', fault: 'foreign_key' });
  assert.deepEqual(await snapshots.confirm(V1, TIME), { kind: 'behind' });
  // Older than what was copied, but nothing says that of this key.
  const payload = JSON_DEMO.payloadOf(TIME);
  assert.deepEqual(await snapshots.save(V1, payload, 0), { kind: 'stored' });
  assertHolds(await snapshots.load(V1), payload);
  assert.equal(await client.hget(mirrorOf(V1), 'lcut'), String(TIME));
  assert.deepEqual(await snapshots.confirm(V1, TIME), { kind: 'stored' });
  assertHolds(await snapshots.load(other), copied);
});

test('an entry that is copied over another while it is read is not served as that', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const room = await openRoom(t, redisOptions(server.port));
  const other = JSON_DEMO.keyOf(NEIGHBOUR);
  const entries = Object.create(room.entries, {
    look: {
      value: async (...asked: Parameters<RedisEntries['look']>) => {
        const looks = await room.entries.look(...asked);
        await client.call('COPY', room.names.of(other).entry, room.names.of(V1).entry, 'REPLACE');
        return looks;
      },
    },
  }) as RedisEntries;
  const writer = createRedisSnapshots(systemClock, room);
  for (const key of [other, V1]) await writer.save(key, JSON_DEMO.payloadOf(TIME), 0);
  const reader = createRedisSnapshots(systemClock, { ...room, entries });
  assert.deepEqual(await reader.load(V1), { kind: 'unusable', fault: 'foreign_key' });
});

test('the script that writes asks all of that itself: much may have come since it was asked before', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const { entries, names } = await openRoom(t, redisOptions(server.port, { keySchema: 'prefix' }));
  const save = async (key: PayloadKey, version: number): Promise<unknown> => {
    const payload = JSON_DEMO.payloadOf(version);
    const fields = await toBodyFields(key, payload, 1_000_000, plainSeal());
    return await entries.save(key, names.of(key), payload, fields, 0);
  };
  assert.deepEqual(await save(JSON_DEMO.keyOf(NEIGHBOUR), TIME), { kind: 'stored' });
  assert.deepEqual(await save(V1, TIME + 1), { kind: 'unusable', fault: 'foreign_key' });
  assert.deepEqual(await save(JSON_DEMO.keyOf(NEIGHBOUR), TIME - 1), { kind: 'newer', version: TIME });
  await client.del(names.of(V1).entry);
  await client.set(names.of(V1).entry, 'a string');
  assert.deepEqual(await save(V1, TIME + 1), { kind: 'unusable', fault: 'wrong_type' });
});

test('an entry that is written anew while it is read is read anew, a few times', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const room = await openRoom(t, redisOptions(server.port));
  const name = room.names.of(V1).entry;
  let version = TIME;
  let writesLeft = 2;
  const entries = Object.create(room.entries, {
    look: {
      value: async (...asked: Parameters<RedisEntries['look']>) => {
        const looks = await room.entries.look(...asked);
        if ((writesLeft -= 1) >= 0) {
          version += 1;
          await writeLikeSfp(client, name, version, JSON_DEMO.payloadOf(version).originForm.bytes);
        }
        return looks;
      },
    },
  }) as RedisEntries;
  const snapshots = createRedisSnapshots(systemClock, { ...room, entries });
  await writeLikeSfp(client, name, TIME, JSON_DEMO.payloadOf(TIME).originForm.bytes);
  assertHolds(await snapshots.load(V1), JSON_DEMO.payloadOf(TIME + 2));
  writesLeft = 3;
  assert.deepEqual(await snapshots.load(V1), { kind: 'unusable', fault: 'torn' });
  assertHolds(await snapshots.load(V1), JSON_DEMO.payloadOf(TIME + 5));
});

test('another kind of value that comes while an entry is read is told as that', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const room = await openRoom(t, redisOptions(server.port));
  const name = room.names.of(V1).entry;
  const entries = Object.create(room.entries, {
    look: {
      value: async (...asked: Parameters<RedisEntries['look']>) => {
        const looks = await room.entries.look(...asked);
        await client.set(name, 'a string');
        return looks;
      },
    },
  }) as RedisEntries;
  const snapshots = createRedisSnapshots(systemClock, { ...room, entries });
  await writeLikeSfp(client, name, TIME, JSON_DEMO.payloadOf(TIME).originForm.bytes);
  assert.deepEqual(await snapshots.load(V1), { kind: 'unusable', fault: 'wrong_type' });
});
