// What Replane's own tests ask of its server between their changes, asked of the proxy.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startReplaneScene, type ReplaneScene } from './replane-scene.js';

const SYNC = { path: '/api/sdk/v1/testing/sync' };

async function start(t: TestContext, args: readonly string[]): Promise<ReplaneScene> {
  const scene = await startReplaneScene({ args });
  t.after(() => scene.stop());
  return scene;
}

test('where it is set, the project is read again once the server has taken in every change', async (t) => {
  const scene = await start(t, ['--replane-testing-sync']);
  const { sdkKey, project } = scene.origin.addKey();
  scene.origin.isTesting = true;
  project.set('kept', 1);
  project.set('gone', 1);
  await scene.client(sdkKey).received('"init"');
  project.delete('gone');
  const synced = await scene.client(sdkKey, SYNC).over();
  assert.deepEqual([synced.status, synced.text], [200, '{"status":"synced"}']);
  const later = await scene.client(sdkKey).received('"init"');
  assert.deepEqual(later.valuesOf('gone'), []);
  assert.equal((await scene.client(undefined, SYNC).over()).status, 401);
  scene.origin.isTesting = false;
  assert.equal((await scene.client(sdkKey, SYNC).over()).status, 503);
});

test('where it is not set, there is no such route', async (t) => {
  const scene = await start(t, []);
  const { sdkKey } = scene.origin.addKey();
  scene.origin.isTesting = true;
  assert.equal((await scene.client(sdkKey, SYNC).over()).status, 404);
  assert.deepEqual(scene.origin.requests, []);
});
