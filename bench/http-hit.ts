// Warm answers over HTTP/1.1, beside nginx with a cache in front of the same origin and a bare node:http server, turn by turn.
import { installed, load, medianOf, type Load, type Round } from './wrk.js';
import { startChildServer } from './child-server.js';
import { hasNginx, startNginx } from './nginx.js';
import { cacheInFrontOf } from './nginx-blocks.js';

const ROUNDS = 5;
const ROUND_S = 3;
const CONNECTIONS = 32;
const KEY = 'secret-benchkey0123456789';
/** Of the spec that the origin of this benchmark has. */
const VERSION = 1_700_000_000_000;
/** Makes a gzip body of about 300 kB. */
const NOISE_BYTES = 300_000;
const OFFERED = 'statsig-br, gzip, deflate, br';

interface Case {
  readonly name: string;
  readonly path: string;
  readonly encodings: string;
  /** Of nginx' requests per CPU second. */
  readonly ratioMin: number;
}

const PATH = `/v2/download_config_specs/${KEY}.json`;
const CASES: readonly Case[] = [
  { name: 'no update', path: `${PATH}?sinceTime=${VERSION}`, encodings: OFFERED, ratioMin: 1.3 },
  { name: '300 kB in gzip', path: PATH, encodings: 'gzip', ratioMin: 1.1 },
  { name: '300 kB in br', path: PATH, encodings: 'br', ratioMin: 1.1 },
  { name: '300 kB in protobuf', path: `${PATH}?supports_proto=true`, encodings: OFFERED, ratioMin: 1.1 },
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
  const origin = await startChildServer('./servers/origin-server.ts', {
    fillerGates: 10,
    noiseBytes: NOISE_BYTES,
    encoding: 'gzip',
  });
  const proxy = await startChildServer('./servers/proxy-server.ts', { origin: origin.url });
  const slow = await startChildServer('./servers/proxy-server.ts', {
    origin: origin.url,
    env: { SFP_DISABLE_FAST_LANE: '1' },
  });
  const cache = await startNginx(cacheInFrontOf(new URL(proxy.url).host));
  const fixed: readonly Contender[] = [
    { name: 'nginx with a cache', url: cache.url('http'), cpuMs: () => Promise.resolve(cache.cpuMs()) },
    contender('proxy', proxy),
    contender('proxy, no fast lane', slow),
  ];
  for (const each of CASES) {
    const bare = await startChildServer('./servers/bare-server.ts', {
      like: proxy.url + each.path,
      headers: { 'accept-encoding': each.encodings },
    });
    await compare(each, [...fixed, contender('bare node:http', bare)]);
    await bare.stop();
  }
  await cache.stop();
  for (const server of [proxy, slow, origin]) await server.stop();
}

function contender(name: string, server: Awaited<ReturnType<typeof startChildServer>>): Contender {
  return {
    name,
    url: server.url,
    cpuMs: async () => (await server.usage()).cpuMs,
  };
}

async function compare(
  { name, path, encodings, ratioMin }: Case,
  contenders: readonly Contender[],
): Promise<void> {
  const asked: Load = { path, encodings, connections: CONNECTIONS, durationS: ROUND_S };
  const rounds = contenders.map((): Round[] => []);
  for (const { url, cpuMs } of contenders) await load(url, { ...asked, durationS: 1 }, cpuMs);
  // Turn by turn, so that a noisy neighbour meets all of them.
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    for (const [at, { url, cpuMs }] of contenders.entries()) {
      rounds[at]?.push(await load(url, asked, cpuMs));
    }
  }
  console.log(`${name}, medians of ${ROUNDS} rounds of ${ROUND_S} s:`);
  const medians = rounds.map(medianOf);
  for (const [at, { name: who }] of contenders.entries()) print(who, medians[at]);
  const [cache, proxy] = medians;
  if (cache !== undefined && proxy !== undefined) judge(cache, proxy, ratioMin);
}

function judge(cache: Round, proxy: Round, ratioMin: number): void {
  const ratio = proxy.perCpuS / cache.perCpuS;
  const p99 = proxy.p99Ms <= cache.p99Ms ? 'no worse' : 'worse';
  console.log(
    `  ratio: ${ratio.toFixed(2)} of nginx' requests per CPU second (wanted ${ratioMin}: ${ratio >= ratioMin ? 'met' : 'MISSED'}), p99 ${p99}`,
  );
}

function print(name: string, round: Round | undefined): void {
  if (round === undefined) return;
  const figures = [
    `${round.perCpuS.toFixed(0).padStart(7)} per CPU second`,
    `${round.requestsPerS.toFixed(0).padStart(7)}/s`,
    `p99 ${round.p99Ms.toFixed(1)} ms`,
  ];
  console.log(`  ${name.padEnd(20)} ${figures.join('   ')}`);
}
