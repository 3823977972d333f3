// What the daemon writes: JSON lines and nothing else, an event for everything on demand, and never a whole SDK key.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { eventually, within } from '../e2e/deadline.js';
import { FAILING, REFUSING } from '../fakes/origin-faults.js';
import { SDK_KEY } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { daemonArgs, MAIN, startDaemon, startProgram, type Daemon } from './daemon.js';
import { NO_ORIGIN, specPath, startOrigin } from './origin.js';
import { openConnection } from './raw-connection.js';
import { temporaryFile } from './temporary-file.js';

const EVENTS = ['HttpServerRequestSuccess', 'HttpDataProviderGotData'];

test('with --debug-logging there is a line for every event, with its latency where it has one', async (t) => {
  const origin = await startOrigin(t);
  const { program, url } = await startDaemon(t, origin.url, { args: ['--debug-logging'] });
  assert.equal((await rawRequest(url + specPath(SDK_KEY))).status, 200);
  for (const event of EVENTS) {
    const line = await program.line(event);
    assert.equal(line['event'], event);
    assert.equal(line['level'], 'debug');
    assert.equal(typeof line['latencyMs'], 'number');
  }
  assert.equal((await program.line('ConfigSpecStoreGotData'))['level'], 'debug');
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

test('--log-level leaves out lines of less weight', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const args = [...daemonArgs(NO_ORIGIN), '--log-level', 'error', '--http-port', String(port)];
  const program = startProgram(t, args, { env: { SFP_NO_SUCH_SETTING: '1' } });
  await within(program.ended, 'end of the daemon');
  assert.deepEqual(
    program.logs.lines.map((line) => line['level']),
    ['fatal'],
  );
});

test('lines are readable with --log-format pretty, and on a terminal', async (t) => {
  const origin = await startOrigin(t);
  const pretty = startProgram(t, [...daemonArgs(origin.url), '--log-format', 'pretty']);
  const readable = /^\d\d:\d\d:\d\d\.\d{3}Z INFO {2}listening mode=http .*origin=http/m;
  await eventually('a readable line', () => readable.test(pretty.output.stdout));
  assert.deepEqual(pretty.logs.lines, []);
  for (const [args, expected] of [
    [[], readable],
    [['--log-format', 'json'], /^\{"level":"info".*"msg":"listening"\}/m],
  ] as const) {
    const terminal = await startOnTerminal(t, [...daemonArgs(origin.url), ...args]);
    await eventually('a line on the terminal', () => expected.test(terminal()));
  }
});

/** Runs the daemon on a terminal of its own; gives what it wrote so far. */
async function startOnTerminal(t: TestContext, args: readonly string[]): Promise<() => string> {
  const command = [process.execPath, MAIN, ...args].map((arg) => `'${arg}'`).join(' ');
  const child = spawn('script', ['--quiet', '--command', `exec ${command}`, '/dev/null'], {
    env: { SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  const closed = once(child, 'close');
  t.after(async () => {
    // As Ctrl-C does.
    child.stdin.write('\u0003');
    await closed;
  });
  await once(child, 'spawn');
  return () => text;
}

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

/** Requests with something wrong, each with a key in it, to both servers. */
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
    // Taken for absent.
    [`${url}${path}?sinceTime=${malformed}`, {}, 200],
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
