// Standard output that nobody reads, or that takes nothing: the daemon goes on answering, and ends when it is told to.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually, within } from '../e2e/deadline.js';
import { freePort } from '../fakes/free-port.js';
import { rawRequest } from '../fakes/raw-request.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
/** Each makes a log line of over 200 bytes; the pipe and what is read ahead of it hold 128 KiB. */
const REQUESTS = 1_500;

test('nothing can be written to the log: the daemon lives on', async (t) => {
  const full = openSync('/dev/full', 'w');
  t.after(() => {
    closeSync(full);
  });
  // With nothing written, the daemon cannot say which it took.
  const port = await freePort();
  const args = ['http', 'disabled', '--host', '127.0.0.1', '--http-port', String(port), '--admin-port', '0'];
  const child = spawn(process.execPath, [MAIN, ...args], { env: {}, stdio: ['ignore', full, 'ignore'] });
  t.after(() => child.kill('SIGKILL'));
  await eventually('answer', async () => {
    const answer = await rawRequest(`http://127.0.0.1:${port}/v1/health`).catch(() => undefined);
    return answer?.status === 200;
  });
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  assert.deepEqual(await within(exited, 'exit'), [0, null]);
});

test('nobody reads the log: requests are answered, and SIGTERM ends the process', async (t) => {
  // So few connections that nothing is said of them before.
  const args = ['http', 'disabled', '--host', '127.0.0.1', '--http-port', '0', '--admin-port', '0'];
  const child = spawn(process.execPath, [MAIN, ...args, '--debug-logging', '--http-connections-max', '100'], {
    env: {},
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  let read = '';
  let httpPort = '';
  while (httpPort === '') {
    const [piece] = (await within(once(child.stdout, 'data'), 'the line with the port')) as [Buffer];
    read += piece.toString();
    httpPort = /"httpPort":(\d+)/.exec(read)?.[1] ?? '';
  }
  child.stdout.pause();
  for (let index = 0; index < REQUESTS; index += 1) {
    const answer = rawRequest(`http://127.0.0.1:${httpPort}/v1/health`);
    assert.equal((await within(answer, `answer ${index}`)).status, 200);
  }
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  assert.deepEqual(await within(exited, 'exit'), [0, null]);
});
