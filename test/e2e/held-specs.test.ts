// Real SDKs through an outage drill: a bad version, a rollback, a freeze, and the end of it; those that run, and those that start meanwhile.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { StatsigServer } from 'statsig-node';
import { hashSdkKey } from '../../src/domain/sdk-key.js';
import type { FakeOrigin } from '../fakes/fake-origin.js';
import { startProxy, type TestProxy } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { startRedisServer } from '../fakes/redis-server.js';
import { startCoreSdk } from './core-sdk.js';
import { eventually, within } from './deadline.js';
import { startGrpcScene } from './grpc-scene.js';
import { entryName, FORMS } from './passive-scene.js';
import { startPassiveApp } from './passive-process.js';
import { GREETING, LATER_GREETING, startScene } from './scene.js';
import { newSdkKey } from './sdk-cases.js';
import { NO_ORIGIN } from '../process/origin.js';

type Stage = { readonly origin: FakeOrigin; readonly proxy: TestProxy; changeProject(): void };
/** What it evaluates now; a promise where another process has to be asked. */
interface DrilledSdk {
  greeting(): unknown;
  isGateOpen(): boolean | Promise<boolean>;
}

type StartSdk = (t: TestContext, sdkKey: string) => Promise<DrilledSdk>;

async function post({ adminUrl }: TestProxy, path: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const { status, text } = await rawRequest(`${adminUrl}${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  assert.equal(status, 200, text);
}

async function drill(
  t: TestContext,
  stage: Stage,
  { start, spec }: { readonly start: StartSdk; readonly spec: string },
  sdkKey = newSdkKey(),
): Promise<void> {
  const path = `/api/v1/specs/${hashSdkKey(sdkKey)}/${spec}`;
  const order = { reason: 'the drill' };
  const first = stage.origin.project.time;
  const running = await start(t, sdkKey);
  assert.equal(await running.greeting(), GREETING);
  stage.changeProject();
  await eventually('the bad version at the SDK', async () => (await running.greeting()) === LATER_GREETING);
  await eventually('both versions', async () => {
    const { text } = await rawRequest(`${stage.proxy.adminUrl}${path}/versions`);
    return (JSON.parse(text) as { versions: object[] }).versions.length === 2;
  });

  await post(stage.proxy, `${path}/rollback`, { ...order, version: first });
  await eventually(
    'the good version at the SDK that runs',
    async () => (await running.greeting()) === GREETING,
  );
  assert.equal(await running.isGateOpen(), true);
  const meanwhile = await start(t, sdkKey);
  assert.equal(await meanwhile.greeting(), GREETING);

  await post(stage.proxy, `${path}/release`, {});
  for (const sdk of [running, meanwhile])
    await eventually('the newest of the origin again', async () => (await sdk.greeting()) === LATER_GREETING);

  await post(stage.proxy, `${path}/freeze`, order);
  stage.origin.project = {
    ...stage.origin.project,
    time: stage.origin.project.time + 60_000,
    greeting: 'third',
  };
  const polls = stage.origin.requests.length;
  await eventually('two polls that see it', () => stage.origin.requests.length >= polls + 2);
  assert.equal(await (await start(t, sdkKey)).greeting(), LATER_GREETING);
  for (const sdk of [running, meanwhile]) assert.equal(await sdk.greeting(), LATER_GREETING);
  await post(stage.proxy, `${path}/release`, {});
  for (const sdk of [running, meanwhile])
    await eventually('what came meanwhile', async () => (await sdk.greeting()) === 'third');
}

async function startLegacySdk(t: TestContext, url: string, sdkKey: string): ReturnType<StartSdk> {
  const user = { userID: 'a-user' };
  const sdk = new StatsigServer(sdkKey, {
    api: `${url}/v1`,
    rulesetsSyncIntervalMs: 5_000,
    initStrategyForIDLists: 'none',
    initStrategyForIP3Country: 'none',
    disableAllLogging: true,
  });
  t.after(() => sdk.shutdownAsync());
  await within(sdk.initializeAsync(), 'end of the initialisation');
  return {
    greeting: () => sdk.getConfig(user, 'demo_config').value['greeting'],
    isGateOpen: () => sdk.checkGate(user, 'demo_gate'),
  };
}

describe('the outage drill', { concurrency: true }, () => {
  it('the core SDK by protobuf over HTTP', async (t) => {
    const stage = await startScene(t);
    const start: StartSdk = (each, sdkKey) => startCoreSdk(each, stage.url, sdkKey);
    await drill(t, stage, { start, spec: 'v2/protobuf' });
  });

  it('the legacy SDK by JSON over HTTP', async (t) => {
    const stage = await startScene(t);
    const start: StartSdk = (each, sdkKey) => startLegacySdk(each, stage.url, sdkKey);
    await drill(t, stage, { start, spec: 'v1/json' });
  });

  it('the core SDK on a gRPC stream', async (t) => {
    const stage = await startGrpcScene(t);
    const start: StartSdk = (_each, sdkKey) => stage.startSdk(sdkKey);
    await drill(t, stage, { start, spec: 'v2/json' });
  });

  it('the core SDK that reads protobuf from Redis alone, running and started meanwhile', async (t) => {
    const redis = await startRedisServer(t);
    const scene = await startScene(t);
    const sdkKey = newSdkKey();
    const proxy = await startProxy({
      origin: scene.origin.url,
      cache: 'redis',
      // As nobody asks the proxy for it.
      args: ['-p', '1', '--redis-port', String(redis.port), '--pinned-payloads', 'v2-protobuf'],
      env: { SFP_SDK_KEYS: sdkKey },
    });
    t.after(() => proxy.app.stop());
    const client = redis.client();
    await eventually('the spec in Redis', async () => {
      return (await client.exists(entryName(sdkKey, FORMS.v2Protobuf))) === 1;
    });
    const start: StartSdk = async (each, key) => {
      const where = { redisUrl: redis.url, networkUrl: NO_ORIGIN };
      const app = await startPassiveApp(each, { sdk: 'core by protobuf', sdkKey: key, ...where });
      return {
        greeting: async () => (await app.look()).greeting,
        isGateOpen: async () => (await app.look()).isGateOpen,
      };
    };
    await drill(t, { ...scene, proxy }, { start, spec: 'v2/protobuf' }, sdkKey);
  });

  it('applications that read Redis alone see a rollback and its end', async (t) => {
    const redis = await startRedisServer(t);
    const scene = await startScene(t);
    const sdkKey = newSdkKey();
    const args = ['-p', '1', '--redis-port', String(redis.port)];
    const proxy = await startProxy({ origin: scene.origin.url, cache: 'redis', args });
    t.after(() => proxy.app.stop());
    const path = `/api/v1/specs/${hashSdkKey(sdkKey)}/v1/json`;
    const ask = `${proxy.url}/v1/download_config_specs/${sdkKey}.json`;
    const first = scene.origin.project.time;
    assert.equal((await rawRequest(ask)).status, 200);
    await eventually('the first version', async () => {
      const { text } = await rawRequest(`${proxy.adminUrl}${path}/versions`);
      return (JSON.parse(text) as { versions: object[] }).versions.length === 1;
    });
    scene.changeProject();
    await eventually('the bad version', async () => (await rawRequest(ask)).text.includes(LATER_GREETING));
    const client = redis.client();
    const stored = (): Promise<string | null> => client.hget(entryName(sdkKey, FORMS.v1), 'config');
    await eventually(
      'the bad version in Redis',
      async () => (await stored())?.includes(LATER_GREETING) === true,
    );
    await post(proxy, `${path}/rollback`, { reason: 'the drill', version: first });
    await eventually(
      'the good version in Redis',
      async () => (await stored())?.includes(LATER_GREETING) === false,
    );
    assert.equal(
      await client.hget(entryName(sdkKey, FORMS.v1), 'lcut'),
      String(scene.origin.project.time + 1),
    );
    const app = await startPassiveApp(t, {
      sdk: 'legacy',
      sdkKey,
      redisUrl: redis.url,
      networkUrl: NO_ORIGIN,
    });
    await eventually(
      'the good version at an application',
      async () => (await app.look()).greeting === GREETING,
    );
    await post(proxy, `${path}/release`, {});
    await eventually(
      'the newest at that application',
      async () => (await app.look()).greeting === LATER_GREETING,
    );
  });
});
