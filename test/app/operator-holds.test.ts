// Freezing and rolling back through the admin port of the whole app: what clients get, restarts, replicas, what is refused, and the audit.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { verifyAudit } from '../../src/cli/verify-audit.js';
import { hashSdkKey } from '../../src/domain/sdk-key.js';
import { tokenLine } from '../auth/issuer.js';
import { eventually } from '../e2e/deadline.js';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';
import { SDK_KEY, startProxy, stopWhenSaved, type TestProxy, type TestProxyOptions } from '../fakes/proxy.js';
import { rawRequest, type RawAnswer } from '../fakes/raw-request.js';
import { startRedisServer } from '../fakes/redis-server.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { temporaryFile } from '../process/temporary-file.js';

const SPEC = `/api/v1/specs/${hashSdkKey(SDK_KEY)}/v1/json`;
const PUBLIC = `/v1/download_config_specs/${SDK_KEY}.json`;
const ARGS = ['--polling-interval-in-s', '1'];
const REASON = { reason: 'flags misbehave' };

interface Line {
  readonly action: string;
  readonly who: string;
  readonly address: string;
  readonly old: number | null;
  readonly new: number | null;
  readonly reason: string;
}

async function startOrigin(t: TestContext): Promise<FakeOrigin> {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  return origin;
}

async function start(t: TestContext, options: TestProxyOptions): Promise<TestProxy> {
  const proxy = await startProxy({ ...options, args: [...ARGS, ...(options.args ?? [])] });
  t.after(() => proxy.app.stop());
  return proxy;
}

function post(proxy: TestProxy, action: string, body: unknown, headers: object = {}): Promise<RawAnswer> {
  const all = { 'content-type': 'application/json', ...headers };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return rawRequest(`${proxy.adminUrl}${SPEC}/${action}`, { method: 'POST', headers: all, body: text });
}

async function get<Answer>(proxy: TestProxy, path: string): Promise<Answer> {
  const { status, text } = await rawRequest(`${proxy.adminUrl}${path}`);
  assert.equal(status, 200, text);
  return JSON.parse(text) as Answer;
}

/** What a client without a spec gets: its time, and the greeting. */
async function served(proxy: TestProxy): Promise<readonly [number, string]> {
  const { status, text } = await rawRequest(`${proxy.url}${PUBLIC}`);
  assert.equal(status, 200);
  const greeting = /"greeting":"([^"]*)"/.exec(text)?.[1] ?? '';
  return [(JSON.parse(text) as { time: number }).time, greeting];
}

/** Two versions: `hello`, and `bad` a second later. */
async function goBad(proxy: TestProxy, origin: FakeOrigin): Promise<number> {
  const { time } = origin.project;
  assert.deepEqual(await served(proxy), [time, 'hello']);
  await hasVersions(proxy, 1);
  origin.project = { ...origin.project, time: time + 1_000, greeting: 'bad' };
  await eventually('the bad version', async () => (await served(proxy))[1] === 'bad');
  await hasVersions(proxy, 2);
  return time;
}

async function hasVersions(proxy: TestProxy, count: number): Promise<void> {
  await eventually(`${count} versions`, async () => {
    const { versions } = await get<{ versions: object[] }>(proxy, `${SPEC}/versions`);
    return versions.length === count;
  });
}

