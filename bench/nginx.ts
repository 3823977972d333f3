// nginx with a cache of SFP's kind, one worker, in front of a server: what SFP answers its clients with.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export interface Nginx {
  readonly name: string;
  readonly url: string;
  /** Of its worker. */
  readonly cpuMs: () => Promise<number>;
  readonly stop: () => Promise<void>;
}

const MS_PER_TICK = 10;
const TRIES_MAX = 100;

export async function startNginx(upstream: string): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-nginx-'));
  // Started by root, it works as another user.
  chmodSync(folder, 0o777);
  const port = await freePort();
  writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port, new URL(upstream).host));
  const nginx = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  await answers(url);
  const worker = workerOf(nginx.pid ?? 0);
  return {
    name: 'nginx with a cache',
    url,
    cpuMs: () => Promise.resolve(cpuMsOf(worker)),
    stop: async () => {
      const ended = once(nginx, 'exit');
      nginx.kill();
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

/** What SFP's own nginx does: one entry for each question and each answer to Accept-Encoding, kept for a while. */
function configuration(folder: string, port: number, upstream: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ');
  const key =
    '$request_method|$uri|$args|$http_statsig_api_key|$http_accept_encoding|$http_statsig_supports_proto';
  return `worker_processes 1; daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 4096; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; ${temporary}
  proxy_cache_path ${folder}/cache levels=1:2 keys_zone=specs:10m max_size=1g use_temp_path=off;
  upstream proxied { server ${upstream}; keepalive 8; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://proxied; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_cache specs; proxy_cache_key "${key}"; proxy_cache_valid 200 1h; proxy_cache_lock on;
      proxy_ignore_headers Vary Cache-Control Expires;
    }
  }
}
`;
}

function workerOf(pid: number): number {
  const [worker = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return Number(worker);
}

function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(url: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await (await fetch(`${url}/v1/health`)).arrayBuffer();
      return;
    } catch (error) {
      if (tries === TRIES_MAX) throw error;
      await pause(50);
    }
  }
}
