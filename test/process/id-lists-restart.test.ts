// The manifest of ID lists outlives the process and the origin: from the data directory, and from Redis, where others read it.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Redis } from 'ioredis';
import { eventually, within } from '../e2e/deadline.js';
import { askForManifest, entryOf, manifestOf, startListProxy } from '../e2e/id-list-scene.js';
import { MANIFEST_TROUBLE } from '../fakes/id-list-answers.js';
import { startIdListOrigin, type IdListOrigin } from '../fakes/id-list-origin.js';
import { rawRequest } from '../fakes/raw-request.js';
import { startRedisServer, type RedisServer } from '../fakes/redis-server.js';
import type { Daemon } from './daemon.js';

const LIST = 'list_1';
/** Behind `secret-` and the four characters that people are shown. */
const HIDDEN = 'keptbackfromall';
const SDK_KEY = `secret-list${HIDDEN}1`;
const REPLICAS = ['replica-1', 'replica-2', 'replica-3'] as const;
const INTERVALS = 5;
/** Of a window of so many intervals, and of a machine that stands still now and then. */
const SURPLUS_ASKS_MAX = 2;

describe('the manifest of ID lists', { concurrency: true }, () => {
  it('is served after a restart with the origin down, from the data directory', async (t) => {
    const origin = await startIdListOrigin(t);
    const list = origin.addProject(SDK_KEY).addList(LIST, 'alice');
    const folder = temporaryFolder(t);
    const options = { cache: 'local', args: ['--data-dir', folder, '--debug-logging'] } as const;
    const first = await startListProxy(t, origin, options);
    const { url, ...before } = await entryOf(first, SDK_KEY, LIST);
    await eventually('file of the manifest', () =>
      filesIn(folder, '.spec').some((text) => text.includes(LIST)),
    );
    await origin.close();
    const { stdout, stderr } = await endOf(first, 'SIGKILL');

    const second = await startListProxy(t, origin, options);
    const { url: urlAfter, ...after } = await entryOf(second, SDK_KEY, LIST);
    assert.deepEqual(after, before);
    assert.equal(new URL(urlAfter).pathname, new URL(url).pathname);
    await origin.reopen();
    list.add('bob');
    await eventually('next manifest', async () => (await entryOf(second, SDK_KEY, LIST)).size === 20);
    const output = await endOf(second, 'SIGTERM');
    for (const text of [
      stdout,
      stderr,
      output.stdout,
      output.stderr,
      ...filesIn(folder),
      ...namesIn(folder),
    ]) {
      assertClean(text);
    }
  });

  it('stands in Redis as the origin sent it, under the name that SDKs’ adapters ask for', async (t) => {
    const { origin, redis, client } = await startStage(t);
    const project = origin.addProject(SDK_KEY);
    const list = project.addList(LIST, 'alice');
    const proxy = await startReplica(t, origin, redis, 'replica-1');
    await manifestOf(proxy, SDK_KEY);
    await untilInRedis(client, project.manifestText);
    const { encoding, lcut } = await client.hgetall(entryName());
    assert.equal(encoding, 'plain_text');
    assert.match(lcut ?? '', /^\d+$/);
    // Nothing new is no new version.
    const asks = origin.asksFor(SDK_KEY);
    await eventually('two more polls', () => origin.asksFor(SDK_KEY) >= asks + 2);
    assert.equal(await client.hget(entryName(), 'lcut'), lcut);
    list.add('bob');
    await untilInRedis(client, project.manifestText);
    assert.ok(Number(await client.hget(entryName(), 'lcut')) > Number(lcut));
  });

  it('is served from Redis by a replica that never asked for it, with the origin down', async (t) => {
    const { origin, redis, client } = await startStage(t);
    const project = origin.addProject(SDK_KEY);
    project.addList(LIST, 'alice');
    const first = await startReplica(t, origin, redis, 'replica-1');
    const before = await entryOf(first, SDK_KEY, LIST);
    await untilInRedis(client, project.manifestText);
    await origin.close();
    await endOf(first, 'SIGKILL');
    const second = await startReplica(t, origin, redis, 'replica-2');
    const after = await entryOf(second, SDK_KEY, LIST);
    assert.deepEqual({ ...after, url: '' }, { ...before, url: '' });
    assert.equal(new URL(after.url).pathname, new URL(before.url).pathname);
    const stranger = await askForManifest(second, 'secret-stranger0123456789');
    assert.equal(stranger.status, 503);
    // What it has from Redis is the manifest that the origin has still: no new version.
    const version = await client.hget(entryName(), 'lcut');
    await origin.reopen();
    const asks = origin.asksFor(SDK_KEY);
    await eventually('two more polls', () => origin.asksFor(SDK_KEY) >= asks + 2);
    await eventually(
      'confirmation',
      async () => Number((await askForManifest(second, SDK_KEY)).headers.age) <= 1,
    );
    assert.equal(await client.hget(entryName(), 'lcut'), version);
  });

  it('is asked for about once an interval by three replicas in all, and is new on each of them', async (t) => {
    const { origin, redis } = await startStage(t);
    const list = origin.addProject(SDK_KEY).addList(LIST, 'alice');
    const replicas = await Promise.all(REPLICAS.map((name) => startReplica(t, origin, redis, name)));
    for (const replica of replicas) assert.equal((await entryOf(replica, SDK_KEY, LIST)).size, 10);
    // Where one holds the lead, the others put their polls off.
    const startMs = performance.now();
    await eventually('a calm fleet', () => {
      const asks = origin.requestsOf('manifest', startMs);
      const [before, last] = asks.slice(-2).map(({ atMs }) => atMs);
      return asks.length >= 3 && (last ?? 0) - (before ?? 0) > 800;
    });
    const calmMs = performance.now();
    await eventually('end of the intervals', () => performance.now() > calmMs + INTERVALS * 1000);
    const asks = origin.asksFor(SDK_KEY, calmMs);
    t.diagnostic(`${asks} questions in ${INTERVALS} intervals`);
    assert.ok(
      asks >= INTERVALS - SURPLUS_ASKS_MAX && asks <= INTERVALS + SURPLUS_ASKS_MAX,
      `${asks} questions`,
    );
    list.add('bob');
    for (const replica of replicas) {
      await eventually('update', async () => (await entryOf(replica, SDK_KEY, LIST)).size === 20);
    }
  });

  it('leaves no SDK key in Redis, in an output, or in /status', async (t) => {
    const { origin, redis, client } = await startStage(t);
    const project = origin.addProject(SDK_KEY);
    project.addList(LIST, 'alice');
    const refused = `secret-refu${HIDDEN}2`;
    const proxy = await startReplica(t, origin, redis, 'replica-1');
    const { url } = await entryOf(proxy, SDK_KEY, LIST);
    assertClean(url);
    assert.equal((await askForManifest(proxy, refused)).status, 401);
    await untilInRedis(client, project.manifestText);
    project.manifestAnswer = MANIFEST_TROUBLE['status 500'];
    await proxy.program.line('origin failing: still serving the last good manifest of ID lists');
    assertClean((await rawRequest(`${proxy.adminUrl}/status?keys=`)).text);
    const { stdout, stderr } = await endOf(proxy, 'SIGTERM');
    assert.ok(stdout.includes('secret-list***'), 'nothing of the key was logged');
    assertClean(stdout);
    assert.equal(stderr, '');
    assert.equal(await client.call('SAVE'), 'OK');
    const dump = readFileSync(join(redis.folder, 'dump.rdb'), 'latin1');
    assert.ok(dump.includes(entryName()), 'names cannot be read');
    assertClean(dump);
  });
});

