// nginx with one worker, in processes of its own: started with a configuration, measured by /proc, stopped.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../test/fakes/free-port.js';

export interface Nginx {
  /** For the scheme `https`, `https://127.0.0.1:<port>`. */
  url(scheme: 'http' | 'https'): string;
  /** CPU time of its worker so far. */
  readonly cpuMs: () => number;
  readonly stop: () => Promise<void>;
}

/** What stands in the `http` block, besides where temporary files go. `folder`: may hold what is served. */
export type HttpBlock = (folder: string, port: number) => string;

const READY_TRIES = 200;
const TRY_EVERY_MS = 50;
/** Of Linux. */
const MS_PER_TICK = 10;

export function hasNginx(): boolean {
  return spawnSync('nginx', ['-v']).error === undefined;
}

export async function startNginx(httpBlock: HttpBlock): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'nginx-'));
  const port = await freePort();
  // Its worker runs as another user where this process is root.
  chmodSync(folder, 0o777);
  writeFileSync(join(folder, 'nginx.conf'), configuration(folder, httpBlock(folder, port)));
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await untilOpen(port);
  const worker = workerOf(child.pid ?? 0);
  return {
    url: (scheme) => `${scheme}://127.0.0.1:${port}`,
    cpuMs: () => cpuMsOf(worker),
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill();
      await exited;
      rmSync(folder, { recursive: true });
    },
  };
}

/** One worker, as the proxy has one thread. */
function configuration(folder: string, httpBlock: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ');
  return `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr emerg;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; ${temporary}
${httpBlock}
}
`;
}

async function untilOpen(port: number): Promise<void> {
  for (let tries = 0; tries < READY_TRIES; tries += 1) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => {
        resolve(true);
      });
      socket.once('error', () => {
        resolve(false);
      });
    });
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, TRY_EVERY_MS));
  }
  throw new Error('nginx does not listen');
}

function workerOf(pid: number): string {
  const [worker = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return worker;
}

function cpuMsOf(pid: string): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}
