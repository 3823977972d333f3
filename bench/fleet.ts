// What 1, 3 and 10 replicas ask of the origin with Redis between them, beside as many without, and how an update spreads.
import { setTimeout as pause } from 'node:timers/promises';
import { startRedisServer, type RedisServer } from '../test/fakes/redis-server.js';
import { startChildServer, type ChildServer } from './child-server.js';
import { openSpecStream, type SpecStream } from './spec-stream.js';

const SIZES = [1, 3, 10] as const;
const KEYS = Array.from({ length: 100 }, (_none, index) => `secret-bench-${index}`);
/** Their streams tell when a replica has an update. */
const STREAMED_KEYS = KEYS.slice(0, 5);
const INTERVAL_S = 2;
const INTERVALS = 3;
const UPDATES: Readonly<Record<Cache, number>> = { disabled: 2, redis: 3 };
/** About 22 kB of v1 JSON: ten replicas share the cores of one machine. */
const FILLER_GATES = 50;
/** From the first replica that has an update to the last. */
const SPREAD_MS_MAX = 50;
const LOOK_EVERY_MS = 20;
const UPDATE_MS_MAX = 15_000;
/** The whole run takes about two and a half minutes on two cores. */
const RUN_MS_MAX = 240_000;

type Cache = 'disabled' | 'redis';

interface Figures {
  /** In one interval in which nothing changes. */
  readonly requests: number;
  readonly bytes: number;
  /** Of an update of all keys, polls of that time included. */
  readonly updateBytes: number;
  /** From the first replica that had an update to the last, for each update of each key. */
  readonly spreadsMs: readonly number[];
  /** Of Redis, in one interval in which nothing changes. */
  readonly redisCommands: number;
  readonly redisBytes: number;
}

export async function fleet(): Promise<void> {
  // A child that answers nothing any more would be waited for, for ever; children end with this process.
  const tooLong = setTimeout(() => {
    console.error(`  given up after ${RUN_MS_MAX} ms`);
    process.exit(1);
  }, RUN_MS_MAX);
  console.log(
    `  ${KEYS.length} keys, each in one form, polled every ${INTERVAL_S} s; figures for one interval:`,
  );
  const alone: Figures[] = [];
  await grow('disabled', (replicas, figures) => {
    alone.push(figures);
    print(replicas, 'disabled', figures);
  });
  await grow('redis', (replicas, figures) => {
    print(replicas, 'redis', figures);
    const beside = alone[SIZES.findIndex((size) => size === replicas)];
    if (beside !== undefined) printRatios(figures, beside);
  });
  clearTimeout(tooLong);
}

/** One fleet that grows from size to size: a replica takes two seconds of a core to start. */
async function grow(cache: Cache, measured: (replicas: number, figures: Figures) => void): Promise<void> {
  const ends: (() => Promise<void>)[] = [];
  const redis = await startRedisServer({ after: (end) => ends.push(end) });
  const origin = await startChildServer('./servers/origin-server.ts', {
    fillerGates: FILLER_GATES,
    encoding: 'br',
  });
  const running: ChildServer[] = [];
  try {
    for (const size of SIZES) {
      const names = Array.from({ length: size - running.length }, (_none, index) => {
        return `replica-${running.length + index}`;
      });
      const started = await Promise.all(names.map((name) => startReplica(origin, redis, cache, name)));
      running.push(...started);
      await Promise.all(started.map(askForAll));
      measured(size, await figuresOf(origin, redis, running, UPDATES[cache]));
    }
  } finally {
    for (const child of [...running, origin]) await child.stop();
    for (const end of ends) await end();
  }
}

function startReplica(
  origin: ChildServer,
  redis: RedisServer,
  cache: Cache,
  name: string,
): Promise<ChildServer> {
  return startChildServer('./servers/fleet-replica.ts', {
    origin: origin.url,
    args: ['-p', String(INTERVAL_S)],
    cache,
    env: cache === 'redis' ? { REDIS_URL: redis.url } : {},
    name,
  });
}

async function askForAll({ url }: ChildServer): Promise<void> {
  for (const sdkKey of KEYS) {
    const response = await fetch(`${url}/v1/download_config_specs/${sdkKey}.json`);
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`a replica answers ${response.status}`);
  }
}

