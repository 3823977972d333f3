// An update for 500 streams: time to the last, memory and stalls, beside a plain server that encodes it for each stream.
import { setTimeout as pause } from 'node:timers/promises';
import { startChildServer, type ChildServer } from './child-server.js';

const STREAMS = 500;
/** Enough that no connection is what the others wait for; an SDK has one of its own, with one stream. */
const CONNECTIONS = 50;
/** About 1.3 MB of v2 JSON. */
const FILLER_GATES = 3_550;
const UPDATES = 5;
const KEY = 'secret-benchkey0123456789';
const LOOK_EVERY_MS = 50;
const WAIT_MS_MAX = 30_000;
/** The whole run takes about half a minute. */
const RUN_MS_MAX = 180_000;
const SERVERS = { proxy: './servers/grpc-proxy-server.ts', plain: './servers/grpc-naive-server.ts' } as const;

interface Update {
  /** From the moment the origin was asked by the poll which got the update, to the last stream having it whole. */
  readonly lastMs: number;
  readonly peakRssBytes: number;
  readonly worstDelayMs: number;
  readonly serverCpuMs: number;
  readonly clientsCpuMs: number;
}

/** A server with its origin and its clients, each in a process of its own. */
export class Side {
  readonly updates: Update[] = [];
  readonly #streams: number;
  readonly #origin: ChildServer;
  readonly #server: ChildServer;
  readonly #clients: ChildServer;
  #specs = 1;

  constructor(streams: number, origin: ChildServer, server: ChildServer, clients: ChildServer) {
    this.#streams = streams;
    this.#origin = origin;
    this.#server = server;
    this.#clients = clients;
  }

  get specBytes(): number {
    return Number(this.#origin.told['specBytes']);
  }

  /** Resolves with the moment at which the last stream had the newest spec whole. */
  async untilAllHaveIt(): Promise<number> {
    for (let waitedMs = 0; waitedMs < WAIT_MS_MAX; waitedMs += LOOK_EVERY_MS) {
      const { streams, lastAtMs, failures } = await this.#clients.ask({
        kind: 'received',
        specs: this.#specs,
      });
      if (streams === this.#streams) return Number(lastAtMs);
      if (Array.isArray(failures) && failures.length > 0) throw new Error(`streams: ${failures.join(', ')}`);
      await pause(LOOK_EVERY_MS);
    }
    throw new Error(`not all streams had spec ${this.#specs} after ${WAIT_MS_MAX} ms`);
  }

  async update(): Promise<void> {
    const before = await this.#cpuMs();
    await this.#server.ask({ kind: 'watched' });
    await this.#origin.ask({ kind: 'update' });
    this.#specs += 1;
    const lastAtMs = await this.untilAllHaveIt();
    // The poll interval is not in it: the clock starts when the poll comes in.
    const { askedAtMs } = await this.#origin.ask({ kind: 'asked' });
    const { peakRssBytes, worstDelayMs } = await this.#server.ask({ kind: 'watched' });
    const after = await this.#cpuMs();
    this.updates.push({
      lastMs: lastAtMs - Number(askedAtMs),
      peakRssBytes: Number(peakRssBytes),
      worstDelayMs: Number(worstDelayMs),
      serverCpuMs: after.server - before.server,
      clientsCpuMs: after.clients - before.clients,
    });
  }

  async #cpuMs(): Promise<{ readonly server: number; readonly clients: number }> {
    return { server: await this.#server.cpuMs(), clients: await this.#clients.cpuMs() };
  }

  async stop(): Promise<void> {
    for (const child of [this.#clients, this.#server, this.#origin]) await child.stop();
  }
}

export async function grpcFanout(): Promise<void> {
  // A child that answers nothing any more would be waited for, for ever; children end with this process.
  const tooLong = setTimeout(() => {
    console.error(`  given up after ${RUN_MS_MAX} ms`);
    process.exit(1);
  }, RUN_MS_MAX);
  const sides = { proxy: await startSide(SERVERS.proxy), plain: await startSide(SERVERS.plain) };
  try {
    // Turn by turn, so that a noisy neighbour meets both.
    for (let turn = 0; turn < UPDATES; turn += 1) {
      await sides.proxy.update();
      await sides.plain.update();
    }
  } finally {
    await sides.proxy.stop();
    await sides.plain.stop();
    clearTimeout(tooLong);
  }
  const size = (sides.proxy.specBytes / 1e6).toFixed(2);
  console.log(
    `  ${STREAMS} streams on ${CONNECTIONS} connections, a spec of ${size} MB, ${UPDATES} updates each:`,
  );
  print('proxy', sides.proxy.updates);
  print('encoding for each', sides.plain.updates);
  printRatios(sides.proxy.updates, sides.plain.updates);
}

/** `streams`: a multiple of the number of connections, 50. */
export async function startSide(server: string, streams = STREAMS): Promise<Side> {
  const origin = await startChildServer('./servers/grpc-origin-server.ts', { fillerGates: FILLER_GATES });
  const asked = await startChildServer(server, { origin: origin.url, args: ['-p', '1'] });
  const clients = await startChildServer('./servers/grpc-clients.ts', {
    url: asked.url,
    sdkKey: KEY,
    streams,
    connections: CONNECTIONS,
  });
  const side = new Side(streams, origin, asked, clients);
  await side.untilAllHaveIt();
  return side;
}

function print(name: string, updates: readonly Update[]): void {
  const figures = [
    `last stream after ${median(updates, 'lastMs').toFixed(0)} ms (worst ${worst(updates, 'lastMs').toFixed(0)})`,
    `peak memory ${(worst(updates, 'peakRssBytes') / 1e6).toFixed(0)} MB`,
    `stall ${median(updates, 'worstDelayMs').toFixed(0)} ms (worst ${worst(updates, 'worstDelayMs').toFixed(0)})`,
    `CPU ${median(updates, 'serverCpuMs').toFixed(0)} ms, of its clients ${median(updates, 'clientsCpuMs').toFixed(0)} ms`,
  ];
  console.log(`  ${name.padEnd(17)} ${figures.join('   ')}`);
}

function printRatios(proxy: readonly Update[], plain: readonly Update[]): void {
  const ratios = [
    `time ${(median(proxy, 'lastMs') / median(plain, 'lastMs')).toFixed(2)}`,
    `peak memory ${(worst(proxy, 'peakRssBytes') / worst(plain, 'peakRssBytes')).toFixed(2)}`,
    `stall ${(median(proxy, 'worstDelayMs') / median(plain, 'worstDelayMs')).toFixed(2)}`,
    `CPU ${(median(proxy, 'serverCpuMs') / median(plain, 'serverCpuMs')).toFixed(2)}`,
  ];
  console.log(`  ratios, proxy to encoding for each: ${ratios.join(', ')}`);
}

function median(updates: readonly Update[], of: keyof Update): number {
  const sorted = updates.map((update) => update[of]).sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function worst(updates: readonly Update[], of: keyof Update): number {
  return Math.max(...updates.map((update) => update[of]));
}