test('a rollback and a release, in a data directory, across restarts; every step is in the audit, which is whole', async (t) => {
  const origin = await startOrigin(t);
  const dataDir = makeTemporaryFolder('holds');
  const options = { origin: origin.url, cache: 'local', args: ['--data-dir', dataDir] } as const;
  const first = await start(t, options);
  const good = await goBad(first, origin);
  const answer = await post(first, 'rollback', { ...REASON, version: good, forS: 3_600 });
  assert.equal(answer.status, 200, answer.text);
  assert.equal((JSON.parse(answer.text) as { isEverywhere: boolean }).isEverywhere, true);
  await eventually('the good one', async () => (await served(first))[1] === 'hello');
  assert.deepEqual(await served(first), [good + 1_001, 'hello']);
  const { problems } = await get<{ problems: { reason: string }[] }>(first, '/status');
  assert.ok(problems.some(({ reason }) => reason === 'specs_held'));
  await eventually('its line', async () => {
    const { lines } = await get<{ lines: Line[] }>(first, '/api/v1/audit');
    return lines.some(({ action }) => action === 'rollback');
  });
  await stopWhenSaved(first);

  origin.project = { ...origin.project, time: good + 5_000, greeting: 'worse' };
  const second = await start(t, options);
  assert.deepEqual(await served(second), [good + 1_001, 'hello']);
  const polls = origin.requests.length;
  await eventually('two polls', () => origin.requests.length >= polls + 2);
  assert.deepEqual(await served(second), [good + 1_001, 'hello']);
  const { holds } = await get<{ holds: { state: string; bodyOf: number; servedHere: number }[] }>(
    second,
    '/api/v1/holds',
  );
  assert.deepEqual(
    holds.map(({ state, bodyOf, servedHere }) => [state, bodyOf, servedHere]),
    [['held', good, good + 1_001]],
  );
  // Nothing newer than what the rollback served: its time goes out above that.
  origin.project = { ...origin.project, time: good + 1_000, greeting: 'mended' };
  assert.equal((await post(second, 'release', {})).status, 200);
  await eventually('the newest', async () => (await served(second))[1] === 'mended');
  assert.deepEqual(await served(second), [good + 1_002, 'mended']);

  const expected = [
    ['version', 'origin', null, good],
    ['version', 'origin', good, good + 1_000],
    ['rollback', 'anonymous', good + 1_000, good + 1_001],
    ['version', 'operator', good + 1_000, good + 1_001],
    ['version', 'operator', null, good + 1_001],
    ['release', 'anonymous', good + 1_001, null],
    ['hold_over', 'anonymous', good + 1_001, null],
    ['version', 'origin', good + 1_001, good + 1_002],
  ];
  let lines: Line[] = [];
  await eventually('every line', async () => {
    ({ lines } = await get<{ lines: Line[] }>(second, '/api/v1/audit'));
    return lines.length >= expected.length;
  });
  // The line of an order comes when it is stored everywhere, and what comes of it may be told before.
  const told = lines.map((line) => [line.action, line.who, line.old, line.new].join());
  assert.deepEqual(told.sort(), expected.map((each) => each.join()).sort());
  const orders = lines.filter(({ address }) => address !== '');
  assert.deepEqual(
    orders.map(({ action, reason, address }) => [action, reason, address]),
    [
      ['rollback', 'flags misbehave', '127.0.0.1'],
      ['release', 'flags misbehave', '127.0.0.1'],
    ],
  );
  await second.app.stop();
  const folder = join(dataDir, 'audit');
  assert.deepEqual(verifyAudit(folder), {
    isWhole: true,
    text: `whole: ${lines.length} lines, numbers 1 to ${lines.length}`,
  });
  const [file = ''] = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  const text = readFileSync(join(folder, file), 'utf8');
  writeFileSync(join(folder, file), text.replace('flags misbehave', 'all is well'));
  assert.equal(verifyAudit(folder).isWhole, false);
});

test('with Redis: replicas that run and that start later do the same within a second, and a freeze holds them all', async (t) => {
  const origin = await startOrigin(t);
  const redis = await startRedisServer(t);
  const options = { origin: origin.url, cache: 'redis', args: ['--redis-port', String(redis.port)] } as const;
  const [one, two] = [await start(t, options), await start(t, options)];
  assert.equal((await served(two))[1], 'hello');
  const good = await goBad(one, origin);
  await eventually('the bad version at both', async () => (await served(two))[1] === 'bad');
  assert.equal((await post(two, 'rollback', { ...REASON, version: good })).status, 200);
  for (const replica of [one, two])
    await eventually('the good one', async () => (await served(replica))[1] === 'hello');
  const later = await start(t, options);
  assert.deepEqual(await served(later), [good + 1_001, 'hello']);
  assert.equal((await post(later, 'release', {})).status, 200);
  for (const replica of [one, two, later])
    await eventually('the newest', async () => (await served(replica))[1] === 'bad');
  assert.equal((await post(one, 'freeze', REASON)).status, 200);
  await eventually('the freeze everywhere', async () => {
    const known = await Promise.all(
      [one, two, later].map((replica) =>
        get<{ holds: { action: string; state: string }[] }>(replica, '/api/v1/holds'),
      ),
    );
    return known.every(({ holds }) => holds[0]?.state === 'held');
  });
  origin.project = { ...origin.project, time: good + 60_000, greeting: 'worse' };
  const polls = origin.requests.length;
  await eventually('two polls', () => origin.requests.length >= polls + 2);
  for (const replica of [one, two, later, await start(t, options)])
    assert.equal((await served(replica))[1], 'bad');
  const { lines } = await get<{ lines: Line[] }>(one, '/api/v1/audit');
  const orders = lines.filter(({ address }) => address !== '').map(({ action }) => action);
  assert.deepEqual(orders, ['rollback', 'release', 'freeze']);
});

