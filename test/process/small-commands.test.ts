// What an image runs every few seconds: `health` and `--version` cost little more than starting Node does.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startDaemon } from './daemon.js';
import { startOrigin } from './origin.js';
import { temporaryFile } from './temporary-file.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
/** The least of so many runs of each is what they cost: all else is the machine's. */
const RUNS = 5;
/** Measured: 0.6 to 2.2 times as much as starting Node, as the machine and its Node are. It was seven to twenty times. */
const MORE_CPU_MAX = 3;
/** The report at the end of each process is not the command's: 0.8 MB. */
const REPORT_KB = 1024;
/** All that `--version` and `health` may take. Measured: 41 and 44 MiB with Node 20, 46 and 49 with Node 24, where Node alone takes 41. */
const KB_MAX = 50 * 1024 + REPORT_KB;
/** With Node 24 `node:http2` alone takes 13 MB more than Node does: 58 MB in all, and 48 with Node 20. */
const GRPC_KB_MAX = 62 * 1024;

/** Said by the process itself at its very end. */
const REPORT = `process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  require('node:fs').writeSync(3, JSON.stringify({ cpuMs: (userCPUTime + systemCPUTime) / 1000, kb: maxRSS }));
});`;

interface Cost {
  readonly cpuMs: number;
  readonly kb: number;
}

async function costOf(report: string, args: readonly string[]): Promise<Cost> {
  const child = spawn(process.execPath, ['--require', report, ...args], {
    env: {},
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  let text = '';
  child.stdio[3]?.on('data', (piece: Buffer) => (text += piece.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 0, args.join(' '));
  return JSON.parse(text) as Cost;
}

test('health, over HTTP and gRPC, and --version load nothing that they do not need', async (t: TestContext) => {
  const origin = await startOrigin(t);
  const { port, grpcAddress } = await startDaemon(t, origin.url, { mode: 'grpc-and-http' });
  const report = temporaryFile(t, REPORT, 'report.cjs');
  const commands = [
    ['-e', '0'],
    [MAIN, '--version'],
    [MAIN, 'health', '--http-port', String(port)],
    [MAIN, 'health', '--grpc', '--grpc-port', grpcAddress.replace(/.*:/, '')],
  ];
  const costs = commands.map((): Cost => ({ cpuMs: Infinity, kb: Infinity }));
  for (let run = 0; run < RUNS; run += 1) {
    for (const [index, args] of commands.entries()) {
      const { cpuMs, kb } = await costOf(report, args);
      const least = costs[index] ?? { cpuMs, kb };
      costs[index] = { cpuMs: Math.min(cpuMs, least.cpuMs), kb: Math.min(kb, least.kb) };
    }
  }
  const [bare = { cpuMs: 0, kb: 0 }, ...ours] = costs;
  t.diagnostic(JSON.stringify(costs));
  for (const [index, { cpuMs, kb }] of ours.entries()) {
    const what = `${String(commands[index + 1]?.slice(1).join(' '))}: ${cpuMs} ms, ${kb} kB; Node alone ${bare.cpuMs} ms, ${bare.kb} kB`;
    assert.ok(cpuMs <= bare.cpuMs * (1 + MORE_CPU_MAX), what);
    assert.ok(kb <= (commands[index + 1]?.includes('--grpc') ? GRPC_KB_MAX : KB_MAX), what);
  }
});
