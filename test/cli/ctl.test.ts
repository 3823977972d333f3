// The command `ctl` against a whole app: the outage drill by names, what it prints, and what is wrong with what was typed.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { runCtl, type CtlReport } from '../../src/cli/ctl/ctl.js';
import { readCtlLine } from '../../src/cli/ctl/ctl-line.js';
import { namesOf, specsMeant, type ListedSpec } from '../../src/cli/ctl/spec-names.js';
import { asTable, withoutControls } from '../../src/cli/ctl/table.js';
import { runOperatorCommand } from '../../src/cli/operator-command.js';
import { systemClock } from '../../src/domain/clock.js';
import { hashSdkKey } from '../../src/domain/sdk-key.js';
import { tokenLine } from '../auth/issuer.js';
import { eventually } from '../e2e/deadline.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { freePort } from '../fakes/free-port.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { SDK_KEY, startProxy, type TestProxy } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { temporaryFile } from '../process/temporary-file.js';

const HASH = hashSdkKey(SDK_KEY).slice(0, 12);

async function start(
  t: TestContext,
): Promise<{ proxy: TestProxy; ctl: (typed: string) => Promise<CtlReport>; next: () => number }> {
  const origin = await startFakeOrigin();
  const tokens = temporaryFile(t, tokenLine('the-operator', 'sfp::operate,sfp::read'));
  const args = ['-p', '1', '--tokens-file', tokens, '--data-dir', makeTemporaryFolder('ctl')];
  const proxy = await startProxy({ origin: origin.url, cache: 'local', args });
  t.after(async () => {
    await proxy.app.stop();
    await origin.close();
  });
  const token = temporaryFile(t, 'the-operator\n');
  return {
    proxy,
    ctl: (typed) =>
      runCtl(systemClock, [...typed.split(' '), '--admin', `${proxy.adminUrl}/`, '--token-file', token]),
    next: () => {
      const time = origin.project.time + 1_000;
      origin.project = { ...origin.project, time, isGateOpen: false, greeting: 'bad' };
      return time;
    },
  };
}

async function greeting({ url }: TestProxy): Promise<string> {
  const { text } = await rawRequest(`${url}/v1/download_config_specs/${SDK_KEY}.json`);
  return /"greeting":"([^"]*)"/.exec(text)?.[1] ?? '';
}

test('the outage drill: what changed, back to the good version, the end of it, and who did that', async (t) => {
  const { proxy, ctl, next } = await start(t);
  assert.equal(await greeting(proxy), 'hello');
  const bad = next();
  await eventually('the bad version', async () => (await greeting(proxy)) === 'bad');
  let text = '';
  const says = async (typed: string, pattern: RegExp): Promise<void> => {
    const report = await ctl(typed);
    text = report.text;
    assert.equal(report.status, 'done', text);
    assert.match(text, pattern);
  };
  await eventually(
    'both versions',
    async () => (await ctl(`versions ${HASH}`)).text.trim().split('\n').length === 3,
  );
  await says('status', /^ok\n$/);
  await says('specs', new RegExp(`secret-test\\*\\*\\* .*v1 +json +${bad}`));
  await says('names', /^secret-test\*\*\*\/v1\/json\n$/);
  await says(
    `diff ${HASH} ${bad - 1_000} ${bad}`,
    /~ gates \(1\): demo_gate[^]*"passPercentage":100[^]*"passPercentage":0/,
  );
  await says(`diff ${HASH} ${bad} ${bad}`, /^no difference\n$/);
  await says(
    `rollback secret-test*** ${bad - 1_000} --reason misbehaving --for 1h`,
    /v1 +json +rollback +held/,
  );
  await eventually('the good version', async () => (await greeting(proxy)) === 'hello');
  await says('status', /^degraded\n[^]*specs_held/);
  await says('holds --json', /"reason": "misbehaving"/);
  await says(`release ${HASH}/v1`, /returning/);
  await eventually('the newest', async () => (await greeting(proxy)) === 'bad');
  await says(`freeze ${HASH}/v1/json --reason again`, /freeze +held/);
  await says('audit --lines 50', /rollback +the-operator +127\.0\.0\.1[^]*release[^]*freeze/);
  assert.ok(!text.includes(SDK_KEY));
});

