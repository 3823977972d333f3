// How long after the leader the other replicas pass a change of Replane's on, beside what Redis takes to pass on a message alone.
import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { EventReader } from '../test/fakes/event-reader.js';
import { startRedisServer, type RedisServer } from '../test/fakes/redis-server.js';
import { STREAM_PATH } from '../test/fakes/replane/stream-client.js';
import { startChildServer, type ChildServer } from './child-server.js';

const REPLICAS = ['leader', 'follower-1', 'follower-2'] as const;
const CHANGES = 200;
const PAUSE_MS = 40;
const LAG_MS_MAX = 100;
const LOOK_EVERY_MS = 5;
const WAIT_MS_MAX = 15_000;
const CHANNEL = 'bench';

interface ChangeStream {
  /** The moment at which each frame was there whole, `init` included. */
  readonly wholeAtMs: readonly number[];
  /** Undefined while all is well. */
  readonly failure: string | undefined;
  close(): void;
}

export async function replaneLag(): Promise<void> {
  const ends: (() => Promise<void>)[] = [];
  const redis = await startRedisServer({ after: (end) => ends.push(end) });
  const origin = await startChildServer('./servers/replane-origin-server.ts', {});
  const running: ChildServer[] = [origin];
  const streams: ChangeStream[] = [];
  try {
    for (const name of REPLICAS) {
      const args = ['--replane-endpoint', origin.url, '--replane-resync-interval-in-s', '3600'];
      const env = { REDIS_URL: redis.url };
      const options = { origin: origin.url, args, cache: 'redis', env, name };
      const replica = await startChildServer('./servers/fleet-replica.ts', options);
      running.push(replica);
      streams.push(openChanges(replica.url, String(origin.told['sdkKey'])));
      // The first of them has the stream to the server before the next one could ask for it.
      await untilAllHave(streams, 1);
    }
    const { lagsMs, messagesMs } = await measure(origin, redis, streams);
    print('a change, follower after leader', lagsMs, LAG_MS_MAX);
    print('a message, PUBLISH to subscriber', messagesMs);
  } finally {
    for (const stream of streams) stream.close();
    for (const child of running.reverse()) await child.stop();
    for (const end of ends) await end();
  }
}

async function measure(
  origin: ChildServer,
  redis: RedisServer,
  streams: readonly ChangeStream[],
): Promise<{ readonly lagsMs: readonly number[]; readonly messagesMs: readonly number[] }> {
  const [publisher, subscriber] = [redis.client(), redis.client()];
  const lagsMs: number[] = [];
  const messagesMs: number[] = [];
  await subscriber.subscribe(CHANNEL);
  for (let change = 1; change <= CHANGES; change += 1) {
    await origin.ask({ kind: 'update' });
    await untilAllHave(streams, change + 1);
    const [leaderMs = NaN, ...followersMs] = streams.map(({ wholeAtMs }) => wholeAtMs[change] ?? NaN);
    lagsMs.push(...followersMs.map((atMs) => Math.max(0, atMs - leaderMs)));
    const told = new Promise((resolve) => subscriber.once('message', resolve));
    const startMs = performance.now();
    await Promise.all([publisher.publish(CHANNEL, 'x'), told]);
    messagesMs.push(performance.now() - startMs);
    await pause(PAUSE_MS);
  }
  for (const client of [publisher, subscriber]) client.disconnect();
  return { lagsMs, messagesMs };
}

function openChanges(url: string, sdkKey: string): ChangeStream {
  const wholeAtMs: number[] = [];
  const reader = new EventReader();
  let failure: string | undefined;
  let isClosing = false;
  const fail = (text: string): void => {
    if (!isClosing) failure ??= text;
  };
  const headers = { authorization: `Bearer ${sdkKey}`, 'content-type': 'application/json' };
  const asked = request(url + STREAM_PATH, { method: 'POST', headers, agent: false }, (answer) => {
    if (answer.statusCode !== 200) fail(`status ${answer.statusCode}`);
    answer.setEncoding('utf8').on('data', (piece: string) => {
      reader.push(piece);
      while (wholeAtMs.length < reader.events.length) wholeAtMs.push(performance.now());
    });
    answer.on('error', ({ message }) => {
      fail(message);
    });
  });
  asked.on('error', ({ message }) => {
    fail(message);
  });
  asked.end('{}');
  return {
    wholeAtMs,
    get failure() {
      return failure;
    },
    close: () => {
      isClosing = true;
      asked.destroy();
    },
  };
}

async function untilAllHave(streams: readonly ChangeStream[], frames: number): Promise<void> {
  for (let waitedMs = 0; waitedMs < WAIT_MS_MAX; waitedMs += LOOK_EVERY_MS) {
    const failure = streams.find((stream) => stream.failure !== undefined)?.failure;
    if (failure !== undefined) throw new Error(`a stream failed: ${failure}`);
    if (streams.every(({ wholeAtMs }) => wholeAtMs.length >= frames)) return;
    await pause(LOOK_EVERY_MS);
  }
  throw new Error(`not all clients had frame ${frames} after ${WAIT_MS_MAX} ms`);
}

function print(what: string, valuesMs: readonly number[], wantedMs?: number): void {
  const sorted = [...valuesMs].sort((left, right) => left - right);
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? NaN;
  const wanted =
    wantedMs === undefined ? '' : ` (p99 wanted ${wantedMs}: ${at(0.99) <= wantedMs ? 'met' : 'MISSED'})`;
  const figures = [at(0.5), at(0.99), at(1)].map((valueMs) => valueMs.toFixed(1));
  console.log(
    `  ${what.padEnd(34)} p50 ${figures[0]} ms, p99 ${figures[1]} ms, max ${figures[2]} ms of ${sorted.length}${wanted}`,
  );
}
