// SDKs that read Redis by the adapters we give to users: no proxy and no origin, and Redis as bad as it gets.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import type { PassiveSdk, PassiveView } from './passive-app.js';
import {
  changesOf,
  entryName,
  FORMS,
  GREETING,
  LATER_GREETING,
  LATER_PROJECT,
  PROJECT,
  startPassiveScene,
  startTrap,
} from './passive-scene.js';

const SDKS: readonly PassiveSdk[] = ['core by JSON', 'core by protobuf', 'legacy'];
/** A read waits 2 s at most, and the core SDK reads twice; the rest is for a busy machine. */
const INIT_MS_MAX = 8000;

for (const sdk of SDKS) {
  describe(`a passive SDK, ${sdk}`, { concurrency: 4 }, () => {
    it('initialises from Redis, takes over an update by polling, and writes nothing', async (t) => {
      const scene = await startPassiveScene(t);
      await scene.fill(PROJECT);
      const app = await scene.startApp(sdk);
      const first = await app.look();
      assertEvaluates(first);
      await scene.fill(LATER_PROJECT);
      const changes = await changesOf(scene.client);
      const { reads } = await app.waitFor('update at the SDK', ({ greeting }) => greeting === LATER_GREETING);
      assert.equal((await app.look()).isGateOpen, false);
      await app.waitFor('further poll', (view) => view.reads.found > reads.found);
      assert.equal(await changesOf(scene.client), changes);
    });

    it('asks nobody but Redis', async (t) => {
      const scene = await startPassiveScene(t);
      await scene.fill(PROJECT);
      const trap = await startTrap(t);
      const app = await scene.startApp(sdk, { networkUrl: trap.url });
      assertEvaluates(await app.waitFor('second poll', ({ reads }) => reads.found >= 3));
      assert.equal(trap.visits, 0);
    });

    it('keeps its values when Redis is gone or empty, and reads on when it is back', async (t) => {
      const scene = await startPassiveScene(t);
      await scene.fill(PROJECT);
      const app = await scene.startApp(sdk);
      assertEvaluates(await app.look());
      await scene.redis.kill();
      assertEvaluates(await app.waitFor('failed poll', ({ reads }) => reads.failed >= 1));
      await scene.redis.startAgain();
      assertEvaluates(await app.waitFor('poll of an empty Redis', ({ reads }) => reads.missing >= 1));
      await scene.fill(LATER_PROJECT);
      await app.waitFor('update at the SDK', ({ greeting }) => greeting === LATER_GREETING);
    });

    it('keeps its values while Redis hangs; one that starts then is not held up, and has them later', async (t) => {
      const scene = await startPassiveScene(t);
      await scene.fill(PROJECT);
      const running = await scene.startApp(sdk);
      scene.redis.signal('SIGSTOP');
      const starting = await scene.startApp(sdk);
      const started = await starting.look();
      assert.equal(started.init.isSuccess, false);
      assert.ok(started.initMs < INIT_MS_MAX, `${started.initMs} ms`);
      assert.equal(started.greeting, undefined);
      assertEvaluates(await running.waitFor('poll without an answer', ({ reads }) => reads.failed >= 1));
      await running.stop();
      scene.redis.signal('SIGCONT');
      await starting.waitFor('values', ({ greeting }) => greeting === GREETING);
    });

    it('starts without values where somebody else writes under the name, and gets them by polling', async (t) => {
      const scene = await startPassiveScene(t);
      const names = Object.values(FORMS).map((form) => entryName(scene.sdkKey, form));
      for (const name of names) await scene.client.set(name, '{"has_updates":true,"time":1}');
      const app = await scene.startApp(sdk);
      const { init, greeting } = await app.look();
      assert.equal(init.isSuccess, false);
      assert.equal(greeting, undefined);
      await scene.client.del(names);
      await scene.fill(PROJECT);
      await app.waitFor('values', (view) => view.greeting === GREETING);
    });

    it('takes its first specs from the network where Redis is empty, writes none, and polls Redis', async (t) => {
      const scene = await startPassiveScene(t);
      const origin = await startFakeOrigin();
      t.after(() => origin.close());
      origin.project = PROJECT;
      await scene.client.acl('SETUSER', 'reader', 'on', '>secret', '~statsig|*', '+hget', '+info');
      const redisUrl = `redis://reader:secret@127.0.0.1:${scene.redis.port}`;
      const app = await scene.startApp(sdk, { networkUrl: origin.url, redisUrl });
      const first = await app.look();
      assert.equal(first.init.isSuccess, true);
      assert.equal(first.greeting, GREETING);
      assert.match(first.source, /^Network/);
      await app.waitFor('polls of Redis', ({ reads }) => reads.missing >= first.reads.missing + 2);
      assert.equal(await scene.client.dbsize(), 0);
      assert.equal(await changesOf(scene.client), 0);
      assert.deepEqual(await scene.client.acl('LOG'), [], 'no other command was tried');
      await scene.fill(LATER_PROJECT);
      await app.waitFor('update from Redis', ({ greeting }) => greeting === LATER_GREETING);
    });
  });
}

function assertEvaluates(view: PassiveView): void {
  assert.deepEqual(view.init, { isSuccess: true, error: '' });
  assert.equal(view.isGateOpen, true);
  assert.equal(view.greeting, GREETING);
  assert.match(view.source, /^(?:Adapter\(DataStore\):Recognized|DataAdapter)$/);
}
