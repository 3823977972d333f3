// A Redis Sentinel that watches one master, as a child process on a free loopback port, gone when the test ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { onFreePort } from './free-port.js';

export const MASTER_NAME = 'specs';

/** `lines`: further lines of its configuration. A master that is gone for half a second is replaced. */
export function startSentinel(
  t: TestContext,
  masterPort: number,
  lines: readonly string[] = [],
): Promise<number> {
  return onFreePort((port) => startOn(t, port, masterPort, lines));
}

async function startOn(
  t: TestContext,
  port: number,
  masterPort: number,
  lines: readonly string[],
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'sentinel-'));
  const file = join(folder, 'sentinel.conf');
  const configuration = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${masterPort} 1`,
    `sentinel down-after-milliseconds ${MASTER_NAME} 500`,
    `sentinel failover-timeout ${MASTER_NAME} 3000`,
    ...lines,
  ];
  writeFileSync(file, configuration.join('\n'));
  const child = spawn('redis-server', [file, '--sentinel'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    rmSync(folder, { recursive: true, force: true });
  });
  let text = '';
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    // After all that it wrote.
    child.once('close', () => {
      reject(new Error(`the sentinel ended:\n${text}`));
    });
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      if (text.includes('+monitor master')) resolve();
    });
  });
  return port;
}
