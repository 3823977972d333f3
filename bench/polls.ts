// CPU time of polling many keys that do not change, beside undici alone at the same pace, over HTTP/1.1 and HTTP/2; of the built program.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { makeCertificate } from '../test/fakes/certificate.js';
import { SLACK_MS, TOGETHER_MAX } from '../src/core/coalesced-timers.js';
import { startBuiltProxy } from './built-proxy.js';
import { startChildServer, type ChildServer } from './child-server.js';

const INTERVAL_S = 10;
/**
 * Before it is measured: all sides are to be as warm as a process that has run for a while. At 50 polls a second V8 goes on
 * compiling for half a minute, on threads of its own.
 */
const WARM_UP_ROUNDS = 4;
const ROUNDS = 2;
const RATIO_MAX = 1.2;
const CPU_US_MAX = 500;
const ASKED_AT_ONE_TIME = 20;

interface Row {
  readonly version: 'HTTP/1.1' | 'HTTP/2';
  readonly keys: number;
}

/** Those of one line are measured side by side: each takes a small part of a core. */
const ROWS: readonly (readonly Row[])[] = [
  [
    { version: 'HTTP/1.1', keys: 500 },
    { version: 'HTTP/2', keys: 500 },
  ],
  [{ version: 'HTTP/1.1', keys: 10_000 }],
];

interface Reading {
  readonly cpuMs: number;
  readonly requests: number;
}

interface Status {
  readonly eventLoopDelayLastMinute: { readonly maxMs: number };
}

export async function polls(): Promise<void> {
  for (const rows of ROWS) await Promise.all(rows.map(measure));
}

async function measure({ version, keys }: Row): Promise<void> {
  const { keyPem: key, certificatePem: cert } = makeCertificate();
  const tls = version === 'HTTP/2' ? { tls: { key, cert } } : {};
  const start = (): Promise<ChildServer> =>
    startChildServer('./servers/origin-server.ts', { fillerGates: 100, encoding: 'br', ...tls });
  // Each with an origin of its own, which counts what it is asked.
  const [ofProxy, ofSingles, ofGroups] = [await start(), await start(), await start()];
  const folder = mkdtempSync(join(tmpdir(), 'bench-polls-'));
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, cert);
  const limits = ['-p', String(INTERVAL_S), '-m', String(keys)];
  const proxy = await startBuiltProxy(ofProxy.url, ['disabled', ...limits, '--origin-ca-file', caFile]);
  await proxy.untilReady();
  await askForAll(proxy.url, keys);
  const gapMs = (INTERVAL_S * 1000) / keys;
  const startUndici = (origin: string, together: number): Promise<ChildServer> => {
    const poller = { origin, keys, gapMs, together, isH2: version === 'HTTP/2', caPem: cert };
    return startChildServer('./servers/undici-poller.ts', poller);
  };
  const singles = await startUndici(ofSingles.url, 1);
  // As many at one time as the proxy sends: what is left of a poll's cost then is its own.
  const groups = await startUndici(ofGroups.url, Math.min(TOGETHER_MAX, Math.round(SLACK_MS / gapMs)));
  await pause(INTERVAL_S * 1000 * WARM_UP_ROUNDS);
  // Side by side, so that whatever else the machine does slows all.
  const readAll = (): Promise<Reading[]> =>
    Promise.all([read(ofProxy, proxy.cpuMs), read(ofSingles, singles.cpuMs), read(ofGroups, groups.cpuMs)]);
  const before = await readAll();
  await pause(INTERVAL_S * 1000 * ROUNDS);
  const after = await readAll();
  const rssBytes = proxy.rssBytes();
  const status = (await (await fetch(`${proxy.adminUrl}/status`)).json()) as Status;
  for (const child of [proxy, singles, groups, ofProxy, ofSingles, ofGroups]) await child.stop();
  rmSync(folder, { recursive: true });
  print({ version, keys }, before, after, { rssBytes, stallMs: status.eventLoopDelayLastMinute.maxMs });
}

function print(
  { version, keys }: Row,
  before: readonly Reading[],
  after: readonly Reading[],
  { rssBytes, stallMs }: { readonly rssBytes: number; readonly stallMs: number },
): void {
  const grown = after.map(({ cpuMs, requests }, index) => {
    const { cpuMs: cpuBeforeMs = 0, requests: requestsBefore = 0 } = before[index] ?? {};
    return { cpuMs: cpuMs - cpuBeforeMs, requests: requests - requestsBefore };
  });
  const [ours = 0, bare = 0, grouped = 0] = grown.map(({ cpuMs, requests }) => (cpuMs * 1000) / requests);
  const [polled = 0, asked = 0] = grown.map(({ requests }) => requests / ROUNDS);
  const { cpuMs = 0 } = grown[0] ?? {};
  const isMet = ours / bare <= RATIO_MAX && ours <= CPU_US_MAX;
  const figures = [
    `${polled.toFixed(0)} polls a round of ${INTERVAL_S} s (undici ${asked.toFixed(0)})`,
    `CPU ${ours.toFixed(0)} µs a poll, undici ${bare.toFixed(0)} µs: ratio ${(ours / bare).toFixed(2)} (wanted ${RATIO_MAX} and ${CPU_US_MAX} µs: ${isMet ? 'met' : 'MISSED'})`,
    `undici, as many at one time ${grouped.toFixed(0)} µs`,
    `${(cpuMs / (ROUNDS * INTERVAL_S * 10)).toFixed(0)} % of a core`,
    `worst stall ${stallMs.toFixed(0)} ms`,
    `${(rssBytes / 1e6).toFixed(0)} MB`,
  ];
  console.log(`  ${keys} keys over ${version}: ${figures.join('   ')}`);
}

async function askForAll(url: string, keys: number): Promise<void> {
  for (let from = 0; from < keys; from += ASKED_AT_ONE_TIME) {
    const asked = Array.from({ length: Math.min(ASKED_AT_ONE_TIME, keys - from) }, async (_none, index) => {
      const response = await fetch(`${url}/v1/download_config_specs/secret-bench-${from + index}.json`);
      await response.arrayBuffer();
      if (response.status !== 200) throw new Error(`the proxy answers ${response.status}`);
    });
    await Promise.all(asked);
  }
}

async function read(origin: ChildServer, cpuMs: () => Promise<number> | number): Promise<Reading> {
  const { requests } = await origin.ask({ kind: 'count' });
  return { cpuMs: await cpuMs(), requests: Number(requests) };
}
