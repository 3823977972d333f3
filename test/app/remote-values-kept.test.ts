// Remote values outlive the process where specs do: a restart without the origin, a fleet on one Redis, and what is damaged there.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { SDK_KEY, type TestProxy } from '../fakes/proxy.js';
import { startRedisServer } from '../fakes/redis-server.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import {
  ask,
  isTakenBySdk,
  servedVersion,
  value,
  ValueScene,
  type Value,
} from '../protocols/statsig/remote-values/value-scene.js';

const VALUES = [value('one'), value('two')];
const REDIS_NAME = 'statsig|/v1/dynamic_config_value|plain_text|';

async function startWith(t: TestContext): Promise<ValueScene> {
  const scene = await ValueScene.start(t);
  scene.offer(...VALUES);
  scene.publish(...VALUES);
  return scene;
}

async function served(proxy: TestProxy): Promise<void> {
  await eventually('spec', async () => (await servedVersion(proxy)) !== undefined);
}

async function assertAllThere(proxy: TestProxy, values: readonly Value[] = VALUES): Promise<void> {
  for (const named of values) {
    assert.equal(isTakenBySdk(await ask(proxy, named.sha256), named), true);
  }
}

function askedForValues({ origin }: ValueScene): number {
  return origin.requests.filter(({ url }) => url.includes('dynamic_config_value')).length;
}

/** Files of values that are whole. */
function filesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.spec'))
    .sort();
}

test('a restart without the origin finds specs and their values on the disk', async (t) => {
  const scene = await startWith(t);
  const dataDir = makeTemporaryFolder('remote-values');
  const options = { cache: 'local', args: ['--data-dir', dataDir], env: { SFP_SDK_KEYS: SDK_KEY } } as const;
  const before = await scene.startProxy(options);
  await served(before);
  const folder = join(dataDir, 'remote-values');
  await eventually('files', () => filesIn(folder).length === VALUES.length);
  await eventually('spec file', () => filesIn(join(dataDir, 'specs')).length > 0);
  await before.app.stop();
  await scene.origin.close();
  const after = await scene.startProxy(options);
  await served(after);
  await assertAllThere(after);
  assert.equal(askedForValues(scene), VALUES.length);
});

test('a restored spec waits two seconds for values that are lost, where a client waits and the origin hangs', async (t) => {
  const scene = await startWith(t);
  const dataDir = makeTemporaryFolder('remote-values');
  const options = { cache: 'local', args: ['--data-dir', dataDir] } as const;
  const before = await scene.startProxy(options);
  await served(before);
  await eventually('spec file', () => filesIn(join(dataDir, 'specs')).length > 0);
  await before.app.stop();
  rmSync(join(dataDir, 'remote-values'), { recursive: true });
  const release = scene.origin.hold();
  t.after(release);
  const after = await scene.startProxy(options);
  const startMs = performance.now();
  assert.equal(await servedVersion(after), scene.origin.project.time);
  assert.ok(performance.now() - startMs >= 1_900);
  const [line] = after.logs.withMessage(
    'spec is served without all remote values that it names: SDKs that read them keep their last spec',
  );
  assert.equal(line?.['missing'], VALUES.length);
});

test('a file that was changed is not served, and is written anew', async (t) => {
  const scene = await startWith(t);
  const dataDir = makeTemporaryFolder('remote-values');
  const options = { cache: 'local', args: ['--data-dir', dataDir] } as const;
  const before = await scene.startProxy(options);
  await served(before);
  const folder = join(dataDir, 'remote-values');
  await eventually('files', () => filesIn(folder).length === VALUES.length);
  await before.app.stop();
  const [first = ''] = filesIn(folder);
  const bytes = readFileSync(join(folder, first));
  bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 0xff, bytes.length - 1);
  writeFileSync(join(folder, first), bytes);
  const asked = askedForValues(scene);
  const after = await scene.startProxy(options);
  await served(after);
  await assertAllThere(after);
  assert.equal(askedForValues(scene), asked + 1);
  await eventually('file written anew', () => filesIn(folder).length === VALUES.length);
});

