// The comparison as a whole: this proxy beside one that behaves as SFP, and beside the origin, for real; what it reports, and its exit status.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { readCommandLine } from '../../src/cli/read-command-line.js';
import { systemClock } from '../../src/domain/clock.js';
import { FORMS } from '../../src/shadow/forms.js';
import { shadow, type ShadowOutcome } from '../../src/shadow/shadow.js';
import type { ShadowReport } from '../../src/shadow/shadow-text.js';
import { eventually } from '../e2e/deadline.js';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';
import { startProxy, type TestProxy } from '../fakes/proxy.js';
import { startSfpProxy } from '../fakes/sfp-proxy.js';
import { rawRequest } from '../fakes/raw-request.js';

const KEY = 'secret-shadow0123456789abc';

async function run(
  args: readonly string[],
  { env = { SFP_SDK_KEYS: KEY }, stopping = new AbortController().signal } = {},
): Promise<ShadowOutcome> {
  const typed = readCommandLine(['shadow', ...args], '1.2.3');
  if (typed.kind !== 'shadow') return assert.fail('not the shadow');
  const around = {
    env,
    readFile: (path: string) => readFileSync(path, 'utf8'),
    hostName: 'here',
    nowMs: systemClock.nowMs(),
    fallbackDataDir: '/nonexistent',
    folderFault: () => undefined,
  };
  return await shadow(typed.line, typed.own, around, { clock: systemClock, version: '1.2.3' }, stopping);
}

/** One round, as JSON. */
async function compare(
  base: string,
  against: string,
  more: readonly string[] = [],
): Promise<{ readonly report: ShadowReport; readonly status: number }> {
  const outcome = await run([
    '--base',
    base,
    '--against',
    against,
    '--for-s',
    '1',
    '--interval-s',
    '2',
    '--json',
    ...more,
  ]);
  if ('faults' in outcome) return assert.fail(outcome.faults.join());
  return { report: JSON.parse(outcome.text) as ShadowReport, status: outcome.status };
}

async function startOurs(
  t: TestContext,
): Promise<{ readonly origin: FakeOrigin; readonly proxy: TestProxy }> {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  const args = ['--polling-interval-in-s', '1'];
  const proxy = await startProxy({ origin: origin.url, args, env: { SFP_SDK_KEYS: KEY } });
  t.after(() => proxy.app.stop());
  return { origin, proxy };
}

function formsOf(
  { keys }: ShadowReport,
  pick: (form: ShadowReport['keys'][number]['forms'][number]) => boolean,
): string[] {
  return keys.flatMap(({ forms }) => forms.filter(pick).map(({ form }) => form));
}

test('beside SFP on the same origin every form is the same to an SDK, but for notes', async (t) => {
  const { origin, proxy } = await startOurs(t);
  const sfp = await startSfpProxy(t, origin.url);
  const { report, status } = await compare(proxy.url, sfp.url);
  const [key] = report.keys;
  assert.equal(key?.sdkKey, 'secret-shad***');
  assert.deepEqual(
    key.forms.map(({ form, rounds }) => [form, rounds]),
    FORMS.map(({ name }) => [name, 1]),
  );
  // The origin has no ID lists: SFP says 401, this proxy what is wrong.
  assert.deepEqual(
    formsOf(report, ({ differences }) => differences.length > 0),
    ['id_lists'],
  );
  for (const { form, differences, latency } of key.forms) {
    assert.deepEqual(form === 'id_lists' ? [] : differences, [], form);
    assert.ok(latency.base.medianMs > 0 && latency.against.p95Ms > 0);
  }
  assert.equal(status, 1);
  assert.ok(!JSON.stringify(report).includes(KEY));
});

test('a side that is a poll behind is late, and no different for that', async (t) => {
  const { origin, proxy } = await startOurs(t);
  const sfp = await startSfpProxy(t, origin.url);
  await compare(proxy.url, sfp.url);
  origin.project = { ...origin.project, time: origin.project.time + 1_000, greeting: 'new' };
  const held = [`v1/download_config_specs/${KEY}.json`, `v2/download_config_specs/${KEY}.json`];
  held.push(`${held[1] ?? ''}?supports_proto=true`);
  await eventually('the new version in all forms', async () => {
    const answers = await Promise.all(held.map((path) => rawRequest(`${proxy.url}/${path}`)));
    return answers.every(({ headers }) => headers['x-since-time'] === String(origin.project.time));
  });
  const late = await compare(proxy.url, sfp.url);
  const lateForms = formsOf(
    late.report,
    (form) => form.late.rounds === 1 && form.late.behind.join() === 'against',
  );
  assert.ok(lateForms.includes('v2 json br'), lateForms.join());
  assert.deepEqual(
    formsOf(late.report, ({ differences }) => differences.length > 0),
    ['id_lists'],
  );
  await sfp.poll();
  const again = await compare(proxy.url, sfp.url);
  assert.deepEqual(
    formsOf(again.report, (form) => form.late.rounds > 0),
    [],
  );
});

