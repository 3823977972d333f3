// A disk that hangs for good: the process ends all the same when it is told to, though Node would wait for the disk.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { within } from '../e2e/deadline.js';
import { startEventOrigin } from '../fakes/event-origin.js';
import { send } from '../protocols/statsig/log-events/event-scene.js';
import { startDaemon } from './daemon.js';
import { NO_ORIGIN } from './origin.js';

test('SIGTERM ends a process whose disk hangs, within its deadline', async (t) => {
  const origin = await startEventOrigin();
  t.after(() => origin.close());
  const dataDir = mkdtempSync(join(tmpdir(), 'data-dir-'));
  const args = ['--log-event-statsig-endpoint', origin.url, '--data-dir', dataDir];
  const { program, url } = await startDaemon(t, NO_ORIGIN, { args });
  t.after(async () => {
    await program.kill();
    rmSync(dataDir, { recursive: true, force: true });
  });
  origin.verdict = () => 503;
  assert.equal((await send(url, 'first')).status, 202);
  // In the place of the list of what is done: whoever opens it to write waits until somebody reads.
  execFileSync('mkfifo', [join(dataDir, 'log-events', '0000000000000001.done')]);
  origin.verdict = () => 202;
  await origin.took(1);
  program.signal('SIGTERM');
  await program.line('stopped');
  const { signal } = await within(program.ended, 'end', 6_000);
  assert.equal(signal, 'SIGKILL');
});
