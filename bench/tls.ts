// Requests per second and CPU per request with TLS, beside the proxy without it and beside nginx with the same certificate.
import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';
import { rawRequest } from '../test/fakes/raw-request.js';
import { TestAuthority } from '../test/fakes/test-authority.js';
import { startChildServer } from './child-server.js';
import { hasNginx, startNginx } from './nginx.js';
import { fileBehindTls } from './nginx-blocks.js';

const ROUNDS = 3;
const ROUND_S = 3;
const WARM_UP_S = 2;
const CONNECTIONS = 32;
const KEY = 'secret-benchkey0123456789';
const NOISE_BYTES = 300_000;
/** Heads as core SDKs send them: the order of their headers differs from process to process, and the time from request to request. */
const HEADS = 200;

interface Case {
  readonly name: string;
  readonly path: string;
}

const CASES: readonly Case[] = [
  {
    name: 'no-update answer',
    path: `/v2/download_config_specs/${KEY}.json?sinceTime=1700000000000`,
  },
  { name: '300 kB gzip body', path: `/v2/download_config_specs/${KEY}.json` },
];

interface Server {
  readonly name: string;
  readonly url: string;
  readonly cpuMs: () => number | Promise<number>;
}

interface Round {
  readonly requestsPerS: number;
  readonly p99Ms: number;
  readonly cpuUs: number;
}

export async function tls(): Promise<void> {
  const authority = new TestAuthority();
  const { certPath, keyPath } = authority.issue('proxy');
  // autocannon verifies nothing; the work of a handshake is the same.
  const pair = ['--x509-server-cert-path', certPath, '--x509-server-key-path', keyPath];
  const origin = await startChildServer('./servers/origin-server.ts', {
    fillerGates: 10,
    noiseBytes: NOISE_BYTES,
    encoding: 'gzip',
  });
  const proxy = await startChildServer('./servers/proxy-server.ts', {
    origin: origin.url,
    args: ['--https-port', '0', '--enforce-tls', 'false', ...pair],
    files: { [certPath]: readFileSync(certPath, 'utf8'), [keyPath]: readFileSync(keyPath, 'utf8') },
  });
  const { cpuMs } = proxy;
  try {
    for (const each of CASES) {
      await compare(each, { certPath, keyPath }, [
        { name: 'proxy, plain', url: proxy.url, cpuMs },
        { name: 'proxy, TLS', url: String(proxy.told['httpsUrl']), cpuMs },
      ]);
    }
  } finally {
    await proxy.stop();
    await origin.stop();
    authority.close();
  }
}

async function compare(
  each: Case,
  pair: { readonly certPath: string; readonly keyPath: string },
  proxies: readonly Server[],
): Promise<void> {
  const { bytes, headers } = await rawRequest(`${urlOf(proxies[0])}${each.path}`, { headers: headOf(0) });
  const encoding = headers['content-encoding'];
  const shown: Record<string, string> = encoding === undefined ? {} : { 'content-encoding': encoding };
  const file = { ...pair, body: bytes, headers: shown };
  const nginx = hasNginx() ? await startNginx(fileBehindTls(file)) : undefined;
  try {
    console.log(`${each.name} (${bytes.length} bytes), medians of ${ROUNDS} rounds of ${ROUND_S} s:`);
    if (nginx === undefined) console.log('  nginx is not installed: nothing to compare with');
    const medians = await measure(
      each,
      nginx === undefined
        ? proxies
        : [...proxies, { name: 'nginx, TLS', url: nginx.url('https'), cpuMs: nginx.cpuMs }],
    );
    const [byPlain, byTls] = medians.map(({ cpuUs }) => cpuUs);
    console.log(
      `  TLS costs the proxy ${((byTls ?? NaN) - (byPlain ?? NaN)).toFixed(1)} µs of CPU per request`,
    );
  } finally {
    await nginx?.stop();
  }
}

function urlOf(server: Server | undefined): string {
  if (server === undefined) throw new Error('there is no server to ask');
  return server.url;
}

/** Turn by turn, so that a noisy neighbour meets all of them. */
async function measure(each: Case, servers: readonly Server[]): Promise<readonly Round[]> {
  const rounds = servers.map((): Round[] => []);
  for (const server of servers) await load(server, each, WARM_UP_S);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, server] of servers.entries()) rounds[at]?.push(await load(server, each, ROUND_S));
  }
  const medians = rounds.map(medianOf);
  for (const [at, { name }] of servers.entries()) print(name, medians[at] ?? medianOf([]));
  return medians;
}

async function load({ url, cpuMs }: Server, { path }: Case, durationS: number): Promise<Round> {
  const before = await cpuMs();
  const result = await autocannon({
    url: url + path,
    connections: CONNECTIONS,
    duration: durationS,
    requests: Array.from({ length: HEADS }, (_, index) => ({ method: 'GET', headers: headOf(index) })),
  });
  const usedMs = (await cpuMs()) - before;
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} answers were not 200`);
  return {
    requestsPerS: result.requests.total / result.duration,
    p99Ms: result.latency.p99,
    cpuUs: (usedMs * 1000) / result.requests.total,
  };
}

function headOf(index: number): Record<string, string> {
  const headers = [
    ['statsig-api-key', KEY],
    ['statsig-sdk-type', 'statsig-server-core-node'],
    ['statsig-sdk-version', '0.23.2'],
    ['statsig-server-session-id', `5f1c9b1e-6a0d-4f9e-9d5a-${String(index).padStart(12, '0')}`],
    ['statsig-client-time', String(1_795_628_000_000 + index * 7_919)],
    ['accept', '*/*'],
    ['accept-encoding', 'statsig-br, gzip, deflate, br'],
    ['x-request-service', 'unknown'],
  ] as const;
  const from = index % headers.length;
  return Object.fromEntries([...headers.slice(from), ...headers.slice(0, from)]);
}

function medianOf(rounds: readonly Round[]): Round {
  const middle = (pick: (round: Round) => number): number =>
    rounds.map(pick).sort((left, right) => left - right)[Math.floor(rounds.length / 2)] ?? NaN;
  return {
    requestsPerS: middle((round) => round.requestsPerS),
    p99Ms: middle((round) => round.p99Ms),
    cpuUs: middle((round) => round.cpuUs),
  };
}

function print(name: string, { requestsPerS, p99Ms, cpuUs }: Round): void {
  const figures = [
    `${requestsPerS.toFixed(0).padStart(7)} req/s`,
    `p99 ${p99Ms} ms`,
    `${cpuUs.toFixed(1)} µs CPU per request`,
  ];
  console.log(`  ${name.padEnd(13)} ${figures.join('   ')}`);
}
