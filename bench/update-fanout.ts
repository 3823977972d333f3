// An update for 1,000 streams while 200 clients poll: time to the last stream, beside a bare server that writes the same bytes to as many.
import { setTimeout as pause } from 'node:timers/promises';
import { startChildServer, type ChildServer } from './child-server.js';

const STREAMS = 1_000;
/** As of SDKs: each stream has a connection of its own. */
const CONNECTIONS = STREAMS;
const POLLERS = 200;
const UPDATES = 7;
const KEY = 'secret-benchkey0123456789';
const RATIO_MAX = 1.2;
const DELAY_P99_MS_MAX = 10;
const LOOK_EVERY_MS = 50;
const WAIT_MS_MAX = 30_000;

/** By the size of the spec without compression. */
const SIZES = [
  { name: '0.1 MB', fillerGates: 300 },
  { name: '1.3 MB', fillerGates: 3_550 },
] as const;

interface Update {
  /** From the origin's answer, or from the first write, to the last stream having it whole. */
  readonly lastMs: number;
  readonly delayP99Ms: number;
  readonly delayWorstMs: number;
  readonly cpuMs: number;
}

/** A server, and its clients. */
interface Side {
  readonly server: ChildServer;
  readonly streams: ChildServer;
  /** They go on while the other side has its turn, so that both are disturbed alike. */
  readonly pollers: ChildServer;
  /** Makes the server send something new; resolves with the moment at which it could begin to. */
  readonly update: () => Promise<() => Promise<number>>;
  specs: number;
}

export async function updateFanout(): Promise<void> {
  for (const { name, fillerGates } of SIZES) await measure(name, fillerGates);
}

async function measure(size: string, fillerGates: number): Promise<void> {
  const origin = await startChildServer('./servers/grpc-origin-server.ts', { fillerGates });
  const proxy = await startChildServer('./servers/fleet-replica.ts', {
    origin: origin.url,
    args: ['-p', '1', '--grpc-max-concurrent-streams', String(2 * STREAMS)],
  });
  const bare = await startChildServer('./servers/grpc-floor-server.ts', {
    messageBytes: Number(origin.told['specBytes']),
    pollBytes: Number(origin.told['gzipBytes']),
  });
  const ours = await startSide(proxy, async () => {
    await origin.ask({ kind: 'update' });
    return async () => Number((await origin.ask({ kind: 'asked' }))['askedAtMs']);
  });
  const floor = await startSide(bare, async () => {
    const { startedAtMs } = await bare.ask({ kind: 'update' });
    return () => Promise.resolve(Number(startedAtMs));
  });
  const updates: Record<'ours' | 'floor', Update[]> = { ours: [], floor: [] };
  // Turn by turn, so that a noisy neighbour meets both.
  for (let turn = 0; turn < UPDATES; turn += 1) {
    updates.ours.push(await updateOnce(ours));
    updates.floor.push(await updateOnce(floor));
  }
  await print(`${size} proxy`, ours, updates.ours);
  await print(`${size} bare`, floor, updates.floor);
  for (const { server, streams, pollers } of [ours, floor]) {
    for (const child of [pollers, streams, server]) await child.stop();
  }
  await origin.stop();
  const ratio = median(updates.ours, 'lastMs') / median(updates.floor, 'lastMs');
  const delayMs = median(updates.ours, 'delayP99Ms');
  console.log(
    `  ${size}: time to the last stream, proxy to bare ${ratio.toFixed(2)} (wanted ${RATIO_MAX}: ${verdict(ratio, RATIO_MAX)}), event-loop delay p99 ${delayMs.toFixed(1)} ms (wanted ${DELAY_P99_MS_MAX}: ${verdict(delayMs, DELAY_P99_MS_MAX)})`,
  );
}

function verdict(reached: number, max: number): string {
  return reached <= max ? 'met' : 'MISSED';
}

async function startSide(server: ChildServer, update: Side['update']): Promise<Side> {
  const options = { url: server.told['grpcUrl'], sdkKey: KEY, streams: STREAMS, connections: CONNECTIONS };
  const streams = await startChildServer('./servers/grpc-clients.ts', options);
  await untilAllHaveIt(streams, 1);
  const pollers = await startChildServer('./servers/http-pollers.ts', {
    url: `${server.url}/v2/download_config_specs/${KEY}.json`,
    pollers: POLLERS,
  });
  return { server, streams, pollers, update, specs: 1 };
}

/** Resolves with the moment at which the last stream had the newest spec whole. */
async function untilAllHaveIt(clients: ChildServer, specs: number): Promise<number> {
  for (let waitedMs = 0; waitedMs < WAIT_MS_MAX; waitedMs += LOOK_EVERY_MS) {
    const { streams, lastAtMs, failures } = await clients.ask({ kind: 'received', specs });
    if (streams === STREAMS) return Number(lastAtMs);
    if (Array.isArray(failures) && failures.length > 0) throw new Error(`streams: ${failures.join(', ')}`);
    await pause(LOOK_EVERY_MS);
  }
  throw new Error(`not all streams had spec ${specs} after ${WAIT_MS_MAX} ms`);
}

async function updateOnce(side: Side): Promise<Update> {
  const beforeMs = await side.server.cpuMs();
  await side.server.ask({ kind: 'watched' });
  const startedAtMs = await side.update();
  side.specs += 1;
  const lastAtMs = await untilAllHaveIt(side.streams, side.specs);
  const { delayP99Ms, worstDelayMs } = await side.server.ask({ kind: 'watched' });
  const afterMs = await side.server.cpuMs();
  return {
    lastMs: lastAtMs - (await startedAtMs()),
    delayP99Ms: Number(delayP99Ms),
    delayWorstMs: Number(worstDelayMs),
    cpuMs: afterMs - beforeMs,
  };
}

async function print(name: string, { pollers }: Side, updates: readonly Update[]): Promise<void> {
  const { p99Ms, answers } = await pollers.ask({ kind: 'polled' });
  const figures = [
    `last stream after ${median(updates, 'lastMs').toFixed(0)} ms`,
    `event-loop delay p99 ${median(updates, 'delayP99Ms').toFixed(1)} ms, worst ${median(updates, 'delayWorstMs').toFixed(0)} ms`,
    `CPU ${median(updates, 'cpuMs').toFixed(0)} ms`,
    `${POLLERS} pollers: ${String(answers)} answers, p99 ${Number(p99Ms).toFixed(1)} ms`,
  ];
  console.log(`  ${name.padEnd(13)} ${figures.join('   ')}`);
}

function median(updates: readonly Update[], of: keyof Update): number {
  const sorted = updates.map((update) => update[of]).sort((left, right) => left - right);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
}
