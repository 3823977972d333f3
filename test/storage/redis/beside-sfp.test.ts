// SFP 4.1 and 4.5 beside this proxy on one Redis: rows of either are read and written over rightly, and neither harms the other.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import type { PayloadKey } from '../../../src/domain/payload-key.js';
import { idListsKey } from '../../../src/protocols/statsig/resource-kinds.js';
import { assertHolds, TIME } from '../../contracts/snapshots-place.js';
import { eventually } from '../../e2e/deadline.js';
import { DEMO_PAYLOADS, type DemoPayloads } from '../../fakes/demo-payloads.js';
import { startRedisServer } from '../../fakes/redis-server.js';
import { SfpInRedis, type SfpOptions, type SfpRow } from '../../fakes/sfp-in-redis.js';
import { openReplica, redisOptions, type Replica } from './redis-scene.js';

const SDK_KEY = 'secret-beside0123456789-a';
/** The same first 20 characters. */
const NEIGHBOUR = 'secret-beside0123456789-b';
/** What SDKs are given uncompressed, in JSON and in protobuf: what SFP stores. */
const STORED = DEMO_PAYLOADS.filter(({ name }) => name === 'v1 JSON' || name === 'protobuf');
const SETTINGS: readonly (SfpOptions & { readonly keyPrefix: string })[] = [
  { release: '4.1', keyPrefix: '' },
  { release: '4.5', keyPrefix: '' },
  // As an operator writes it for both programs.
  { release: '4.5', keyPrefix: ' team-a ', prefix: 'team-a:' },
];

function rowOf({ sdkKey, kind, format }: PayloadKey): SfpRow {
  return { sdkKey, path: kind.path, isProtobuf: format === 'protobuf' };
}

function bytesOf(demo: DemoPayloads, version: number): Buffer {
  return Buffer.from(demo.payloadOf(version).originForm.bytes);
}

interface Scene {
  readonly redis: Redis;
  readonly sfp: SfpInRedis;
  readonly ours: Replica;
}