test('orders are refused that are malformed, of another site, or that make no sense now', async (t) => {
  const origin = await startOrigin(t);
  const proxy = await start(t, { origin: origin.url });
  assert.equal((await served(proxy))[1], 'hello');
  const { time } = origin.project;
  const cases: readonly (readonly [string, unknown, object, number])[] = [
    ['freeze', {}, {}, 400],
    ['freeze', { reason: ' ' }, {}, 400],
    ['freeze', { reason: 'x'.repeat(501) }, {}, 400],
    ['freeze', { ...REASON, forS: 0 }, {}, 400],
    ['freeze', { ...REASON, forS: 7 * 86_400 + 1 }, {}, 400],
    ['freeze', '[]', {}, 400],
    ['freeze', '{', {}, 400],
    ['freeze', REASON, { 'content-type': 'text/plain' }, 400],
    ['freeze', REASON, { 'sec-fetch-site': 'cross-site' }, 403],
    ['freeze', REASON, { origin: 'https://elsewhere.example' }, 403],
    ['freeze', REASON, { origin: 'null' }, 403],
    ['freeze', REASON, { host: 'rebound.example', origin: 'http://rebound.example' }, 403],
    ['rollback', REASON, {}, 400],
    ['rollback', { ...REASON, version: '1' }, {}, 400],
    ['rollback', { ...REASON, version: 1 }, {}, 409],
    ['rollback', { ...REASON, version: time }, {}, 409],
    ['release', {}, {}, 409],
    ['freeze', REASON, { 'sec-fetch-site': 'same-origin', origin: proxy.adminUrl }, 200],
    ['release', {}, {}, 200],
  ];
  await hasVersions(proxy, 1);
  for (const [action, body, headers, status] of cases) {
    const answer = await post(proxy, action, body, headers);
    assert.equal(answer.status, status, `${action} ${JSON.stringify([body, headers])} ${answer.text}`);
  }
  assert.equal((await rawRequest(`${proxy.adminUrl}/api/v1/audit`)).status, 503, 'nothing keeps it');
  assert.equal((await rawRequest(`${proxy.adminUrl}/api/v1/audit?lines=0`)).status, 400);
});

test('only sfp::operate changes anything, and the audit names the token', async (t) => {
  const origin = await startOrigin(t);
  const lines = [tokenLine('the-reader', 'sfp::read'), tokenLine('the-operator', 'sfp::operate,sfp::read')];
  const args = [
    '--tokens-file',
    temporaryFile(t, lines.join('\n')),
    '--data-dir',
    makeTemporaryFolder('holds'),
  ];
  const proxy = await start(t, { origin: origin.url, cache: 'local', args });
  assert.equal((await served(proxy))[1], 'hello');
  const as = (token: string): object => ({ authorization: `Bearer ${token}` });
  for (const action of ['freeze', 'rollback', 'release']) {
    assert.equal((await post(proxy, action, REASON, as('the-reader'))).status, 403, action);
    assert.equal((await post(proxy, action, REASON)).status, 401, action);
  }
  const answer = await post(proxy, 'freeze', REASON, as('the-operator'));
  assert.equal(answer.status, 200, answer.text);
  await eventually('its line', async () => {
    const { text } = await rawRequest(`${proxy.adminUrl}/api/v1/audit`, {
      headers: { ...as('the-operator') },
    });
    return (JSON.parse(text) as { lines: Line[] }).lines.some(
      ({ action, who }) => action === 'freeze' && who !== 'anonymous',
    );
  });
});
