// The stage of passive applications: a Redis filled as the proxy fills it, and processes that read it by themselves.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import type { TestContext } from 'node:test';
import type { Redis } from 'ioredis';
import { demoProtobuf, demoV1, demoV2, type DemoProject } from '../../scripts/demo-specs.js';
import { startRedisServer, type RedisServer } from '../fakes/redis-server.js';
import { NO_ORIGIN } from '../process/origin.js';
import type { PassiveAppOptions, PassiveSdk } from './passive-app.js';
import { startPassiveApp, type PassiveApp } from './passive-process.js';

export const GREETING = 'hello';
export const LATER_GREETING = 'hello again';
export const PROJECT: DemoProject = { time: 1_700_000_000_000, isGateOpen: true, greeting: GREETING };
export const LATER_PROJECT: DemoProject = {
  time: PROJECT.time + 60_000,
  isGateOpen: false,
  greeting: LATER_GREETING,
};

const V1 = '/v1/download_config_specs|plain_text';
const V2 = '/v2/download_config_specs|plain_text';
const V2_PROTOBUF = '/v2/download_config_specs|statsig-br';
export type Form = typeof V1 | typeof V2 | typeof V2_PROTOBUF;
export const FORMS = { v1: V1, v2: V2, v2Protobuf: V2_PROTOBUF } as const;
const EVERY_FORM: readonly Form[] = [V1, V2, V2_PROTOBUF];

/** What a name holds of the SDK key. */
export type KeySchema = 'sha256' | 'prefix';

export interface PassiveScene {
  readonly redis: RedisServer;
  readonly client: Redis;
  readonly sdkKey: string;
  /** Writes what the proxy writes of a project, in these forms only. */
  fill(project: DemoProject, forms?: readonly Form[], schema?: KeySchema): Promise<void>;
  startApp(sdk: PassiveSdk, options?: Partial<PassiveAppOptions>): Promise<PassiveApp>;
}

export async function startPassiveScene(t: TestContext): Promise<PassiveScene> {
  const redis = await startRedisServer(t);
  const client = redis.client();
  const sdkKey = 'secret-passivekey0123456789';
  return {
    redis,
    client,
    sdkKey,
    fill: async (project, forms = EVERY_FORM, schema = 'sha256') => {
      for (const form of forms) {
        const fields = { encoding: 'plain_text', lcut: String(project.time), config: bodyOf(project, form) };
        await client.hset(entryName(sdkKey, form, schema), fields);
      }
    },
    startApp: (sdk, options = {}) =>
      startPassiveApp(t, { sdk, sdkKey, redisUrl: redis.url, networkUrl: NO_ORIGIN, ...options }),
  };
}

export function entryName(sdkKey: string, form: Form, schema: KeySchema = 'sha256'): string {
  const hash = createHash('sha256').update(sdkKey).digest('base64');
  return `statsig|${form}|${schema === 'sha256' ? hash : sdkKey.slice(0, 20)}`;
}

function bodyOf(project: DemoProject, form: Form): string | Buffer {
  switch (form) {
    case V1:
      return JSON.stringify(demoV1(project));
    case V2:
      return JSON.stringify(demoV2(project));
    case V2_PROTOBUF:
      return demoProtobuf(project);
  }
}

export interface Trap {
  readonly url: string;
  /** Connections that came. */
  readonly visits: number;
}

/** Listens where an SDK would ask, to see whether it does; hangs up on whoever comes. */
export async function startTrap(t: TestContext): Promise<Trap> {
  let visits = 0;
  const server: Server = createServer((socket) => {
    visits += 1;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get visits() {
      return visits;
    },
  };
}

/** How many changes Redis has seen since it started, by whomever. */
export async function changesOf(client: Redis): Promise<number> {
  return Number(/rdb_changes_since_last_save:(\d+)/.exec(await client.info('persistence'))?.[1] ?? NaN);
}