test('what the proxy refuses, and a proxy that is not there, fail with a sentence', async (t) => {
  const { proxy, ctl } = await start(t);
  assert.equal(await greeting(proxy), 'hello');
  const failing = async (typed: string, pattern: RegExp): Promise<void> => {
    const { status, text } = await ctl(typed);
    assert.equal(status, 'failed');
    assert.match(text, pattern);
  };
  await failing('versions nobody', /no spec is called 'nobody'/);
  await failing(`release ${HASH}`, /v1\/json: 409: not_on_hold/);
  await failing(`rollback ${HASH} 5 --reason x`, /409: version_not_kept/);
  await failing(`diff ${HASH} x 5`, /400: Name two versions/);
  const noToken = await runCtl(systemClock, ['specs', '--admin', proxy.adminUrl]);
  assert.match(noToken.text, /^401: Send an access token/);
  const nobody = await runCtl(systemClock, ['specs', '--admin', `http://127.0.0.1:${await freePort()}`]);
  assert.match(nobody.text, /cannot be asked: .*ECONNREFUSED/);
  const noFile = await runCtl(systemClock, ['specs', '--token-file', '/nonexistent']);
  assert.deepEqual([noFile.status, noFile.text.includes('ENOENT')], ['failed', true]);
});

test('an admin port that gives no answer in time is given up', async (t) => {
  const silent = createServer().listen(0, '127.0.0.1');
  t.after(() => silent.close());
  await once(silent, 'listening');
  const clock = new ManualClock();
  const asked = once(silent, 'connection');
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const running = runCtl(clock, ['specs', '--admin', url]);
  const [socket] = (await asked) as [{ destroy(): void }];
  clock.advance(90_000);
  const { status, text } = await running;
  socket.destroy();
  assert.deepEqual([status, /no answer within 90 s/.test(text)], ['failed', true], text);
});

test('what is typed wrongly is said, and how to type it', async () => {
  for (const [typed, pattern] of [
    ['dance', /no command 'dance'/],
    ['versions', /type: ctl versions SPEC/],
    ['freeze a', /say why/],
    ['freeze a --reason b --for 5', /90s, 30m, 12h or 7d/],
    ['audit --lines x', /takes a number/],
    ['specs --admin nowhere', /takes a URL/],
    ['specs --unknown', /unknown/i],
  ] as const) {
    const report = await runCtl(systemClock, typed.split(' '));
    assert.equal(report.status, 'wrong options', typed);
    assert.match(report.text, pattern);
  }
  assert.match((await runCtl(systemClock, [])).text, /^Usage: spec-forward-proxy ctl/);
  const line = readCtlLine(['freeze', 'a', '--reason', 'b', '--for', '7d']);
  assert.ok(typeof line === 'object' && line.forS === 604_800);
  assert.match((await runCtl(systemClock, ['completion'])).text, /complete -F/);
});

test('names mean just one key, and each spec has a name of its own', () => {
  const spec = (sdkKey: string, keyHash: string, api: string): ListedSpec => {
    const rest = { version: 1, versionAt: null, bytes: 1, confirmedAgoS: 1, source: 'origin' };
    return { sdkKey, keyHash, api, format: 'json', ...rest };
  };
  const [a, b] = ['a'.repeat(64), `b${'a'.repeat(63)}`];
  const specs = [
    spec('checkout', a, 'v1'),
    spec('checkout', a, 'v2'),
    spec('secret-aaaa***', a, 'v1'),
    spec('secret-aaaa***', b, 'v1'),
  ];
  assert.equal(specsMeant(specs.slice(0, 2), 'checkout').length, 2);
  assert.deepEqual(specsMeant(specs.slice(0, 2), 'checkout/v2'), [specs[1]]);
  assert.throws(() => specsMeant(specs, 'secret-aaaa***'), /several keys/);
  assert.throws(() => specsMeant(specs, 'aaaa'), /no spec/);
  for (const [index, name] of namesOf(specs.slice(2)).entries())
    assert.deepEqual(specsMeant(specs.slice(2), name), [specs[index + 2]]);
});

test('no text of others reaches the terminal as more than text', () => {
  assert.equal(withoutControls('a\u001b[2Jb\u0007\u202ec\n'), 'a?[2Jb??c\n');
  assert.equal(
    asTable([{ name: 'x\ny', long: 'z'.repeat(500) }], ['name', 'long', 'gone']).split('\n').length,
    2,
  );
  assert.equal(asTable([], ['a']), 'none');
});

test('each command has its exit status, and one that does not exist is said', async () => {
  const folder = makeTemporaryFolder('audit');
  for (const [typed, exitStatus, pattern] of [
    [['ctl', '--help'], 0, /^Usage/],
    [['ctl', 'dance'], 2, /no command/],
    [['ctl', 'specs', '--admin', 'http://127.0.0.1:1'], 1, /cannot be asked/],
    [['audit'], 2, /audit verify PATH/],
    [['audit', 'verify', folder], 1, /cannot be read/],
    [['audit', 'verify', folder, 'more'], 2, /audit verify PATH/],
  ] as const) {
    const report = await runOperatorCommand(systemClock, typed);
    assert.equal(report.exitStatus, exitStatus, typed.join(' '));
    assert.match(report.text, pattern);
  }
});