test('what is served otherwise is a difference with an example, for people too, and the exit status is 1', async (t) => {
  const { proxy } = await startOurs(t);
  const other = await startFakeOrigin();
  t.after(() => other.close());
  other.project = { ...other.project, greeting: 'another' };
  const outcome = await run([
    '--base',
    proxy.url,
    '--against',
    other.url,
    '--for-s',
    '1',
    '--interval-s',
    '2',
  ]);
  assert.ok('text' in outcome);
  assert.equal(outcome.status, 1);
  assert.match(outcome.text, /^base http:\S+, against http:\S+\nsecret-shad\*\*\*\n/);
  assert.match(outcome.text, /DIFF {2}v1 json identity +0 of 1 rounds the same; median \S+ \/ \S+ ms/);
  assert.match(
    outcome.text,
    /differs: bytes in 1 rounds: base \d+ bytes, sha256 \w+, against \d+ bytes, sha256 \w+\n/,
  );
  assert.match(outcome.text, /\nverdict: different\n$/);
});

test('a proxy beside itself is the same in all forms, and the exit status is 0', async (t) => {
  const { proxy } = await startOurs(t);
  const { report, status } = await compare(proxy.url, proxy.url);
  assert.deepEqual([report.verdict, status], ['same', 0]);
});

test('without --base the daemon of the settings is asked; a side that is away is a difference', async (t) => {
  const { origin, proxy } = await startOurs(t);
  const here = ['--host', '127.0.0.1', '--http-port', new URL(proxy.url).port];
  const times = ['--for-s', '1', '--interval-s', '2', '--json'];
  const found = await run(['--against', proxy.url, ...here, ...times]);
  assert.ok('text' in found && found.status === 0, JSON.stringify(found));
  assert.equal((JSON.parse(found.text) as ShadowReport).base, `${proxy.url}/`);
  await origin.close();
  const lost = await run(['--against', origin.url, ...here, ...times]);
  assert.ok('text' in lost && lost.status === 1);
  const { forms } = (JSON.parse(lost.text) as ShadowReport).keys[0] ?? assert.fail();
  assert.ok(forms.every(({ differences }) => differences[0]?.kind === 'unanswered'));
});

test('a signal ends it with the report so far', async (t) => {
  const { proxy } = await startOurs(t);
  const stopping = new AbortController();
  const running = run(
    ['--base', proxy.url, '--against', proxy.url, '--for-s', '86400', '--interval-s', '3600'],
    {
      env: { SFP_SDK_KEYS: KEY },
      stopping: stopping.signal,
    },
  );
  stopping.abort();
  const outcome = await running;
  assert.ok('text' in outcome && outcome.status === 0);
  assert.match(outcome.text, /1 of 1 rounds the same/);
});

test('what is missing or wrong is said at once', async () => {
  const faultsOf = async (
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<readonly string[]> => {
    const outcome = await run(args, { env: env as { SFP_SDK_KEYS: string } });
    return 'faults' in outcome ? outcome.faults : assert.fail(outcome.text);
  };
  assert.deepEqual(await faultsOf(['--http-port', '0']), [
    '--against is missing: the URL of the proxy to compare with',
    '--base is missing: the daemon here takes any port that is free',
    'no SDK key is named: set --sdk-keys-file (SFP_SDK_KEYS_FILE) or --sdk-keys (SFP_SDK_KEYS)',
  ]);
  assert.match(
    (await faultsOf(['--against', 'ftp://a', '--nonsense'])).join(),
    /--against: 'ftp:\/\/a' must be a URL .*unknown option --nonsense/,
  );
});

test('manifests of ID lists are the same whatever host their urls lead to', async (t) => {
  const origin = await startFakeOrigin();
  const lists = {
    users: { name: 'users', size: 9, url: 'http://files.example/users', fileID: 'f1', creationTime: 1 },
  };
  const site = createServer((request, response) => {
    const body = Buffer.from(JSON.stringify(lists));
    response.writeHead(request.url === '/v1/get_id_lists' ? 200 : 404, {
      'content-type': 'application/json',
    });
    response.end(body);
  }).listen(0, '127.0.0.1');
  await once(site, 'listening');
  t.after(() => site.close());
  t.after(() => origin.close());
  const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  const proxy = await startProxy({ origin: origin.url, args: ['--id-lists-statsig-endpoint', url] });
  t.after(() => proxy.app.stop());
  const find = async (): Promise<ShadowReport['keys'][number]['forms'][number]> => {
    const { report } = await compare(proxy.url, url);
    return report.keys[0]?.forms.find(({ form }) => form === 'id_lists') ?? assert.fail();
  };
  const same = await find();
  assert.deepEqual(
    [same.same, same.differences, same.notes.map(({ kind }) => kind)],
    [1, [], ['url', 'encoding']],
  );
  lists.users.size = 12;
  assert.deepEqual((await find()).late.behind, ['base']);
});

test('a body that no SDK could read is no answer: noted where both send it, a difference where one does', async (t) => {
  const { proxy, origin } = await startOurs(t);
  const broken = createServer((_request, response) => response.end('<html>login</html>')).listen(
    0,
    '127.0.0.1',
  );
  await once(broken, 'listening');
  t.after(() => broken.close());
  const url = `http://127.0.0.1:${(broken.address() as AddressInfo).port}`;
  const both = await compare(url, url);
  assert.deepEqual([both.report.verdict, both.status], ['same', 0]);
  for (const { notes } of both.report.keys[0]?.forms ?? assert.fail())
    assert.equal(notes[0]?.kind, 'both_refuse');
  const { report } = await compare(proxy.url, url);
  const form = report.keys[0]?.forms.find((each) => each.form === 'v1 json br');
  assert.deepEqual(form?.differences, [{ kind: 'body', rounds: 1, detail: 'base spec, against not_json' }]);
  assert.ok(origin.requests.length > 0);
});
