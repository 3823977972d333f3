// A reader of standard output that stalls: the daemon goes on answering, and ends when it is told to.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { within } from '../e2e/deadline.js';
import { rawRequest } from '../fakes/raw-request.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
/** Each makes a log line of over 200 bytes; the pipe and what is read ahead of it hold 128 KiB. */
const REQUESTS = 1_500;

test('nobody reads the log: requests are answered, and SIGTERM ends the process', async (t) => {
  const args = ['http', 'disabled', '--host', '127.0.0.1', '--http-port', '0', '--admin-port', '0'];
  const child = spawn(process.execPath, [MAIN, ...args, '--debug-logging'], {
    env: {},
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  const [first] = (await within(once(child.stdout, 'data'), 'first log line')) as [Buffer];
  child.stdout.pause();
  const { httpPort } = JSON.parse(first.toString().split('\n')[0] ?? '') as { httpPort: number };
  for (let index = 0; index < REQUESTS; index += 1) {
    const answer = rawRequest(`http://127.0.0.1:${httpPort}/v1/health`);
    assert.equal((await within(answer, `answer ${index}`)).status, 200);
  }
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  assert.deepEqual(await within(exited, 'exit'), [0, null]);
});
