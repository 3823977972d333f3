// A data directory that cannot be used: the start, the probe and /status say what is off, specs are served, and it is tried again.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { eventually, within } from '../e2e/deadline.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { SDK_KEY, startProxy, type TestProxy } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { send } from '../protocols/statsig/log-events/event-scene.js';

const SPECS = 'specs are kept in memory only: a restart needs the origin';
const LOG_EVENTS = 'log events are answered with 503';
const ID_LISTS = 'files of ID lists have no new copies: they are passed through';
const PARTLY = 'started up: ready for traffic, but folders cannot be used';

async function start(t: TestContext, dataDir: string): Promise<TestProxy> {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  const options = { origin: origin.url, cache: 'local', args: ['--data-dir', dataDir] } as const;
  const proxy = await within(startProxy(options), 'start', 8_000);
  t.after(() => proxy.app.stop());
  await within(proxy.app.startedUp, 'end of the start');
  return proxy;
}

async function read(url: string): Promise<Record<string, unknown>> {
  return JSON.parse((await rawRequest(url)).text) as Record<string, unknown>;
}

/** What /status says of folders that cannot be used. */
function foldersIn(status: Record<string, unknown>): readonly string[] {
  const problems = status['problems'] as readonly { readonly reason: string; readonly what: string }[];
  return problems.filter(({ reason }) => reason.endsWith('_folder_failing')).map(({ what }) => what);
}

async function assertSaysSo(proxy: TestProxy, unusable: readonly string[]): Promise<void> {
  const [line] = proxy.logs.withMessage(PARTLY);
  assert.equal(line?.['level'], 'warn');
  assert.deepEqual(line['unusable'], unusable);
  assert.deepEqual(proxy.logs.withMessage('started up: ready for traffic'), []);
  const status = await read(`${proxy.adminUrl}/status`);
  assert.equal(status['status'], unusable.includes(LOG_EVENTS) ? 'failing' : 'degraded');
  assert.deepEqual(new Set(foldersIn(status)), new Set(unusable));
  assert.equal((status['logEvents'] as Record<string, unknown>)['isDurable'], false);
  const ready = await rawRequest(`${proxy.url}/v1/ready`);
  assert.equal(ready.status, 200, 'specs are served');
  assert.deepEqual((JSON.parse(ready.text) as Record<string, unknown>)['unusable'], unusable);
  assert.equal((await rawRequest(`${proxy.url}/v2/download_config_specs/${SDK_KEY}.json`)).status, 200);
  assert.equal((await send(proxy.url, 'turned away')).status, 503);
}

test('a file in the place of the data directory is said at the start, and used once it is a directory', async (t) => {
  const dataDir = join(makeTemporaryFolder('data'), 'dir');
  writeFileSync(dataDir, '');
  const proxy = await start(t, dataDir);
  await assertSaysSo(proxy, [SPECS, ID_LISTS, LOG_EVENTS]);
  rmSync(dataDir);
  await eventually(
    'log events that are taken',
    async () => (await send(proxy.url, 'taken')).status === 202,
    10_000,
  );
  const status = await read(`${proxy.adminUrl}/status`);
  assert.equal((status['logEvents'] as Record<string, unknown>)['isDurable'], true);
});

test(
  'a data directory that cannot be made is said at the start',
  { skip: process.platform !== 'linux' },
  async (t) => {
    await assertSaysSo(await start(t, '/proc/spec-forward-proxy'), [SPECS, ID_LISTS, LOG_EVENTS]);
  },
);

test('a single folder that cannot be used is said alone', async (t) => {
  const dataDir = makeTemporaryFolder('data');
  writeFileSync(join(dataDir, 'log-events'), '');
  await assertSaysSo(await start(t, dataDir), [LOG_EVENTS]);
});

test('where all folders can be used, nothing is said', async (t) => {
  const dataDir = makeTemporaryFolder('data');
  mkdirSync(join(dataDir, 'specs'), { mode: 0o700 });
  const proxy = await start(t, dataDir);
  assert.equal(proxy.logs.withMessage('started up: ready for traffic').length, 1);
  assert.ok(!('unusable' in (await read(`${proxy.url}/v1/ready`))));
  assert.deepEqual((await read(`${proxy.adminUrl}/status`))['problems'], []);
});