for (const { keyPrefix, ...options } of SETTINGS) {
  const which = `SFP ${options.release}${keyPrefix === '' ? '' : ' with a prefix'}`;

  async function start(t: TestContext, keySchema: 'sha256' | 'prefix', leaseTtlMs = 70_000): Promise<Scene> {
    const server = await startRedisServer(t);
    const redis = server.client();
    const sfp = new SfpInRedis(redis, 'sfp-uuid', { ...options, doubleWrites: true });
    const ours = await openReplica(
      t,
      redisOptions(server.port, { keyPrefix, keySchema, leaseTtlMs, attemptIntervalMs: 100 }),
    );
    return { redis, sfp, ours };
  }

  test(`${which}: rows under a hash are read, and written over by what is newer`, async (t) => {
    const { redis, sfp, ours } = await start(t, 'sha256');
    for (const demo of STORED) {
      const key = demo.keyOf(SDK_KEY);
      const [, name = ''] = sfp.names(rowOf(key));
      await sfp.update(rowOf(key), TIME, bytesOf(demo, TIME));
      const loaded = assertHolds(await ours.snapshots.load(key), demo.payloadOf(TIME));
      assert.equal(loaded.confirmedAgoMs, Infinity);
      assert.deepEqual(await ours.snapshots.save(key, demo.payloadOf(TIME - 1), 0), {
        kind: 'newer',
        version: TIME,
      });
      assert.deepEqual(await ours.snapshots.save(key, demo.payloadOf(TIME + 1), 0), { kind: 'stored' });
      assert.equal(await redis.hget(name, 'lcut'), String(TIME + 1));
      assert.deepEqual(await redis.hgetBuffer(name, 'config'), bytesOf(demo, TIME + 1));
      await sfp.update(rowOf(key), TIME + 1, bytesOf(demo, TIME + 1));
      await sfp.update(rowOf(key), TIME, bytesOf(demo, TIME));
      assert.deepEqual(
        await ours.snapshots.confirm(key, TIME + 1),
        { kind: 'stored' },
        'our row was left alone',
      );
      await sfp.update(rowOf(key), TIME + 2, bytesOf(demo, TIME + 2));
      assertHolds(await ours.snapshots.load(key), demo.payloadOf(TIME + 2));
    }
  });

  test(`${which}: rows under 20 characters may be another key's: not served, and written over by what is newer`, async (t) => {
    const { redis, sfp, ours } = await start(t, 'prefix');
    for (const demo of STORED) {
      const key = demo.keyOf(SDK_KEY);
      const [name = ''] = sfp.names(rowOf(key));
      await sfp.update(rowOf(demo.keyOf(NEIGHBOUR)), TIME, bytesOf(demo, TIME));
      assert.deepEqual(await ours.snapshots.load(key), { kind: 'unusable', fault: 'foreign_key' });
      assert.deepEqual(await ours.snapshots.save(key, demo.payloadOf(TIME - 1), 0), {
        kind: 'newer',
        version: TIME,
      });
      assert.deepEqual(await ours.snapshots.save(key, demo.payloadOf(TIME + 1), 0), { kind: 'stored' });
      assert.deepEqual(await redis.hgetBuffer(name, 'config'), bytesOf(demo, TIME + 1));
      assertHolds(await ours.snapshots.load(key), demo.payloadOf(TIME + 1));
    }
  });

  test(`${which}: a row of ours that it confirms or removes is kept longer, or written again`, async (t) => {
    const { redis, sfp, ours } = await start(t, 'sha256');
    const [demo] = STORED;
    if (demo === undefined) assert.fail('no demo');
    const key = demo.keyOf(SDK_KEY);
    const [, name = ''] = sfp.names(rowOf(key));
    await ours.snapshots.save(key, demo.payloadOf(TIME), 0);
    await redis.expire(name, 100);
    await sfp.touch(rowOf(key), TIME + 1);
    assert.ok((await redis.ttl(name)) <= 100, 'another version');
    await sfp.touch(rowOf(key), TIME);
    assert.equal((await redis.ttl(name)) > 100, options.release === '4.5');
    await sfp.remove(rowOf(key));
    assert.deepEqual(await ours.snapshots.confirm(key, TIME), { kind: 'behind' });
    assert.deepEqual(await ours.snapshots.save(key, demo.payloadOf(TIME), 0), { kind: 'stored' });
  });

  test(`${which}: manifests of ID lists that it writes with version 0 are written again`, async (t) => {
    const { sfp, ours } = await start(t, 'sha256');
    const key = idListsKey(SDK_KEY);
    const bytes = Buffer.from('{"a":{"url":"https://o.example/a","size":20}}');
    const originForm = { encoding: 'identity', bytes, etag: '"any"' } as const;
    const payload = { format: 'json', version: TIME, originForm, identityBytes: bytes.length } as const;
    await ours.snapshots.save(key, payload, 0);
    await sfp.update(rowOf(key), 0, Buffer.from('{}'));
    assert.deepEqual(await ours.snapshots.confirm(key, TIME), { kind: 'behind' });
    assert.deepEqual(await ours.snapshots.save(key, payload, 0), { kind: 'stored' });
    const loaded = await ours.snapshots.load(key);
    assert.deepEqual(loaded.kind === 'found' && loaded.snapshot.payload.originForm.bytes, bytes);
  });

  test(`${which}: they share one lock, and one that SFP left behind for ever ends`, async (t) => {
    const { redis, sfp, ours } = await start(t, 'sha256', 1_000);
    await redis.set(sfp.lock, 'sfp-uuid');
    ours.fleet.join({ stored: () => undefined, lead: () => undefined, reachable: () => undefined });
    await eventually('an end of the lock', async () => (await redis.pttl(sfp.lock)) > 0);
    assert.equal(ours.fleet.isLeader, false);
    await eventually('our turn', () => ours.fleet.isLeader);
    const [demo] = STORED;
    if (demo === undefined) assert.fail('no demo');
    const row = rowOf(demo.keyOf(SDK_KEY));
    await sfp.update(row, TIME, bytesOf(demo, TIME));
    assert.equal(await redis.exists(...sfp.names(row)), 0, 'it writes nothing while another leads');
    await ours.close();
    await sfp.update(row, TIME, bytesOf(demo, TIME));
    assert.equal(await redis.get(sfp.lock), 'sfp-uuid');
    assert.equal(await redis.exists(...sfp.names(row)), 2);
  });

  test(`${which}: whatever both write in any order, no version is lost, and every row is whole`, async (t) => {
    const { redis, sfp, ours } = await start(t, 'sha256');
    const [demo] = STORED;
    if (demo === undefined) assert.fail('no demo');
    const key = demo.keyOf(SDK_KEY);
    const [, name = ''] = sfp.names(rowOf(key));
    const step = fc.record({
      who: fc.constantFrom('sfp updates', 'sfp confirms', 'ours saves', 'ours confirms'),
      version: fc.integer({ min: TIME, max: TIME + 20 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), async (steps) => {
        await redis.flushall();
        let highest = 0;
        for (const { who, version } of steps) {
          if (who === 'sfp updates') await sfp.update(rowOf(key), version, bytesOf(demo, version));
          if (who === 'sfp confirms') await sfp.touch(rowOf(key), version);
          if (who === 'ours saves') await ours.snapshots.save(key, demo.payloadOf(version), 0);
          if (who === 'ours confirms') await ours.snapshots.confirm(key, version);
          if (who === 'sfp updates' || who === 'ours saves') highest = Math.max(highest, version);
          if (highest === 0) continue;
          assert.equal(await redis.hget(name, 'lcut'), String(highest));
          assert.deepEqual(await redis.hgetBuffer(name, 'config'), bytesOf(demo, highest));
          assertHolds(await ours.snapshots.load(key), demo.payloadOf(highest));
        }
      }),
      { numRuns: 15 },
    );
  });
}
