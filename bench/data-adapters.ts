// What reading a spec of 1.3 MB from Redis costs an application: by each example adapter, in each form it can read.
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { demoProtobuf, demoV1, demoV2, type DemoProject } from '../scripts/demo-specs.js';
import { startRedisServer } from '../test/fakes/redis-server.js';
import { startChildServer } from './child-server.js';

/** Together about 1.3 MB of JSON; the noise keeps the protobuf from being smaller than those of real projects. */
const FILLER_GATES = 3000;
const NOISE_BYTES = 150_000;
const POLLS = 6;
const CORE_POLL_EVERY_MS = 1000;
/** The shortest the legacy SDK accepts. */
const LEGACY_POLL_EVERY_MS = 5000;

const KEY = 'secret-benchkey0123456789';
const V1 = '/v1/download_config_specs|plain_text';
const V2 = '/v2/download_config_specs|plain_text';
const V2_PROTOBUF = '/v2/download_config_specs|statsig-br';

interface Case {
  readonly adapter: 'redisDataStore' | 'redisProtobufDataStore' | 'redisDataAdapter';
  /** What Redis holds. */
  readonly form: typeof V1 | typeof V2 | typeof V2_PROTOBUF;
}

const CASES: readonly Case[] = [
  { adapter: 'redisDataStore', form: V2 },
  { adapter: 'redisProtobufDataStore', form: V2_PROTOBUF },
  { adapter: 'redisProtobufDataStore', form: V2 },
  { adapter: 'redisDataAdapter', form: V1 },
];

export async function dataAdapters(): Promise<void> {
  const ends: (() => Promise<void> | void)[] = [];
  const redis = await startRedisServer({ after: (end) => ends.push(end) });
  try {
    for (const { adapter, form } of CASES) await measure(redis.client(), redis.url, { adapter, form });
  } finally {
    for (const end of ends) await end();
  }
}

async function measure(client: Redis, redisUrl: string, { adapter, form }: Case): Promise<void> {
  const body = bodies()[form];
  const hash = createHash('sha256').update(KEY).digest('base64');
  await client.flushall();
  await client.hset(`statsig|${form}|${hash}`, { config: body });
  const pollEveryMs = adapter === 'redisDataAdapter' ? LEGACY_POLL_EVERY_MS : CORE_POLL_EVERY_MS;
  const child = await startChildServer('./servers/passive-sdk.ts', {
    adapter,
    redisUrl,
    sdkKey: KEY,
    pollEveryMs,
  });
  const worstMs: number[] = [];
  const beforeMs = await child.cpuMs();
  await child.ask({ kind: 'reset' });
  for (let poll = 0; poll < POLLS; poll += 1) {
    await pause(pollEveryMs);
    worstMs.push(Number((await child.ask({ kind: 'worst stall' }))['worstMs']));
  }
  const { cpuMs, rssBytes } = await child.usage();
  await child.stop();
  const median = worstMs.sort((a, b) => a - b)[Math.floor(POLLS / 2)] ?? NaN;
  console.log(
    `  ${adapter.padEnd(22)} ${form.padEnd(38)} ${(body.length / 1e6).toFixed(2)} MB a poll:` +
      ` event loop stands still for ${median.toFixed(0)} ms (worst ${(worstMs.at(-1) ?? NaN).toFixed(0)}),` +
      ` CPU ${((cpuMs - beforeMs) / POLLS).toFixed(0)} ms, process ${(rssBytes / 1e6).toFixed(0)} MB`,
  );
}

function bodies(): Readonly<Record<Case['form'], Buffer>> {
  const project: DemoProject = {
    time: 1_700_000_000_000,
    isGateOpen: true,
    greeting: randomBytes(NOISE_BYTES).toString('base64'),
    fillerGates: FILLER_GATES,
  };
  return {
    [V1]: Buffer.from(JSON.stringify(demoV1(project))),
    [V2]: Buffer.from(JSON.stringify(demoV2(project))),
    [V2_PROTOBUF]: demoProtobuf(project),
  };
}
