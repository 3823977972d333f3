// How cost grows with keys, clients, sizes of bodies and replicas: prints each curve with its slope, and keeps it for the plots in the docs.
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Agent } from 'undici';
import { GROWTH_FILE, readCurves, slopeOf, type Curve } from '../scripts/growth-curves.js';
import { startRedisServer } from '../test/fakes/redis-server.js';
import { startChildServer, type ChildServer } from './child-server.js';
import { openRawClient, type RawClient } from './raw-client.js';

/** Makes a spec of about 10 kB. */
const SMALL_GATES = 25;
const BYTES_PER_GATE = 384;
const AT_ONCE = 16;
/** How often a hit is asked for, for one figure. */
const HITS = 4_000;
const LARGE_HITS = 300;
/** One after the other, for one figure. */
const FETCHES = 5;
const INTERVAL_S = 10;
const SETTLE_MS = 2_000;
const FLEET_INTERVAL_S = 2;
const FLEET_KEYS = 20;
const FLEET_INTERVALS = 3;
/** Of the origin's specs: a client that names it has the newest. */
const VERSION = 1_700_000_000_000;

type Points = [number, number][];

export async function growthKeys(): Promise<void> {
  const origin = await startOrigin(SMALL_GATES);
  const [memory, polls, hits]: [Points, Points, Points] = [[], [], []];
  const proxy = await startProxy(origin, ['-m', '20000', '-p', String(INTERVAL_S)]);
  let held = 0;
  for (const keys of [1, 10, 100, 1_000, 10_000]) {
    await ask(proxy, keys - held, (at) => pathOf(held + at));
    held = keys;
    // What the first fetches left behind is collected meanwhile.
    await pause(SETTLE_MS);
    const beforeMs = await proxy.cpuMs();
    await pause(INTERVAL_S * 1_000);
    const { cpuMs, rssBytes } = await proxy.usage();
    polls.push([keys, (cpuMs - beforeMs) / INTERVAL_S]);
    memory.push([keys, rssBytes / 1e6]);
    hits.push([keys, await hitUs(proxy, (at) => `${pathOf(at % keys)}?sinceTime=${VERSION}`, 'gzip')]);
  }
  await proxy.stop();
  await origin.stop();
  keep([
    curve('keys-memory', 'Memory by keys', 'SDK keys, specs of 10 kB', 'MB of memory', memory),
    curve('keys-polls', 'Polling by keys', 'SDK keys, polled every 10 s', 'ms of CPU a second', polls),
    curve('keys-hits', 'A request by keys', 'SDK keys', 'µs of CPU a request', hits),
  ]);
}

export async function growthClients(): Promise<void> {
  const origin = await startOrigin(SMALL_GATES);
  const proxy = await startProxy(origin, ['--http-connections-max', '12000']);
  await ask(proxy, 1, pathOf);
  // The first requests run code that is not compiled yet.
  const poll = `${pathOf(0)}?sinceTime=${VERSION}`;
  await hitUs(proxy, () => poll, 'gzip');
  const [memory, hits]: [Points, Points] = [[], []];
  const opened: RawClient[] = [];
  for (const clients of [1, 10, 100, 1_000, 10_000]) {
    while (opened.length < clients) opened.push(await openRawClient(proxy.url));
    const rounds = Math.max(1, Math.round(HITS / clients));
    const beforeMs = await proxy.cpuMs();
    for (let round = 0; round < rounds; round += 1)
      await Promise.all(opened.map((client) => client.ask(poll, { 'accept-encoding': 'gzip' })));
    const { cpuMs, rssBytes } = await proxy.usage();
    hits.push([clients, ((cpuMs - beforeMs) * 1_000) / (rounds * clients)]);
    memory.push([clients, rssBytes / 1e6]);
  }
  for (const client of opened) client.close();
  await proxy.stop();
  await origin.stop();
  keep([
    curve('clients-memory', 'Memory by connections', 'connections', 'MB of memory', memory),
    curve('clients-hits', 'A request by connections', 'connections', 'µs of CPU a request', hits),
  ]);
}

