// A real redis-server on a free loopback port, as a child process: stopped, paused, flushed, and gone when the test ends.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { onFreePort } from './free-port.js';

/** A test's context, or whoever else runs at the end what it was handed. */
export interface Afterwards {
  after(end: () => Promise<void>): void;
}

export interface RedisServer {
  readonly port: number;
  /** `redis://127.0.0.1:<port>` */
  readonly url: string;
  /** A client of the test's own; gone when the test ends. */
  client(): Redis;
  /** SIGSTOP, SIGCONT, SIGKILL, SIGTERM … */
  signal(name: NodeJS.Signals): void;
  /** Ends the process at once, and waits for that. */
  kill(): Promise<void>;
  /** The same port, with nothing in it, once the process before it has ended. */
  startAgain(): Promise<void>;
  /** Everything that redis-server would write to disk: the bytes of an RDB file. */
  readonly folder: string;
}

/** `args`: further options of redis-server, as `--requirepass x`. It is gone when what was handed to `after` has run. */
export async function startRedisServer(t: Afterwards, args: readonly string[] = []): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'redis-'));
  const clients: Redis[] = [];
  const { port, ...started } = await onFreePort(async (free) => ({
    port: free,
    child: await spawnServer(free, folder, args),
  }));
  let { child } = started;
  t.after(async () => {
    for (const client of clients) client.disconnect();
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    port,
    folder,
    url: `redis://127.0.0.1:${port}`,
    client: () => {
      const client = new Redis(port, '127.0.0.1');
      // A test that ends its server knows that its clients lose their connections.
      client.on('error', () => undefined);
      clients.push(client);
      return client;
    },
    signal: (name) => {
      child.kill(name);
    },
    kill: () => end(child),
    startAgain: async () => {
      await end(child);
      child = await spawnServer(port, folder, args);
    },
  };
}

async function spawnServer(port: number, folder: string, args: readonly string[]): Promise<ChildProcess> {
  const fixed = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'no',
  ];
  const child = spawn('redis-server', [...fixed, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  // Whoever ends this process in a hurry runs no hooks.
  const endWithUs = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', endWithUs);
  child.once('exit', () => process.off('exit', endWithUs));
  let text = '';
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    // After all that it wrote.
    child.once('close', () => {
      reject(new Error(`redis-server ended:\n${text}`));
    });
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      if (text.includes('Ready to accept connections')) resolve();
    });
  });
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