async function figuresOf(
  origin: ChildServer,
  redis: RedisServer,
  running: readonly ChildServer[],
  updates: number,
): Promise<Figures> {
  // The first polls are behind, and the followers know that there is a leader.
  await pause(2 * INTERVAL_S * 1000);
  const before = { ...(await countOf(origin)), ...(await loadOf(redis)) };
  await pause(INTERVALS * INTERVAL_S * 1000);
  const after = { ...(await countOf(origin)), ...(await loadOf(redis)) };
  const perInterval = (of: keyof typeof after): number => (after[of] - before[of]) / INTERVALS;
  const streams = running.map(({ told }) =>
    STREAMED_KEYS.map((sdkKey) => openSpecStream(String(told['grpcUrl']), sdkKey)),
  );
  try {
    await untilAllHave(streams.flat(), 1);
    const startBytes = (await countOf(origin)).bytes;
    const spreadsMs: number[] = [];
    for (let update = 0; update < updates; update += 1) {
      await origin.ask({ kind: 'update' });
      await untilAllHave(streams.flat(), update + 2);
      spreadsMs.push(...spreadsOf(streams, update + 1));
      // The keys without streams have it, too.
      await pause(INTERVAL_S * 1000);
    }
    return {
      requests: perInterval('requests'),
      bytes: perInterval('bytes'),
      updateBytes: ((await countOf(origin)).bytes - startBytes) / updates,
      spreadsMs,
      redisCommands: perInterval('redisCommands'),
      redisBytes: perInterval('redisBytes'),
    };
  } finally {
    for (const stream of streams.flat()) stream.close();
  }
}

async function countOf(origin: ChildServer): Promise<{ requests: number; bytes: number }> {
  const { requests, bytes } = await origin.ask({ kind: 'count' });
  return { requests: Number(requests), bytes: Number(bytes) };
}

/** What Redis has done so far, as it tells itself. */
async function loadOf(redis: RedisServer): Promise<{ redisCommands: number; redisBytes: number }> {
  const client = redis.client();
  const text = await client.info('stats');
  client.disconnect();
  const read = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(text)?.[1]);
  return {
    redisCommands: read('total_commands_processed'),
    redisBytes: read('total_net_input_bytes') + read('total_net_output_bytes'),
  };
}

async function untilAllHave(streams: readonly SpecStream[], specs: number): Promise<void> {
  for (let waitedMs = 0; waitedMs < UPDATE_MS_MAX; waitedMs += LOOK_EVERY_MS) {
    const failure = streams.find((stream) => stream.failure !== undefined)?.failure;
    if (failure !== undefined) throw new Error(`a stream failed: ${failure}`);
    if (streams.every(({ wholeAtMs }) => wholeAtMs.length >= specs)) return;
    await pause(LOOK_EVERY_MS);
  }
  throw new Error(`not all replicas had spec ${specs} after ${UPDATE_MS_MAX} ms`);
}

/** For each streamed key; `index` is that of the spec in the stream. */
function spreadsOf(streams: readonly (readonly SpecStream[])[], index: number): number[] {
  return STREAMED_KEYS.map((_key, place) => {
    const moments = streams.map((ofReplica) => ofReplica[place]?.wholeAtMs[index] ?? NaN);
    return Math.max(...moments) - Math.min(...moments);
  });
}

function print(replicas: number, cache: Cache, figures: Figures): void {
  const sorted = [...figures.spreadsMs].sort((left, right) => left - right);
  const median = sorted[Math.floor(sorted.length / 2)] ?? NaN;
  const redis =
    cache === 'redis'
      ? [`Redis ${figures.redisCommands.toFixed(0)} commands, ${kb(figures.redisBytes)}`]
      : [];
  const wanted =
    cache === 'redis' ? ` (wanted ${SPREAD_MS_MAX}: ${median <= SPREAD_MS_MAX ? 'met' : 'MISSED'})` : '';
  const spread =
    replicas === 1
      ? []
      : [`first to last p50 ${median.toFixed(0)} ms${wanted}, max ${sorted.at(-1)?.toFixed(0)} ms`];
  const parts = [
    `${figures.requests.toFixed(0).padStart(5)} requests, ${kb(figures.bytes)}`,
    ...redis,
    `with an update ${kb(figures.updateBytes)}`,
    ...spread,
  ];
  const heading = `${replicas} ${replicas === 1 ? 'replica' : 'replicas'}, ${cache}`;
  console.log(`  ${heading.padEnd(22)} ${parts.join('   ')}`);
}

function printRatios(together: Figures, alone: Figures): void {
  const ratios = [
    `requests ${(together.requests / alone.requests).toFixed(2)}`,
    `bytes ${(together.bytes / alone.bytes).toFixed(2)}`,
    `bytes of an update ${(together.updateBytes / alone.updateBytes).toFixed(2)}`,
  ];
  console.log(`    ratios, redis to disabled: ${ratios.join(', ')}`);
}

function kb(bytes: number): string {
  return `${(bytes / 1000).toFixed(0)} kB`;
}
