// --sdk-keys-policy pinned: on every route a key that is not pinned is refused at once, and the origin never hears of it.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { status } from '@grpc/grpc-js';
import { SPEC_V2 } from '../../src/protocols/statsig/resource-kinds.js';
import { eventually } from '../e2e/deadline.js';
import type { FakeOrigin } from '../fakes/fake-origin.js';
import { GrpcClient } from '../fakes/grpc-client.js';
import { rawRequest, type RawRequest } from '../fakes/raw-request.js';
import type { TestProxy } from '../fakes/proxy.js';
import { temporaryFile } from '../process/temporary-file.js';
import { FleetScene } from './fleet-scene.js';
import { start } from './started-proxy.js';

const PINNED = 'secret-pinnedkey0123456789';
const OTHER = 'secret-otherkey0123456789';
const STRANGER = 'secret-strangerkey0123456789';

interface Scene {
  readonly origin: FakeOrigin;
  readonly proxy: TestProxy;
  readonly grpc: GrpcClient;
  readonly keysFile: string;
}

async function startPinned(t: TestContext, keys: readonly string[]): Promise<Scene> {
  const keysFile = temporaryFile(t, keys.join('\n'));
  const args = ['--sdk-keys-policy', 'pinned', '--sdk-keys-file', keysFile];
  const { origin, proxy } = await start(t, { mode: 'grpc-and-http', args });
  const grpc = new GrpcClient(proxy.grpcAddress);
  t.after(() => {
    grpc.close();
  });
  return { origin, proxy, grpc, keysFile };
}

async function replaceKeys({ proxy, keysFile }: Scene, keys: readonly string[]): Promise<void> {
  const readings = (): number => proxy.logs.withMessage('SDK keys file read again').length;
  const before = readings();
  writeFileSync(keysFile, keys.join('\n'));
  proxy.app.readFilesAgain();
  await eventually('reading of the keys file', () => readings() > before);
}

/** Every route that names a key, and the ways to name it. */
const ROUTES: readonly (readonly [string, RawRequest?])[] = [
  [`/v1/download_config_specs/${STRANGER}.json`],
  [`/v1/download_config_specs/${STRANGER}.json`, { method: 'HEAD' }],
  [`/v2/download_config_specs/${STRANGER}.json?supports_proto=true`],
  ['/v2/download_config_specs', { headers: { 'statsig-api-key': STRANGER } }],
  ['/v1/download_config_specs', { method: 'POST', headers: { 'statsig-api-key': STRANGER } }],
  [`/v1/download_config_specs?k=${STRANGER}`],
  [`/v2/download_config_specs_deltas/${STRANGER}.json?supports_proto=true&sinceTime=1`],
  ['/v1/get_id_lists', { headers: { 'statsig-api-key': STRANGER } }],
  ['/v1/get_id_lists', { method: 'POST', headers: { 'statsig-api-key': STRANGER }, body: '{}' }],
  ['/v1/log_event', { method: 'POST', headers: { 'statsig-api-key': STRANGER }, body: '{"events":[]}' }],
  ['/v1/rgstr', { method: 'POST', headers: { 'statsig-api-key': STRANGER }, body: '{"events":[]}' }],
];

test('on every route another key gets 403, is counted and logged once, and costs nothing upstream', async (t) => {
  const { origin, proxy, grpc } = await startPinned(t, [PINNED]);
  await proxy.app.startedUp;
  const fetched = origin.requests.length;
  for (const [path, request] of ROUTES) {
    const answer = await rawRequest(`${proxy.url}${path}`, request);
    assert.equal(answer.status, 403, path);
    if (request?.method !== 'HEAD') {
      assert.equal((JSON.parse(answer.text) as { reason: string }).reason, 'key_not_pinned', path);
    }
  }
  // An error would be taken for the file: nothing is answered there.
  const file = { headers: { 'statsig-api-key': STRANGER } };
  await assert.rejects(rawRequest(`${proxy.url}/v1/download_id_list_file/a-list`, file));
  assert.equal((await grpc.getConfigSpec({ sdkKey: STRANGER, version: 2 })).code, status.PERMISSION_DENIED);
  const ending = await grpc.stream({ sdkKey: STRANGER, sinceTime: 1 }).end();
  assert.equal(ending.code, status.PERMISSION_DENIED);
  assert.match(ending.details, /not pinned/);

  assert.equal(origin.requests.length, fetched);
  const turnedAway = ROUTES.length + 3;
  const metrics = (await rawRequest(`${proxy.adminUrl}/metrics`)).text;
  assert.match(metrics, new RegExp(`^sfp_sdk_keys_not_pinned_total ${turnedAway}$`, 'm'));
  const { specs } = JSON.parse((await rawRequest(`${proxy.adminUrl}/status`)).text) as {
    readonly specs: { readonly notPinned: number };
  };
  assert.equal(specs.notPinned, turnedAway);
  assert.equal(proxy.logs.withMessage('SDK key refused: it is not pinned').length, 1);
  assert.doesNotMatch(proxy.logs.text, new RegExp(STRANGER));
});

