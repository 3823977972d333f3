// What an origin of HTTP/2 over TLS costs beside a plain one: sessions, first answers, memory, while many keys are polled.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { makeCertificate, type Certificate } from '../test/fakes/certificate.js';
import { startChildServer, type ChildServer } from './child-server.js';

const POLLED_KEYS = 400;
const INTERVAL_S = 2;
const COLD_CLIENTS = 24;
const COLD_ROUNDS = 20;
const ROUND_MS = 1_000;
const SESSIONS_MAX = 2;
const RATIO_MAX = 1.5;

/** A proxy before an origin of its own. */
interface Pair {
  /** How the proxy comes to trust the origin. */
  readonly trust: 'plain' | 'TLS by --origin-ca-file' | 'TLS without a CA file';
  readonly origin: ChildServer;
  readonly proxy: ChildServer;
}

interface Figures {
  readonly p50Ms: number;
  readonly sessions: number;
  readonly failed: number;
}

export async function upstreamH2(): Promise<void> {
  const certificate = makeCertificate();
  const folder = mkdtempSync(join(tmpdir(), 'upstream-h2-'));
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, certificate.certificatePem);
  try {
    const trusts = ['plain', 'TLS by --origin-ca-file', 'TLS without a CA file'] as const;
    const pairs = await Promise.all(trusts.map((trust) => startPair(trust, certificate, caFile)));
    // Side by side, so that whatever else the machine does slows all of them.
    const [plain, ...others] = await Promise.all(pairs.map(measure));
    for (const { p50Ms, sessions, failed } of others) {
      const ratio = p50Ms / (plain?.p50Ms ?? NaN);
      const isMet = sessions <= SESSIONS_MAX && ratio <= RATIO_MAX && failed === 0;
      console.log(
        `  TLS : plain ${ratio.toFixed(2)}, sessions ${sessions} (wanted at most ${RATIO_MAX} and ${SESSIONS_MAX}: ${isMet ? 'met' : 'MISSED'})`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function startPair(trust: Pair['trust'], certificate: Certificate, caFile: string): Promise<Pair> {
  const tls = { key: certificate.keyPem, cert: certificate.certificatePem };
  const origin = await startChildServer('./servers/origin-server.ts', {
    fillerGates: 100,
    encoding: 'br',
    ...(trust === 'plain' ? {} : { tls }),
  });
  const args = ['-p', String(INTERVAL_S), '-m', '10000'];
  const isByFile = trust === 'TLS by --origin-ca-file';
  const proxy = await startChildServer(
    './servers/proxy-server.ts',
    {
      origin: origin.url,
      args: isByFile ? [...args, '--origin-ca-file', caFile] : args,
      fileText: isByFile ? certificate.certificatePem : '',
    },
    trust === 'TLS without a CA file' ? { NODE_EXTRA_CA_CERTS: caFile } : {},
  );
  return { trust, origin, proxy };
}

async function measure({ trust, origin, proxy }: Pair): Promise<Figures> {
  for (let index = 0; index < POLLED_KEYS; index += 1) await askFor(proxy.url, `polled-${index}`);
  const tookMs: number[] = [];
  let failed = 0;
  for (let round = 0; round < COLD_ROUNDS; round += 1) {
    const clients = Array.from({ length: COLD_CLIENTS }, async (_none, client) => {
      const startedMs = performance.now();
      if ((await askFor(proxy.url, `cold-${round}-${client}`)) !== 200) failed += 1;
      tookMs.push(performance.now() - startedMs);
    });
    await Promise.all([...clients, pause(ROUND_MS)]);
  }
  const { sessions, requests } = await origin.ask({ kind: 'count' });
  const { rssBytes, cpuMs } = await proxy.usage();
  await proxy.stop();
  await origin.stop();
  const p50Ms = tookMs.sort((a, b) => a - b)[Math.floor(tookMs.length / 2)] ?? NaN;
  const costs = `${((cpuMs * 1000) / Number(requests)).toFixed(0)} µs of CPU each, ${(rssBytes / 1e6).toFixed(0)} MB`;
  console.log(
    `  ${trust}: ${String(requests)} requests, p50 of cold ones ${p50Ms.toFixed(1)} ms, ${failed} failed, ${costs}`,
  );
  return { p50Ms, sessions: Number(sessions), failed };
}

async function askFor(url: string, name: string): Promise<number> {
  const response = await fetch(`${url}/v1/download_config_specs/secret-${name}.json`);
  await response.arrayBuffer();
  return response.status;
}
