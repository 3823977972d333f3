// What the daemon writes: JSON lines and nothing else, an event for everything on demand, and never a whole SDK key.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { eventually, within } from '../e2e/deadline.js';
import { FAILING, REFUSING } from '../fakes/origin-faults.js';
import { SDK_KEY } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { startDaemon, type Daemon } from './daemon.js';
import { specPath, startOrigin } from './origin.js';
import { openConnection } from './raw-connection.js';
import { temporaryFile } from './temporary-file.js';

const EVENTS = [
  'HttpServerRequestSuccess',
  'HttpDataProviderGotData',
  'ConfigSpecStoreGotData',
  'UpdateConfigSpecStorePropagationDelayMs',
];

test('with --debug-logging there is a line with its latency for every event', async (t) => {
  const origin = await startOrigin(t);
  const { program, url } = await startDaemon(t, origin.url, { args: ['--debug-logging'] });
  assert.equal((await rawRequest(url + specPath(SDK_KEY))).status, 200);
  for (const event of EVENTS) {
    const line = await program.line(event);
    assert.equal(line['event'], event);
    assert.equal(line['level'], 'debug');
    assert.equal(typeof line['latencyMs'], 'number');
  }
});

test('without --debug-logging there is no line for an event', async (t) => {
  const origin = await startOrigin(t);
  const { program, url } = await startDaemon(t, origin.url);
  assert.equal((await rawRequest(url + specPath(SDK_KEY))).status, 200);
  program.signal('SIGTERM');
  await within(program.ended, 'end of the daemon');
  assert.deepEqual(
    program.logs.lines.filter((line) => 'event' in line || line['level'] === 'debug'),
    [],
  );
});

const KEYS = {
  pinned: 'secret-pinnedkey0123456789',
  filed: 'secret-filedkey0123456789',
  warm: 'secret-warmkey0123456789',
  refused: 'secret-refusedkey0123456789',
  failing: 'secret-failingkey0123456789',
  malformed: 'secret-malformedkey0123456789',
  client: 'client-browserkey0123456789',
};

test('standard output is JSON lines only, and no whole SDK key is in any output, whatever happens', async (t) => {
  const origin = await startOrigin(t);
  const path = temporaryFile(t, `${KEYS.filed}\n`);
  const daemon = await startDaemon(t, origin.url, {
    args: ['--debug-logging', '-p', '1', '--sdk-keys-file', path],
    env: { SFP_SDK_KEYS: KEYS.pinned },
  });
  const { program, url, adminUrl } = daemon;

  for (const key of [KEYS.warm, KEYS.client]) {
    assert.equal((await rawRequest(url + specPath(key))).status, 200);
    const headers = { 'statsig-api-key': key, 'statsig-supports-proto': 'true' };
    assert.equal((await rawRequest(`${url}/v2/download_config_specs`, { headers })).status, 200);
  }
  await sendMalformed(t, daemon);

  origin.fault = REFUSING[401];
  assert.equal((await rawRequest(url + specPath(KEYS.refused))).status, 401);
  await program.line('origin refused this SDK key: still serving the last good spec');
  origin.fault = FAILING.status_500;
  assert.equal((await rawRequest(url + specPath(KEYS.failing))).status, 503);
  await program.line('origin failing: still serving the last good spec');
  writeFileSync(path, `${KEYS.filed}\n${KEYS.malformed}/\n`);
  program.signal('SIGHUP');
  await program.line('SDK keys file not taken over: its earlier contents stay in use');

  const status = await rawRequest(`${adminUrl}/status?keys=`);
  assert.equal(status.status, 200);
  assert.ok(status.text.includes('secret-warm***'));
  program.signal('SIGTERM');
  const { code, stdout, stderr } = await within(program.ended, 'end of the daemon');
  assert.equal(code, 0);
  assert.equal(stderr, '');
  assert.deepEqual(program.strayLines, []);
  assert.ok(stdout.endsWith('\n'));
  assert.ok(stdout.includes('secret-warm***'));
  for (const key of Object.values(KEYS)) {
    const shown = key.replace('0123456789', '');
    assert.ok(!stdout.includes(shown), `${key} in the log`);
    assert.ok(!status.text.includes(shown), `${key} in /status?keys=`);
  }
});

/** Requests that are none, each with a key in it, to both servers. */
async function sendMalformed(t: TestContext, { program, port, url, adminUrl }: Daemon): Promise<void> {
  const { malformed } = KEYS;
  const path = specPath(malformed);
  const headers = { 'statsig-api-key': `${malformed} and more` };
  for (const [place, request, status] of [
    [`${url}/no/such/route/${malformed}`, {}, 404],
    [`${adminUrl}/no/such/route/${malformed}`, {}, 404],
    [`${url}/v1/download_config_specs/%zz${malformed}.json`, {}, 400],
    [`${url}/v1/download_config_specs/${malformed}%20.json`, {}, 400],
    [`${url}/v1/download_config_specs`, { headers }, 400],
    [`${url}${path}?sinceTime=${malformed}`, {}, 400],
    [url + path, { method: 'POST', body: `{"sinceTime": "${malformed}` }, 400],
    [url + path, { method: 'POST', body: malformed.repeat(5000) }, 413],
    [url + path, { headers: { cookie: malformed.repeat(1000) } }, 431],
    [url + path, { method: 'PUT' }, 404],
  ] as const) {
    assert.equal((await rawRequest(place, request)).status, status, place);
  }
  const garbage = await openConnection(t, port);
  garbage.send(`GET ${path}\u0001 ${malformed}\r\n\r\n`);
  assert.match(await garbage.whole(), /^HTTP\/1\.1 400 /);
  await eventually('line of a failed request', () => {
    return program.logs.withMessage('HttpServerRequestFailed').length > 0;
  });
}
