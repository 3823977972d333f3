// nginx with TLS before one file, as a benchmark server in processes of its own: started with a configuration, measured by /proc.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../test/fakes/free-port.js';

export interface Nginx {
  readonly name: string;
  readonly url: string;
  /** CPU time of its worker so far. */
  readonly cpuMs: () => number;
  stop(): Promise<void>;
}

export interface NginxOptions {
  readonly certPath: string;
  readonly keyPath: string;
  /** Answered to every request. */
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

const READY_TRIES = 200;
const TRY_EVERY_MS = 50;

/** Undefined where nginx is not installed. */
export async function startNginx(options: NginxOptions): Promise<Nginx | undefined> {
  if (spawnSync('nginx', ['-v']).error !== undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'nginx-'));
  const port = await freePort();
  // Its worker runs as another user where this process is root.
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'body'), options.body);
  writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port, options));
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await untilOpen(port);
  const worker = execFileSync('ps', ['-o', 'pid=', '--ppid', String(child.pid)])
    .toString()
    .trim();
  return {
    name: 'nginx, TLS',
    url: `https://127.0.0.1:${port}`,
    cpuMs: () => cpuMsOf(worker),
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill();
      await exited;
      rmSync(folder, { recursive: true });
    },
  };
}

/** One worker, as the proxy has one thread; ciphers and protocols as the proxy has them. */
function configuration(folder: string, port: number, { certPath, keyPath, headers }: NginxOptions): string {
  const added = Object.entries(headers).map(([name, value]) => `add_header ${name} '${value}';`);
  return `
    daemon off;
    worker_processes 1;
    pid ${folder}/pid;
    error_log stderr emerg;
    events { worker_connections 1024; }
    http {
      access_log off;
      client_body_temp_path ${folder}/client;
      proxy_temp_path ${folder}/proxy;
      fastcgi_temp_path ${folder}/fastcgi;
      uwsgi_temp_path ${folder}/uwsgi;
      scgi_temp_path ${folder}/scgi;
      keepalive_requests 100000000;
      open_file_cache max=10;
      server {
        listen 127.0.0.1:${port} ssl;
        ssl_certificate ${certPath};
        ssl_certificate_key ${keyPath};
        ssl_protocols TLSv1.2 TLSv1.3;
        default_type application/json;
        root ${folder};
        location / { etag off; ${added.join(' ')} try_files /body =404; }
      }
    }`;
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

/** Of Linux, in hundredths of a second. */
function cpuMsOf(pid: string): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