export async function growthBodies(): Promise<void> {
  const [fetches, stalls, hits]: [Points, Points, Points] = [[], [], []];
  for (const kilobytes of [10, 100, 1_000, 10_000, 40_000]) {
    const origin = await startOrigin(Math.round((kilobytes * 1_000) / BYTES_PER_GATE));
    const proxy = await startProxy(origin, []);
    // The watch begins with its first question, and code that is not compiled yet would be half of what a small body costs.
    await proxy.ask({ kind: 'watched' });
    await ask(proxy, kilobytes < 1_000 ? 200 : 5, (at) => pathOf(at + FETCHES));
    await pause(SETTLE_MS);
    await proxy.ask({ kind: 'watched' });
    const beforeMs = await proxy.cpuMs();
    for (let at = 0; at < FETCHES; at += 1) await ask(proxy, 1, () => pathOf(at));
    const { worstDelayMs } = await proxy.ask({ kind: 'watched' });
    const afterMs = await proxy.cpuMs();
    fetches.push([kilobytes, (afterMs - beforeMs) / FETCHES]);
    stalls.push([kilobytes, Math.max(1, Number(worstDelayMs))]);
    hits.push([
      kilobytes,
      await hitUs(proxy, () => pathOf(0), 'gzip', kilobytes < 1_000 ? HITS : LARGE_HITS),
    ]);
    await proxy.stop();
    await origin.stop();
  }
  const x = 'kB of JSON, sent as gzip';
  keep([
    curve('bodies-fetch', 'A first fetch by size', x, 'ms of CPU', fetches),
    curve('bodies-stall', 'The longest stall of a first fetch by size', x, 'ms, 1 or less as 1', stalls),
    curve('bodies-hits', 'A whole answer by size', x, 'µs of CPU a request', hits),
  ]);
}

export async function growthReplicas(): Promise<void> {
  const ends: (() => Promise<void>)[] = [];
  const redis = await startRedisServer({ after: (end) => ends.push(end) });
  const origin = await startOrigin(SMALL_GATES);
  const running: ChildServer[] = [];
  const points: Points = [];
  for (const replicas of [1, 3, 10]) {
    while (running.length < replicas) {
      const replica = await startChildServer('./servers/proxy-server.ts', {
        origin: origin.url,
        args: ['-p', String(FLEET_INTERVAL_S)],
        cache: 'redis',
        env: { REDIS_URL: redis.url },
        name: `replica-${running.length}`,
      });
      running.push(replica);
      await ask(replica, FLEET_KEYS, pathOf);
    }
    await pause(2 * FLEET_INTERVAL_S * 1_000);
    const before = Number((await origin.ask({ kind: 'count' }))['requests']);
    await pause(FLEET_INTERVALS * FLEET_INTERVAL_S * 1_000);
    const after = Number((await origin.ask({ kind: 'count' }))['requests']);
    points.push([replicas, (after - before) / FLEET_INTERVALS / FLEET_KEYS]);
  }
  for (const server of [...running, origin]) await server.stop();
  for (const end of ends) await end();
  keep([
    curve(
      'replicas-polls',
      'Polls upstream by replicas',
      'replicas with one Redis',
      'polls of a key in an interval',
      points,
    ),
  ]);
}

function startOrigin(fillerGates: number): Promise<ChildServer> {
  const options = { fillerGates, hasRandomIds: true, encoding: 'gzip' };
  return startChildServer('./servers/origin-server.ts', options);
}

function startProxy(origin: ChildServer, args: readonly string[]): Promise<ChildServer> {
  return startChildServer('./servers/proxy-server.ts', { origin: origin.url, args });
}

function pathOf(at: number): string {
  return `/v2/download_config_specs/secret-growth-${at}.json`;
}

/** CPU of the proxy for one of many requests. */
async function hitUs(
  proxy: ChildServer,
  pathAt: (at: number) => string,
  accepted: string,
  hits = HITS,
): Promise<number> {
  const beforeMs = await proxy.cpuMs();
  await ask(proxy, hits, pathAt, accepted);
  return (((await proxy.cpuMs()) - beforeMs) * 1_000) / hits;
}

async function ask(
  { url }: ChildServer,
  times: number,
  pathAt: (at: number) => string,
  accepted = 'gzip',
): Promise<void> {
  const agent = new Agent({ connections: AT_ONCE });
  let next = 0;
  const lanes = Array.from({ length: AT_ONCE }, async () => {
    while (next < times) {
      const path = pathAt(next);
      next += 1;
      const headers = { 'accept-encoding': accepted };
      const { body, statusCode } = await agent.request({ origin: url, path, method: 'GET', headers });
      await body.dump({ limit: Infinity });
      if (statusCode !== 200) throw new Error(`the proxy answers ${statusCode}`);
    }
  });
  await Promise.all(lanes);
  await agent.close();
}

function curve(name: string, title: string, x: string, y: string, points: Points): Curve {
  return { name, title, x, y, points: points.map(([at, cost]) => [at, Number(cost.toPrecision(3))]) };
}

/** Prints them, and puts them into the file from which `npm run docs` draws its plots. */
function keep(curves: readonly Curve[]): void {
  for (const each of curves) {
    const points = each.points.map(([x, y]) => `${x}: ${y}`).join('   ');
    console.log(`  ${each.title} (${each.y}): ${points}   slope ${slopeOf(each).toFixed(2)}`);
  }
  const names = curves.map(({ name }) => name);
  const others = existsSync(GROWTH_FILE) ? readCurves().filter(({ name }) => !names.includes(name)) : [];
  const all = [...others, ...curves].sort((left, right) => left.name.localeCompare(right.name, 'en'));
  writeFileSync(GROWTH_FILE, `${JSON.stringify(all, undefined, 2)}\n`);
}