test('a pinned key is served before it is fetched: ports open earlier than that', async () => {
  const args = ['--sdk-keys-policy', 'pinned', '--sdk-keys', PINNED];
  const scene = await FleetScene.running(['a'], args);
  const reader = scene.replicas[0]?.rooms.reader ?? assert.fail();
  const read = async (sdkKey: string): Promise<string> =>
    (await reader.read({ sdkKey, kind: SPEC_V2, format: 'json' })).kind;
  assert.deepEqual([await read(PINNED), await read(STRANGER)], ['held', 'not_pinned']);
});

test('a key that leaves the file is dropped, and its streams end; one that comes is served', async (t) => {
  const scene = await startPinned(t, [PINNED, OTHER]);
  const { origin, proxy, grpc } = scene;
  await proxy.app.startedUp;
  const [leaving, staying] = [grpc.stream({ sdkKey: OTHER }), grpc.stream({ sdkKey: PINNED })];
  await Promise.all([leaving.received(1), staying.received(1)]);
  await replaceKeys(scene, [PINNED, STRANGER]);
  const ending = await leaving.end();
  assert.equal(ending.code, status.PERMISSION_DENIED);
  assert.match(ending.details, /not pinned any more/);
  const ask = async (sdkKey: string): Promise<number> =>
    (await rawRequest(`${proxy.url}/v1/download_config_specs/${sdkKey}.json`)).status;
  assert.deepEqual([await ask(OTHER), await ask(PINNED), await ask(STRANGER)], [403, 200, 200]);
  assert.equal(staying.hasEnded, false);
  const { specs } = JSON.parse((await rawRequest(`${proxy.adminUrl}/status`)).text) as {
    readonly specs: { readonly sdkKeys: number };
  };
  assert.equal(specs.sdkKeys, 2);
  await replaceKeys(scene, [PINNED, OTHER]);
  assert.deepEqual([await ask(OTHER), await ask(STRANGER)], [200, 403]);
  assert.ok(origin.requests.length > 0);
});

test('what was under way when its key left the file is not taken in', async (t) => {
  const scene = await startPinned(t, [PINNED]);
  const { origin, proxy } = scene;
  await proxy.app.startedUp;
  const letGo = origin.hold();
  const before = origin.requests.length;
  await replaceKeys(scene, [PINNED, OTHER]);
  const asked = rawRequest(`${proxy.url}/v1/download_config_specs/${OTHER}.json`);
  await origin.arrived(before + 3);
  await replaceKeys(scene, [PINNED]);
  letGo();
  assert.notEqual((await asked).status, 200);
  const again = await rawRequest(`${proxy.url}/v1/download_config_specs/${OTHER}.json`);
  assert.equal(again.status, 403);
  const { specs } = JSON.parse((await rawRequest(`${proxy.adminUrl}/status`)).text) as {
    readonly specs: { readonly sdkKeys: number };
  };
  assert.equal(specs.sdkKeys, 1);
});

test('a keys file that would refuse everybody changes nothing', async (t) => {
  const { proxy, keysFile } = await startPinned(t, [PINNED]);
  writeFileSync(keysFile, '# nothing left\n');
  proxy.app.readFilesAgain();
  const line = await proxy.logs.waitFor(({ msg }) => String(msg).startsWith('SDK keys file not taken over'));
  assert.match(String(line['faults']), /would refuse everybody/);
  const answer = await rawRequest(`${proxy.url}/v1/download_config_specs/${PINNED}.json`);
  assert.equal(answer.status, 200);
});
