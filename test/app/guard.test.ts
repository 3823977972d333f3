// The guard in the whole app: an update that loses half of its gates is held back, accepted, refused, overtaken or let go in time.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { hashSdkKey } from '../../src/domain/sdk-key.js';
import { eventually } from '../e2e/deadline.js';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';
import { SDK_KEY, startProxy, stopWhenSaved, type TestProxy } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';

const SPEC = `/api/v1/specs/${hashSdkKey(SDK_KEY)}/v1/json`;
const GUARD = ['--guard-loss-percent', '50', '-p', '1'];
const GATES = 10;

interface Told {
  readonly action: string;
  readonly state: string;
  readonly waiting: number | null;
  readonly reason: string;
}

async function start(t: TestContext, args: readonly string[] = GUARD): Promise<[TestProxy, FakeOrigin]> {
  const origin = await startFakeOrigin();
  origin.project = { ...origin.project, fillerGates: GATES - 1 };
  const proxy = await startProxy({ origin: origin.url, args });
  t.after(async () => {
    await proxy.app.stop();
    await origin.close();
  });
  assert.equal(await gates(proxy), GATES);
  return [proxy, origin];
}

async function gates({ url }: TestProxy): Promise<number> {
  const { text } = await rawRequest(`${url}/v1/download_config_specs/${SDK_KEY}.json`);
  return (JSON.parse(text) as { feature_gates: object[] }).feature_gates.length;
}

function update(origin: FakeOrigin, count: number): number {
  const time = origin.project.time + 1_000;
  origin.project = { ...origin.project, time, fillerGates: count - 1 };
  return time;
}

async function holds({ adminUrl }: TestProxy): Promise<readonly Told[]> {
  const { text } = await rawRequest(`${adminUrl}/api/v1/holds`);
  return (JSON.parse(text) as { holds: Told[] }).holds;
}

async function isHeldBack(proxy: TestProxy, version: number): Promise<Told> {
  let told: Told | undefined;
  await eventually('the guard', async () => {
    told = (await holds(proxy)).find(({ waiting, state }) => waiting === version && state === 'held');
    return told !== undefined;
  });
  assert.ok(told !== undefined);
  return told;
}

async function post({ adminUrl }: TestProxy, action: string, body: object = {}): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  const url = `${adminUrl}${SPEC}/${action}`;
  return (await rawRequest(url, { method: 'POST', headers, body: JSON.stringify(body) })).status;
}

test('what loses too much is held back and told; accepted, it is served', async (t) => {
  const [proxy, origin] = await start(t);
  const version = update(origin, 4);
  const told = await isHeldBack(proxy, version);
  assert.deepEqual([told.action, told.reason], ['guard', `lost 6 of ${GATES} gates`]);
  const polls = origin.requests.length;
  await eventually('two polls', () => origin.requests.length >= polls + 2);
  assert.equal(await gates(proxy), GATES);
  assert.match(
    origin.requests.at(-1)?.url ?? '',
    new RegExp(`sinceTime=${version}`),
    'it is not sent again and again',
  );
  assert.match((await rawRequest(`${proxy.adminUrl}/status`)).text, /"update_held_back"/);
  assert.match((await rawRequest(`${proxy.adminUrl}/metrics`)).text, /reason="update_held_back"[^\n]*\} 1/);
  assert.equal(await post(proxy, 'release'), 200);
  await eventually('the update', async () => (await gates(proxy)) === 4);
  assert.equal(await post(proxy, 'refuse', { reason: 'too late' }), 409);
});

test('refused, it is not served, and the next sound version is', async (t) => {
  const [proxy, origin] = await start(t, [...GUARD, '--guard-hold-in-s', '2']);
  await isHeldBack(proxy, update(origin, 1));
  assert.equal(await post(proxy, 'refuse', { reason: 'a mistake' }), 200);
  const polls = origin.requests.length;
  await eventually(
    'polls for longer than the guard would hold it',
    () => origin.requests.length >= polls + 4,
  );
  assert.equal(await gates(proxy), GATES);
  await isHeldBack(proxy, update(origin, 2));
  update(origin, 9);
  await eventually('the sound version', async () => (await gates(proxy)) === 9);
  assert.ok((await holds(proxy)).every(({ state }) => state === 'over'));
});

test('after its time it is served, and a loss that is small enough at once', async (t) => {
  const [proxy, origin] = await start(t, [...GUARD, '--guard-hold-in-s', '1']);
  update(origin, 5);
  await eventually('half of the gates', async () => (await gates(proxy)) === 5);
  assert.deepEqual(await holds(proxy), []);
  await isHeldBackOrOver(proxy, update(origin, 1));
  await eventually('the update', async () => (await gates(proxy)) === 1);
});

async function isHeldBackOrOver(proxy: TestProxy, version: number): Promise<void> {
  await eventually('the guard', async () => (await holds(proxy)).some(({ waiting }) => waiting === version));
}

test('without the setting nothing is held back', async (t) => {
  const [proxy, origin] = await start(t, ['-p', '1']);
  update(origin, 1);
  await eventually('the update', async () => (await gates(proxy)) === 1);
});

test('a start that finds no spec, but the versions of before, holds back what lost too much of the last one', async (t) => {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  origin.project = { ...origin.project, fillerGates: GATES - 1 };
  const dataDir = makeTemporaryFolder('guard');
  const options = { origin: origin.url, cache: 'local', args: [...GUARD, '--data-dir', dataDir] } as const;
  const startOne = async (): Promise<TestProxy> => {
    const proxy = await startProxy(options);
    t.after(() => proxy.app.stop());
    return proxy;
  };
  const first = await startOne();
  assert.equal(await gates(first), GATES);
  await eventually('its version', async () => {
    const { text } = await rawRequest(`${first.adminUrl}${SPEC}/versions`);
    return (JSON.parse(text) as { versions: object[] }).versions.length === 1;
  });
  await stopWhenSaved(first);
  // As where the spec itself expired in Redis, or its file was lost.
  rmSync(join(dataDir, 'specs'), { recursive: true });
  const version = update(origin, 4);
  const second = await startOne();
  assert.equal(await gates(second), GATES);
  assert.equal((await isHeldBack(second, version)).reason, `lost 6 of ${GATES} gates`);
  await stopWhenSaved(second);

  // With the spec and what holds it in its place, nothing changes.
  const third = await startOne();
  assert.equal(await gates(third), GATES);
  const polls = origin.requests.length;
  await eventually('two polls', () => origin.requests.length >= polls + 2);
  assert.equal(await gates(third), GATES);
  assert.equal(await post(third, 'release'), 200);
  await eventually('the update', async () => (await gates(third)) === 4);
});
