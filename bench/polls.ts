// CPU time of polling many keys that do not change, beside undici asking the same origin at the same pace, over HTTP/1.1 and HTTP/2.
import { setTimeout as pause } from 'node:timers/promises';
import { makeCertificate } from '../test/fakes/certificate.js';
import { startChildServer, type ChildServer } from './child-server.js';

const INTERVAL_S = 10;
/** Before it is measured: both sides are to be as warm as a process that has run for a while. */
const WARM_UP_ROUNDS = 2;
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
  readonly rssBytes: number;
  readonly requests: number;
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
  const origins = { proxy: await start(), undici: await start() };
  const proxy = await startChildServer('./servers/proxy-server.ts', {
    origin: origins.proxy.url,
    args: ['-p', String(INTERVAL_S), '-m', String(keys), '--origin-ca-file', '/ca.pem'],
    fileText: cert,
  });
  await askForAll(proxy.url, keys);
  const gapMs = (INTERVAL_S * 1000) / keys;
  const poller = { origin: origins.undici.url, keys, gapMs, isH2: version === 'HTTP/2', caPem: cert };
  const undici = await startChildServer('./servers/undici-poller.ts', poller);
  await pause(INTERVAL_S * 1000 * WARM_UP_ROUNDS);
  // Side by side, so that whatever else the machine does slows both.
  const before = [await read(proxy, origins.proxy), await read(undici, origins.undici)] as const;
  await pause(INTERVAL_S * 1000 * ROUNDS);
  const after = [await read(proxy, origins.proxy), await read(undici, origins.undici)] as const;
  // Watching costs CPU.
  await proxy.ask({ kind: 'watched' });
  await pause(INTERVAL_S * 1000);
  const { worstDelayMs } = await proxy.ask({ kind: 'watched' });
  for (const child of [proxy, undici, origins.proxy, origins.undici]) await child.stop();
  const ours = usPerRequest(before[0], after[0]);
  const bare = usPerRequest(before[1], after[1]);
  const isMet = ours / bare <= RATIO_MAX && ours <= CPU_US_MAX;
  const figures = [
    `${((after[0].requests - before[0].requests) / ROUNDS).toFixed(0)} polls a round of ${INTERVAL_S} s (undici ${((after[1].requests - before[1].requests) / ROUNDS).toFixed(0)})`,
    `CPU ${ours.toFixed(0)} µs a poll, undici ${bare.toFixed(0)} µs: ratio ${(ours / bare).toFixed(2)} (wanted ${RATIO_MAX} and ${CPU_US_MAX} µs: ${isMet ? 'met' : 'MISSED'})`,
    `${((after[0].cpuMs - before[0].cpuMs) / (ROUNDS * INTERVAL_S * 10)).toFixed(0)} % of a core`,
    `worst stall ${Number(worstDelayMs).toFixed(0)} ms`,
    `${(after[0].rssBytes / 1e6).toFixed(0)} MB`,
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

async function read(child: ChildServer, origin: ChildServer): Promise<Reading> {
  const { requests } = await origin.ask({ kind: 'count' });
  return { ...(await child.usage()), requests: Number(requests) };
}

function usPerRequest(before: Reading, after: Reading): number {
  return ((after.cpuMs - before.cpuMs) * 1000) / (after.requests - before.requests);
}
