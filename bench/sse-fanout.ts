// A change for 5,000 clients of one process, over each wire: time to the last of them, and memory, beside what Replane states.
import { setTimeout as pause } from 'node:timers/promises';
import { startChildServer, type ChildServer } from './child-server.js';

const STREAMS_WANTED = 5_000;
/** Of a process that has as many connections: files, pipes and the way to its origin. */
const OTHER_FILES = 200;
const UPDATES = 5;
/** About 18 kB of v2 JSON. */
const FILLER_GATES = 50;
const KEY = 'secret-benchkey0123456789';
const LAST_MS_MAX = 2_000;
const REPLANE_RSS_TEXT = "2.7 GB, which Replane states for 5,000 of its SDKs' streams";
const LOOK_EVERY_MS = 50;
const WAIT_MS_MAX = 60_000;

interface Side {
  readonly name: string;
  readonly origin: ChildServer;
  readonly server: ChildServer;
  readonly clients: ChildServer;
}

interface Figures {
  readonly lastMs: readonly number[];
  readonly rssBytes: number;
  readonly peakRssBytes: number;
  readonly cpuMs: number;
}

export async function sseFanout(): Promise<void> {
  const streams = Math.min(STREAMS_WANTED, openFilesMax() - OTHER_FILES);
  if (streams < STREAMS_WANTED) {
    console.log(`  ${streams} clients only: raise the limit of open files (ulimit -n) for ${STREAMS_WANTED}`);
  }
  const grpc = await measure(await startGrpc(streams), streams);
  const sides = [startSpecs, startNotices, startReplane];
  for (const startSide of sides) {
    const side = await startSide(streams);
    print(side.name, await measure(side, streams), grpc);
  }
  print('gRPC, a spec', grpc, grpc);
  console.log(`  memory beside ${REPLANE_RSS_TEXT}`);
}

async function startSpecSide(): Promise<Pick<Side, 'origin' | 'server'>> {
  const origin = await startChildServer('./servers/grpc-origin-server.ts', { fillerGates: FILLER_GATES });
  const args = ['-p', '1', '--grpc-max-concurrent-streams', String(2 * STREAMS_WANTED)];
  return {
    origin,
    server: await startChildServer('./servers/fleet-replica.ts', { origin: origin.url, args }),
  };
}

async function startGrpc(streams: number): Promise<Side> {
  const side = await startSpecSide();
  const url = String(side.server.told['grpcUrl']);
  const options = { url, sdkKey: KEY, streams, connections: streams, specBytesMin: 1_000 };
  return { ...side, name: 'gRPC', clients: await startChildServer('./servers/grpc-clients.ts', options) };
}

async function startSpecs(streams: number): Promise<Side> {
  return { name: 'SSE, a spec', ...(await startSseSide(streams, '', 1_000)) };
}

async function startNotices(streams: number): Promise<Side> {
  return { name: 'SSE, a notice', ...(await startSseSide(streams, '?notify=1', 1)) };
}

async function startSseSide(
  streams: number,
  query: string,
  frameBytesMin: number,
): Promise<Omit<Side, 'name'>> {
  const side = await startSpecSide();
  const head = [`GET /v1/stream/download_config_specs${query} HTTP/1.1`, `statsig-api-key: ${KEY}`];
  const options = { url: side.server.url, head, body: '', streams, frameBytesMin };
  return { ...side, clients: await startChildServer('./servers/sse-clients.ts', options) };
}

async function startReplane(streams: number): Promise<Side> {
  const origin = await startChildServer('./servers/replane-origin-server.ts', {});
  const args = ['--replane-endpoint', origin.url];
  const server = await startChildServer('./servers/fleet-replica.ts', { origin: origin.url, args });
  const head = [
    'POST /api/sdk/v1/replication/stream HTTP/1.1',
    `Authorization: Bearer ${String(origin.told['sdkKey'])}`,
    'Content-Type: application/json',
    'Content-Length: 2',
  ];
  const options = { url: server.url, head, body: '{}', streams, frameBytesMin: 300 };
  const clients = await startChildServer('./servers/sse-clients.ts', options);
  return { name: "Replane's, a config", origin, server, clients };
}

async function measure(side: Side, streams: number): Promise<Figures> {
  try {
    await untilAllHave(side, streams, 1);
    const { rssBytes, ...before } = await side.server.usage();
    await side.server.ask({ kind: 'watched' });
    const lastMs: number[] = [];
    for (let update = 1; update <= UPDATES; update += 1) {
      await side.origin.ask({ kind: 'update' });
      const lastAtMs = await untilAllHave(side, streams, update + 1);
      // Of specs the poll interval is not in it: the clock starts when the poll comes in.
      const { askedAtMs } = await side.origin.ask({ kind: 'asked' });
      lastMs.push(lastAtMs - Number(askedAtMs));
    }
    const { peakRssBytes } = await side.server.ask({ kind: 'watched' });
    const after = await side.server.usage();
    const cpuMs = (after.cpuMs - before.cpuMs) / UPDATES;
    return {
      lastMs: lastMs.sort((left, right) => left - right),
      rssBytes,
      peakRssBytes: Number(peakRssBytes),
      cpuMs,
    };
  } finally {
    for (const child of [side.clients, side.server, side.origin]) await child.stop();
  }
}

/** Resolves with the moment at which the last client had its newest frame whole. */
async function untilAllHave({ clients, name }: Side, streams: number, specs: number): Promise<number> {
  for (let waitedMs = 0; waitedMs < WAIT_MS_MAX; waitedMs += LOOK_EVERY_MS) {
    const received = await clients.ask({ kind: 'received', specs });
    const { lastAtMs, failures } = received;
    if (Array.isArray(failures) && failures.length > 0) throw new Error(`${name}: ${failures.join(', ')}`);
    if (received['streams'] === streams) return Number(lastAtMs);
    await pause(LOOK_EVERY_MS);
  }
  throw new Error(`${name}: not all clients had frame ${specs} after ${WAIT_MS_MAX} ms`);
}

function print(name: string, { lastMs, rssBytes, peakRssBytes, cpuMs }: Figures, grpc: Figures): void {
  const [median, worst] = [medianOf(lastMs), lastMs.at(-1) ?? NaN];
  const figures = [
    `last client after ${median.toFixed(0)} ms (worst ${worst.toFixed(0)}, wanted ${LAST_MS_MAX}: ${worst <= LAST_MS_MAX ? 'met' : 'MISSED'})`,
    `memory ${(rssBytes / 1e6).toFixed(0)} MB, peak ${(peakRssBytes / 1e6).toFixed(0)} MB`,
    `CPU ${cpuMs.toFixed(0)} ms`,
    `to gRPC: time ${(median / medianOf(grpc.lastMs)).toFixed(2)}, memory ${(rssBytes / grpc.rssBytes).toFixed(2)}, CPU ${(cpuMs / grpc.cpuMs).toFixed(2)}`,
  ];
  console.log(`  ${name.padEnd(20)} ${figures.join('   ')}`);
}

function medianOf(sorted: readonly number[]): number {
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
}

/** Of this process, and so of its children. */
function openFilesMax(): number {
  const { userLimits } = process.report.getReport() as unknown as {
    readonly userLimits?: { readonly open_files?: { readonly soft?: number | 'unlimited' } };
  };
  const soft = userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : Infinity;
}
