// From exec to the first hit with 100 keys on disk, and CPU of `--version` and `health`, beside Node alone: of the built program.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { MAIN, startBuiltProxy } from './built-proxy.js';
import { startChildServer } from './child-server.js';

const KEYS = 100;
const RUNS = 7;
const FIRST_HIT_MS_MAX = 300;
const SMALL_CPU_MS_MAX = 100;
const LOOK_EVERY_MS = 2;
const WAIT_MS_MAX = 60_000;
const PATH = '/v1/download_config_specs';
/** Said by a process itself at its very end. */
const REPORT = `process.on('exit', () => {
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  require('node:fs').writeSync(3, String((userCPUTime + systemCPUTime) / 1000));
});`;

export async function start(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-start-'));
  const origin = await startChildServer('./servers/origin-server.ts', { fillerGates: 100, encoding: 'br' });
  const data = join(folder, 'data');
  const caches: Readonly<Record<string, string>> = { NODE_COMPILE_CACHE: join(folder, 'code') };
  try {
    const first = await startBuiltProxy(origin.url, ['local', '--data-dir', data]);
    for (let index = 0; index < KEYS; index += 1)
      await untilHit(`${first.url}${PATH}/secret-bench-${index}.json`);
    await first.stop();
    const plain: number[] = [];
    const cached: number[] = [];
    await firstHitMs(origin.url, data, caches);
    for (let run = 0; run < RUNS; run += 1) {
      plain.push(await firstHitMs(origin.url, data, {}));
      cached.push(await firstHitMs(origin.url, data, caches));
    }
    const verdict = median(plain) <= FIRST_HIT_MS_MAX ? 'met' : 'MISSED';
    console.log(
      `  Node ${process.version}, ${KEYS} keys on disk: first hit ${median(plain).toFixed(0)} ms after exec (wanted ${FIRST_HIT_MS_MAX}: ${verdict}), with a compile cache ${median(cached).toFixed(0)} ms`,
    );
    await measureSmall(origin.url, data, folder);
  } finally {
    await origin.stop();
    rmSync(folder, { recursive: true });
  }
}

async function measureSmall(origin: string, data: string, folder: string): Promise<void> {
  const daemon = await startBuiltProxy(origin, ['local', '--data-dir', data]);
  await untilHit(`${daemon.url}${PATH}/secret-bench-0.json`);
  const commands = {
    'node -e 0': ['-e', '0'],
    '--version': [MAIN, '--version'],
    health: [MAIN, 'health', '--http-port', new URL(daemon.url).port],
  };
  const report = join(folder, 'report.cjs');
  writeFileSync(report, REPORT);
  const took = new Map<string, number[]>();
  for (let run = 0; run < RUNS; run += 1) {
    for (const [name, args] of Object.entries(commands)) {
      took.set(name, [...(took.get(name) ?? []), await cpuMsOf(report, args)]);
    }
  }
  await daemon.stop();
  const bareMs = median(took.get('node -e 0') ?? []);
  console.log(`  CPU of node -e 0: ${bareMs.toFixed(0)} ms`);
  for (const name of ['--version', 'health']) {
    const ms = median(took.get(name) ?? []);
    const verdict = ms <= SMALL_CPU_MS_MAX ? 'met' : 'MISSED';
    console.log(
      `  CPU of ${name}: ${ms.toFixed(0)} ms, ${(ms / bareMs).toFixed(2)} of node -e 0 (wanted ${SMALL_CPU_MS_MAX} ms: ${verdict})`,
    );
  }
}

async function firstHitMs(
  origin: string,
  data: string,
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const startMs = performance.now();
  const daemon = await startBuiltProxy(origin, ['local', '--data-dir', data], env);
  await untilHit(`${daemon.url}${PATH}/secret-bench-7.json`);
  const tookMs = performance.now() - startMs;
  await daemon.stop();
  return tookMs;
}

async function untilHit(url: string): Promise<void> {
  const endMs = performance.now() + WAIT_MS_MAX;
  while (performance.now() < endMs) {
    if ((await statusOf(url)) === 200) return;
    await pause(LOOK_EVERY_MS);
  }
  throw new Error(`no answer from ${new URL(url).host}`);
}

/** Undefined where nobody listens. */
function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false }, (response) => {
      response.resume();
      response.once('end', () => {
        resolve(response.statusCode);
      });
    });
    request.once('error', () => {
      resolve(undefined);
    });
  });
}

async function cpuMsOf(report: string, args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, ['--require', report, ...args], {
    env: {},
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  let text = '';
  child.stdio[3]?.on('data', (piece: Buffer) => (text += piece.toString()));
  await once(child, 'close');
  return Number(text);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
