// Requests per second and per core of a warm proxy, beside a bare node:http server that answers the same bytes.
import autocannon from 'autocannon';
import { startChildServer, type ChildServer } from './child-server.js';

const ROUNDS = 5;
const ROUND_S = 4;
const WARM_UP_S = 2;
const CONNECTIONS = 32;
const KEY = 'secret-benchkey0123456789';
/** Makes a gzip body of about 300 kB. */
const NOISE_BYTES = 300_000;

interface Round {
  readonly requestsPerS: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuUsPerRequest: number;
}

interface Case {
  readonly name: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly ratioMin: number;
}

const CASES: readonly Case[] = [
  {
    name: 'no-update answer',
    path: `/v1/download_config_specs/${KEY}.json?sinceTime=1900000000000`,
    headers: {},
    ratioMin: 0.5,
  },
  {
    name: '300 kB gzip body',
    path: `/v1/download_config_specs/${KEY}.json`,
    headers: { 'accept-encoding': 'gzip' },
    ratioMin: 0.8,
  },
];

export async function httpHit(): Promise<void> {
  const origin = await startChildServer('./servers/origin-server.ts', {
    fillerGates: 10,
    noiseBytes: NOISE_BYTES,
    encoding: 'gzip',
  });
  const proxy = await startChildServer('./servers/proxy-server.ts', { origin: origin.url });
  for (const each of CASES) await compare(each, proxy);
  await proxy.stop();
  await origin.stop();
}

async function compare(each: Case, proxy: ChildServer): Promise<void> {
  const bare = await startChildServer('./servers/bare-server.ts', {
    like: proxy.url + each.path,
    headers: each.headers,
  });
  const rounds = { bare: [] as Round[], proxy: [] as Round[] };
  await load(bare, each, WARM_UP_S);
  await load(proxy, each, WARM_UP_S);
  // Turn by turn, so that a noisy neighbour meets both.
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    rounds.bare.push(await load(bare, each, ROUND_S));
    rounds.proxy.push(await load(proxy, each, ROUND_S));
  }
  await bare.stop();
  const [bareMedian, proxyMedian] = [median(rounds.bare), median(rounds.proxy)];
  console.log(
    `${each.name} (${String(bare.told['bodyBytes'])} bytes), medians of ${ROUNDS} rounds of ${ROUND_S} s:`,
  );
  print('bare node:http', bareMedian);
  print('proxy', proxyMedian);
  const ratio = proxyMedian.requestsPerS / bareMedian.requestsPerS;
  const perCore = bareMedian.cpuUsPerRequest / proxyMedian.cpuUsPerRequest;
  const verdict = ratio >= each.ratioMin ? 'met' : 'MISSED';
  console.log(
    `  ratio: ${ratio.toFixed(2)} of its requests per second (wanted ${each.ratioMin}: ${verdict}),`,
  );
  console.log(`         ${perCore.toFixed(2)} of its requests per CPU second`);
}

async function load(server: ChildServer, { path, headers }: Case, durationS: number): Promise<Round> {
  const before = await server.usage();
  const result = await autocannon({
    url: server.url + path,
    headers,
    connections: CONNECTIONS,
    duration: durationS,
  });
  const after = await server.usage();
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} answers were not 200`);
  return {
    requestsPerS: result.requests.total / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    cpuUsPerRequest: ((after.cpuMs - before.cpuMs) * 1000) / result.requests.total,
  };
}

function median(rounds: readonly Round[]): Round {
  const middle = (pick: (round: Round) => number): number =>
    rounds.map(pick).sort((left, right) => left - right)[Math.floor(rounds.length / 2)] ?? NaN;
  return {
    requestsPerS: middle((round) => round.requestsPerS),
    p50Ms: middle((round) => round.p50Ms),
    p99Ms: middle((round) => round.p99Ms),
    cpuUsPerRequest: middle((round) => round.cpuUsPerRequest),
  };
}

function print(name: string, round: Round): void {
  const figures = [
    `${round.requestsPerS.toFixed(0).padStart(7)} req/s`,
    `p50 ${round.p50Ms} ms`,
    `p99 ${round.p99Ms} ms`,
    `${round.cpuUsPerRequest.toFixed(1)} µs CPU per request`,
  ];
  console.log(`  ${name.padEnd(15)} ${figures.join('   ')}`);
}
