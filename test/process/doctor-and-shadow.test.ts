// The commands `doctor` and `shadow` of the built program: what they print where, and their exit status.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { runProgram, startProgram } from './daemon.js';

const KEY = 'secret-tools0123456789abcd';

test('doctor reports on standard output and exits with the worst it found', async (t) => {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  const origins = ['--statsig-endpoint', origin.url, '--log-event-statsig-endpoint', origin.url];
  const args = ['http', 'disabled', '--http-port', '0', '--admin-port', '0', ...origins];
  const env = { SFP_SDK_KEYS: KEY };
  const good = await runProgram(t, ['doctor', ...args], { env });
  assert.equal(good.code, 0, good.stdout + good.stderr);
  assert.match(good.stdout, /^pass {2}keys +secret-tool\*\*\*: v1 json of /m);
  assert.equal(good.stderr, '');
  origin.refusedKeys.add(KEY);
  const bad = await runProgram(t, ['doctor', '--json', ...args], { env });
  assert.equal(bad.code, 1);
  assert.equal((JSON.parse(bad.stdout) as { readonly verdict: string }).verdict, 'fail');
  assert.equal((await runProgram(t, ['doctor', 'htp'])).code, 2);
});

test('shadow compares until a signal comes, and reports; wrong options go to standard error', async (t) => {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  const sides = ['--base', origin.url, '--against', origin.url, '--interval-s', '3600', '--for-s', '7200'];
  const program = startProgram(t, ['shadow', ...sides], { env: { SFP_SDK_KEYS: KEY } });
  await eventually('a round', () => origin.requests.length > 0);
  program.signal('SIGTERM');
  const { code, stdout } = await program.ended;
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^secret-tool\*\*\*$/m);
  assert.match(stdout, /\nverdict: same\n$/);
  const wrong = await runProgram(t, ['shadow']);
  assert.deepEqual([wrong.code, wrong.stdout], [2, '']);
  assert.match(wrong.stderr, /wrong options\n {2}--against is missing/);
});