test('another replica reads values from Redis and asks the origin for none', async (t) => {
  const scene = await startWith(t);
  const redis = await startRedisServer(t);
  const options = { cache: 'redis', args: ['--redis-url', redis.url] } as const;
  const leader = await scene.startProxy(options);
  await served(leader);
  const client = redis.client();
  await eventually('entries', async () => (await client.keys(`${REDIS_NAME}*`)).length === VALUES.length);
  const [name = ''] = await client.keys(`${REDIS_NAME}*`);
  assert.equal(await client.hexists(name, 'config'), 0, 'no adapter reads it: one body is enough');
  assert.ok((await client.ttl(name)) > 0);
  const asked = askedForValues(scene);
  const follower = await scene.startProxy({ ...options, env: { HOSTNAME: 'other' } });
  await served(follower);
  await scene.origin.close();
  await assertAllThere(follower);
  assert.equal(askedForValues(scene), asked);
});

test('what stands in Redis under the name of a value and is another one is not served', async (t) => {
  const scene = await startWith(t);
  const redis = await startRedisServer(t);
  const options = { cache: 'redis', args: ['--redis-url', redis.url] } as const;
  const before = await scene.startProxy(options);
  await served(before);
  const client = redis.client();
  await eventually('entries', async () => (await client.keys(`${REDIS_NAME}*`)).length === VALUES.length);
  await before.app.stop();
  const names = await client.keys(`${REDIS_NAME}*`);
  const [one = '', other = ''] = names;
  // As whole as the right one, with the bytes and lengths of the other value.
  for (const field of ['sfp_body', 'sfp_body_bytes', 'sfp_body_encoding']) {
    await client.hset(one, field, (await client.hgetBuffer(other, field)) ?? '');
  }
  const asked = askedForValues(scene);
  const after = await scene.startProxy({ ...options, env: { HOSTNAME: 'other' } });
  await served(after);
  await assertAllThere(after);
  assert.equal(askedForValues(scene), asked + 1);
  await eventually('right entry', async () => {
    const bodies = await Promise.all(names.map((name) => client.hgetBuffer(name, 'sfp_body')));
    return bodies.every((body) => body !== null) && !bodies[0]?.equals(bodies[1] ?? Buffer.alloc(0));
  });
});

test('while Redis is away values come from the origin, and from the disk after that', async (t) => {
  const scene = await startWith(t);
  const redis = await startRedisServer(t);
  const dataDir = makeTemporaryFolder('remote-values');
  const args = ['--redis-url', redis.url, '--data-dir', dataDir];
  await redis.kill();
  const before = await scene.startProxy({ cache: 'redis', args });
  await served(before);
  await assertAllThere(before);
  await eventually('files', () => filesIn(join(dataDir, 'remote-values')).length === VALUES.length);
  await eventually('spec file', () => filesIn(join(dataDir, 'specs')).length > 0);
  await before.app.stop();
  await scene.origin.close();
  const after = await scene.startProxy({ cache: 'redis', args });
  await served(after);
  await assertAllThere(after);
});

test('the folder of values keeps within its bytes: those used longest ago leave', async (t) => {
  const scene = await startWith(t);
  const dataDir = makeTemporaryFolder('remote-values');
  const args = ['--data-dir', dataDir, '--remote-values-max-in-mib', '64'];
  const proxy = await scene.startProxy({ cache: 'local', args });
  scene.origin.encoding = 'identity';
  const many = Array.from({ length: 9 }, (_none, index) => value(`large ${index}`, 1_300_000));
  scene.offer(...many);
  for (const each of many) assert.equal((await ask(proxy, each.sha256, {})).status, 200);
  const folder = join(dataDir, 'remote-values');
  const status = async (): Promise<{ readonly held: number; readonly bytes: number }> => {
    const answer = await fetch(`${proxy.adminUrl}/status`);
    return ((await answer.json()) as { remoteValues: { held: number; bytes: number } }).remoteValues;
  };
  const { held, bytes } = await status();
  assert.ok(bytes <= 64 * 1024 * 1024, `${bytes} bytes in memory`);
  assert.ok(held < many.length && held > 0);
  await eventually('folder within its bounds', () => {
    const files = filesIn(folder);
    return files.length > 0 && files.length < many.length;
  });
  const [gone, newest] = [many[0], many.at(-1)];
  assert.ok(gone !== undefined && newest !== undefined);
  const asked = askedForValues(scene);
  assert.equal((await ask(proxy, newest.sha256, {})).status, 200);
  assert.equal(askedForValues(scene), asked, 'the newest is still held');
  assert.equal((await ask(proxy, gone.sha256, {})).status, 200);
});
