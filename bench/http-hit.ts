// Warm answers of the built program over HTTP/1.1, beside nginx with a cache in front of it and bare servers of node:http and node:net, turn by turn.
import { installed, load, medianOf, type Load, type Round } from './wrk.js';
import { startBuiltProxy, type BuiltProxy } from './built-proxy.js';
import { startChildServer, type ChildServer } from './child-server.js';
import { hasNginx, startNginx } from './nginx.js';
import { cacheInFrontOf } from './nginx-blocks.js';

const ROUNDS = 5;
const ROUND_S = 3;
const CONNECTIONS = 32;
/** At full speed every request waits for those of all other connections, also inside wrk. Latencies are compared at a pace of some 5,000 a second. */
const PAUSE_MS = 6;
const PACED_ROUND_S = 2;
const KEY = 'secret-benchkey0123456789';
/** Of the spec that the origin of this benchmark has. */
const VERSION = 1_700_000_000_000;
const OFFERED = 'statsig-br, gzip, deflate, br';

interface Case {
  readonly name: string;
  readonly path: string;
  readonly encodings: string;
  /** Of nginx' requests per CPU second. */
  readonly ratioMin: number;
}

const PATH = `/v2/download_config_specs/${KEY}.json`;
const PROTOBUF_PATH = `${PATH}?supports_proto=true`;
/** By the noise in the spec, which makes a compressed body about as large. */
const CASES: readonly (readonly [noiseBytes: number, readonly Case[]])[] = [
  [
    300_000,
    [
      { name: 'no update', path: `${PATH}?sinceTime=${VERSION}`, encodings: OFFERED, ratioMin: 1.3 },
      { name: '300 kB in gzip', path: PATH, encodings: 'gzip', ratioMin: 1.1 },
      { name: '300 kB in br', path: PATH, encodings: 'br', ratioMin: 1.1 },
      { name: '300 kB in protobuf', path: PROTOBUF_PATH, encodings: OFFERED, ratioMin: 1.1 },
    ],
  ],
  [38_000, [{ name: '38 kB in br', path: PATH, encodings: 'br', ratioMin: 1.1 }]],
];

interface Contender {
  readonly name: string;
  readonly url: string;
  readonly cpuMs: () => Promise<number>;
}

export async function httpHit(): Promise<void> {
  if (!installed('wrk') || !hasNginx()) {
    console.log('needs wrk and nginx: apt-get install wrk nginx-light');
    return;
  }
  for (const [noiseBytes, cases] of CASES) await compareAll(noiseBytes, cases);
}

async function compareAll(noiseBytes: number, cases: readonly Case[]): Promise<void> {
  const options = { fillerGates: 10, noiseBytes, encoding: 'gzip' };
  const origin = await startChildServer('./servers/origin-server.ts', options);
  const proxy = await startBuiltProxy(origin.url, ['disabled']);
  const slow = await startBuiltProxy(origin.url, ['disabled'], { SFP_DISABLE_FAST_LANE: '1' });
  for (const each of [proxy, slow]) await each.untilReady();
  const cache = await startNginx(cacheInFrontOf(new URL(proxy.url).host));
  const fixed: readonly Contender[] = [
    { name: 'nginx with a cache', url: cache.url('http'), cpuMs: () => Promise.resolve(cache.cpuMs()) },
    contender('proxy', proxy),
    contender('proxy, no fast lane', slow),
  ];
  for (const each of cases) {
    const like = { like: proxy.url + each.path, headers: { 'accept-encoding': each.encodings } };
    const http = await startChildServer('./servers/bare-server.ts', like);
    const socket = await startChildServer('./servers/bare-socket-server.ts', like);
    await compare(each, [...fixed, contender('bare node:http', http), contender('bare node:net', socket)]);
    for (const server of [http, socket]) await server.stop();
  }
  await cache.stop();
  for (const server of [proxy, slow, origin]) await server.stop();
}

function contender(name: string, server: ChildServer | BuiltProxy): Contender {
  return { name, url: server.url, cpuMs: async () => await server.cpuMs() };
}

interface Measured {
  readonly atFullSpeed: Round;
  readonly paced: Round;
}

async function compare(each: Case, contenders: readonly Contender[]): Promise<void> {
  const { name, ratioMin } = each;
  const measured = await measure(each, contenders);
  console.log(`${name}, medians of ${ROUNDS} rounds of ${ROUND_S} s, and ${PACED_ROUND_S} s at one pace:`);
  for (const [at, { name: who }] of contenders.entries()) print(who, measured[at]);
  const [cache, proxy] = measured;
  if (cache === undefined || proxy === undefined) return;
  const ratio = proxy.atFullSpeed.perCpuS / cache.atFullSpeed.perCpuS;
  const p99 = proxy.paced.p99Ms <= cache.paced.p99Ms ? 'no worse' : 'worse';
  console.log(
    `  ratio: ${ratio.toFixed(2)} of nginx' requests per CPU second (wanted ${ratioMin}: ${ratio >= ratioMin ? 'met' : 'MISSED'}), p99 at the same pace ${p99}`,
  );
}

async function measure(
  { path, encodings }: Case,
  contenders: readonly Contender[],
): Promise<readonly Measured[]> {
  const asked: Load = { path, encodings, connections: CONNECTIONS, durationS: ROUND_S };
  const paced: Load = { ...asked, durationS: PACED_ROUND_S, pauseMs: PAUSE_MS };
  const rounds = contenders.map(({ url, cpuMs }) => ({
    round: (of: Load) => load(url, of, cpuMs),
    atFullSpeed: [] as Round[],
    paced: [] as Round[],
  }));
  for (const { round } of rounds) await round({ ...asked, durationS: 1 });
  // Turn by turn, so that a noisy neighbour meets all of them.
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    for (const each of rounds) {
      each.atFullSpeed.push(await each.round(asked));
      each.paced.push(await each.round(paced));
    }
  }
  return rounds.map((each) => ({ atFullSpeed: medianOf(each.atFullSpeed), paced: medianOf(each.paced) }));
}

function print(name: string, measured: Measured | undefined): void {
  if (measured === undefined) return;
  const { atFullSpeed, paced } = measured;
  const figures = [
    `${atFullSpeed.perCpuS.toFixed(0).padStart(7)} per CPU second`,
    `${atFullSpeed.requestsPerS.toFixed(0).padStart(7)}/s`,
    `p99 ${atFullSpeed.p99Ms.toFixed(1)} ms`,
    `at ${paced.requestsPerS.toFixed(0)}/s ${paced.p99Ms.toFixed(2)} ms`,
  ];
  console.log(`  ${name.padEnd(20)} ${figures.join('   ')}`);
}
