// Replicas that share a place: they know each other and what each holds, also when some leave, die, come back or cannot be read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GONE_AFTER_MS, ReplicaRegister } from '../../../src/core/replicas/replica-register.js';
import { REPLICAS_KEY, replicaKey } from '../../../src/core/replicas/replica-record.js';
import { toRecordPayload } from '../../../src/core/versions/stored-record.js';
import { createTestLog } from '../../fakes/log-sink.js';
import { ManualClock } from '../../fakes/manual-clock.js';
import { SharedPlace, type SharedPlaceReplica } from '../../fakes/shared-place.js';

interface Replica {
  readonly register: ReplicaRegister;
  readonly place: SharedPlaceReplica;
  versions: Record<string, number>;
}

class Scene {
  readonly clock = new ManualClock();
  readonly shared = new SharedPlace(this.clock, 10_000);
  leader = 'a:1';

  start(id: string): Replica {
    const place = this.shared.join(id, 1_000);
    const own = { id, name: id.slice(0, 1), release: '1.0.0', startedAtMs: this.clock.nowMs() };
    const options = { own, versions: () => replica.versions, isLeader: () => this.leader === id };
    const register = new ReplicaRegister(this.clock, createTestLog(), place, options);
    const replica: Replica = { register, place, versions: { spec: 1 } };
    register.start();
    return replica;
  }

  pass(ms: number): Promise<void> {
    return this.clock.advanceInSteps(ms, 500);
  }

  async seenBy({ register }: Replica): Promise<readonly string[]> {
    const all = await register.all();
    return all.map(({ id, versions }) => `${id} ${versions['spec']}`).sort();
  }
}

test('each knows the others and what they hold, within seconds', async () => {
  const scene = new Scene();
  const [first, second] = [scene.start('a:1'), scene.start('b:1')];
  await scene.pass(11_000);
  assert.deepEqual(await scene.seenBy(first), ['a:1 1', 'b:1 1']);
  second.versions = { spec: 2 };
  second.register.changed();
  await scene.pass(2_500);
  assert.deepEqual(await scene.seenBy(first), ['a:1 1', 'b:1 2']);
  second.versions = { spec: 3 };
  await scene.pass(11_000);
  assert.deepEqual(await scene.seenBy(first), ['a:1 1', 'b:1 3']);
  assert.deepEqual(first.register.ids, ['a:1', 'b:1']);
});

test('whoever leaves is gone at once, whoever dies after a while, and both leave nothing behind', async () => {
  const scene = new Scene();
  const replicas = ['a:1', 'b:1', 'c:1'].map((id) => scene.start(id));
  const [first, leaving, dying] = replicas as [Replica, Replica, Replica];
  await scene.pass(11_000);
  assert.equal((await first.register.all()).length, 3);
  await leaving.register.stop();
  dying.place.vanish();
  await scene.pass(2_000);
  assert.deepEqual(await scene.seenBy(first), ['a:1 1', 'c:1 1']);
  await scene.pass(GONE_AFTER_MS + 11_000);
  assert.deepEqual(await scene.seenBy(first), ['a:1 1']);
  assert.deepEqual(first.register.ids, ['a:1']);
  assert.equal(scene.shared.entries.size, 2);
});

test('without a leader nobody is taken out, and nobody who is gone is shown', async () => {
  const scene = new Scene();
  scene.leader = '';
  const [first, dying] = [scene.start('a:1'), scene.start('b:1')];
  await scene.pass(11_000);
  dying.place.vanish();
  await scene.pass(GONE_AFTER_MS + 11_000);
  assert.deepEqual(await scene.seenBy(first), ['a:1 1']);
  assert.deepEqual(first.register.ids, ['a:1', 'b:1']);
});

test('a place that was away, flushed, or holds what nobody of us wrote is filled again', async () => {
  const scene = new Scene();
  const [first, second] = [scene.start('a:1'), scene.start('b:1')];
  await scene.pass(11_000);
  second.place.isReachable = false;
  await scene.pass(12_000);
  assert.deepEqual(await scene.seenBy(second), ['b:1 1'], 'itself, where nothing can be asked');
  second.place.isReachable = true;
  scene.shared.flush();
  const version = scene.clock.nowMs();
  await first.place.save(REPLICAS_KEY, toRecordPayload(version, [7, null, 'x:1', { id: 'y' }]));
  await first.place.save(replicaKey('x:1'), toRecordPayload(version, { id: 'x:1', versions: 'none' }));
  await scene.pass(12_000);
  assert.deepEqual(await scene.seenBy(first), ['a:1 1', 'b:1 1']);
  assert.deepEqual(await scene.seenBy(second), ['a:1 1', 'b:1 1']);
});
