// The built proxy as users run it: a process of its own, with the options of the image, on free loopback ports.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../test/fakes/free-port.js';
import { imageMallocVariables, imageNodeArgs } from '../test/process/image.js';

export const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
/** Linux counts CPU time for others in these. */
const MS_PER_TICK = 10;
const LOOK_EVERY_MS = 20;

export interface BuiltProxy {
  readonly url: string;
  readonly adminUrl: string;
  /** Resolves once all its ports are open; rejects where the process ended before. */
  untilReady(): Promise<void>;
  /** What it takes of memory now, by the kernel's count. */
  rssBytes(): number;
  /** Of that, pages of files, mostly of Node's own program: the kernel can drop them, and other processes share them. */
  fileBytes(): number;
  /** CPU time of all its threads so far, by the kernel's count, in steps of 10 ms. */
  readonly cpuMs: () => number;
  stop(): Promise<void>;
}

/** `args`: behind the mode; resolves before it listens. */
export async function startBuiltProxy(
  origin: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<BuiltProxy> {
  const [http, admin] = [await freePort(), await freePort()];
  const fixed = ['--host', '127.0.0.1', '--statsig-endpoint', origin];
  const ports = ['--http-port', String(http), '--admin-port', String(admin)];
  const child = spawn(process.execPath, [...imageNodeArgs(), MAIN, 'http', ...args, ...fixed, ...ports], {
    env: { HOSTNAME: 'bench', SFP_SHUTDOWN_DELAY_IN_S: '0', ...imageMallocVariables(), ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const adminUrl = `http://127.0.0.1:${admin}`;
  return {
    url: `http://127.0.0.1:${http}`,
    adminUrl,
    untilReady: async () => {
      while ((await fetch(`${adminUrl}/metrics`).catch(() => undefined)) === undefined) {
        const ended = child.exitCode ?? child.signalCode;
        if (ended !== null) throw new Error(`the proxy ended: ${ended}`);
        await pause(LOOK_EVERY_MS);
      }
    },
    rssBytes: () => statusBytes(child.pid, 'VmRSS'),
    fileBytes: () => statusBytes(child.pid, 'RssFile'),
    cpuMs: () => {
      const [, fields = ''] = readFileSync(`/proc/${child.pid ?? 0}/stat`, 'utf8').split(') ');
      const [userTicks, systemTicks] = fields.split(' ').slice(11, 13);
      return (Number(userTicks) + Number(systemTicks)) * MS_PER_TICK;
    },
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

function statusBytes(pid = 0, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const [, kib] = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status) ?? [];
  return Number(kib) * 1024;
}
