// The fleet's queue in a real Redis: order, owners, and what becomes of a batch when one of them is gone, paused or cut off.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeliveryOutcome } from '../../../../../src/protocols/statsig/origin/event-origin.js';
import { startRedisServer } from '../../../../fakes/redis-server.js';
import { startReplica, until, type Deliver, type FleetReplica } from './fleet-scene.js';

const KEYS = ['secret-one0123456789', 'secret-two0123456789', 'secret-three0123456789'];
const TAKEN: DeliveryOutcome = { kind: 'taken' };

function names(log: readonly string[], sdkKey: string): readonly string[] {
  return log.filter((each) => each.startsWith(sdkKey)).map((each) => each.slice(sdkKey.length + 1));
}

test('a batch that one replica accepts is sent by the owner of its shard, per key in order', async (t) => {
  const server = await startRedisServer(t);
  const sent: string[] = [];
  const deliver: Deliver = async (_replica, { sdkKey, body }) => {
    sent.push(`${sdkKey} ${Buffer.from(body).toString()}`);
    return TAKEN;
  };
  const replicas: FleetReplica[] = [];
  for (const name of ['a', 'b', 'c']) replicas.push(await startReplica(t, name, server, deliver));
  await until('fair shares', replicas, () => replicas.every(({ owned }) => owned.length >= 1));
  assert.equal(replicas.flatMap(({ owned }) => owned).length, 4);
  for (let n = 0; n < 30; n += 1) {
    for (const sdkKey of KEYS) {
      const acceptance = await (replicas[n % 3] as FleetReplica).send(sdkKey, String(n));
      assert.equal(acceptance.kind, 'accepted');
    }
  }
  await until('all of them', replicas, () => sent.length >= 90);
  const wanted = Array.from({ length: 30 }, (_none, n) => String(n));
  for (const sdkKey of KEYS) assert.deepEqual(names(sent, sdkKey), wanted);
});