interface Stage {
  readonly origin: IdListOrigin;
  readonly redis: RedisServer;
  readonly client: Redis;
}

async function startStage(t: TestContext): Promise<Stage> {
  const origin = await startIdListOrigin(t);
  // So that its dump can be searched for words.
  const redis = await startRedisServer(t, ['--rdbcompression', 'no']);
  return { origin, redis, client: redis.client() };
}

function startReplica(
  t: TestContext,
  origin: IdListOrigin,
  redis: RedisServer,
  name: string,
): Promise<Daemon> {
  const env = { HOSTNAME: name, REDIS_URL: redis.url };
  return startListProxy(t, origin, { cache: 'redis', args: ['--debug-logging'], env });
}

function entryName(): string {
  return `statsig|/v1/get_id_lists|plain_text|${createHash('sha256').update(SDK_KEY).digest('base64')}`;
}

function untilInRedis(client: Redis, text: string): Promise<void> {
  return eventually('the manifest in Redis', async () => (await client.hget(entryName(), 'config')) === text);
}

async function endOf(
  { program }: Daemon,
  signal: NodeJS.Signals,
): Promise<{ stdout: string; stderr: string }> {
  program.signal(signal);
  return await within(program.ended, 'end of the proxy');
}

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'id-lists-'));
  t.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String) : [];
}

/** As text of one byte a character. */
function filesIn(folder: string, ending = ''): readonly string[] {
  const names = namesIn(folder).filter((name) => name.endsWith(ending));
  const paths = names.map((name) => join(folder, name));
  return paths
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true)
    .flatMap(readIfThere);
}

/** A file that is being written is renamed when it is whole. */
function readIfThere(path: string): string[] {
  try {
    return [readFileSync(path, 'latin1')];
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

function assertClean(text: string): void {
  const at = text.toLowerCase().indexOf(HIDDEN);
  assert.equal(at, -1, `…${text.slice(Math.max(0, at - 60), at + 20)}…`);
}
