// One proxy's random walk: trouble and calm by turns, with visitors all the while; in each calm all must come right within seconds.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually, within } from '../e2e/deadline.js';
import { rawRequest } from '../fakes/raw-request.js';
import { startDaemon, type Daemon, type Program } from '../process/daemon.js';
import { specsOf } from '../process/spec-forms.js';
import { temporaryFile } from '../process/temporary-file.js';
import type { Dice } from './dice.js';
import { SDK_KEYS, type Ground } from './ground.js';
import { ColdVisitor, EventVisitor, ListVisitor, SpecVisitor, type Visitor } from './visitors.js';

const MIB = 1024 * 1024;
const TROUBLE_MS = { from: 2_000, to: 7_000 } as const;
const CHANGE_EVERY_MS = 500;
const VISIT_EVERY_MS = 200;
/** Of several requests, each answered within seconds whatever the origin does; more than any busy machine takes. */
const VISIT_MS_MAX = 60_000;
/**
 * On a machine with time to spare it takes 4 to 7 s: a spec that failed is asked for again after ten intervals of a second at
 * most, and log events wait as long again as they have failed.
 */
const CALM_MS_MAX = 90_000;
/** For connections that nobody needs any more to be closed, and memory to be given back. */
const SETTLE_MS_MAX = 30_000;
/** Above what the process had after its first trouble. What is resident follows with time, as V8 and the allocator see fit. */
const LIVE_GROWTH_MIB_MAX = 50;
const RESIDENT_GROWTH_MIB_MAX = 250;
/** From the end of its connections until a process that crashed has ended, on a busy machine. */
const CRASH_MS_MAX = 5_000;
/** So that what is measured is what is held, and not what nobody has collected yet. */
const COLLECTING = ['--expose-gc', '--import', 'data:text/javascript,setInterval(gc,1000).unref()'];
/** A part of the lists' files is passed through, and cold keys leave again. */
const SETTINGS = ['-p', '1', '-m', '40', '--id-list-files-max-in-mib', '1'] as const;

export interface MemoryMib {
  /** The heap, and what its objects hold outside of it. */
  readonly live: number;
  readonly resident: number;
}

export interface WalkReport {
  rounds: number;
  /** The longest that a calm took to put everything right. */
  slowestCalmMs: number;
  acceptedEvents: number;
  readonly memoryMib: MemoryMib[];
  readonly connections: number[];
}

export async function walk(t: TestContext, ground: Ground, dice: Dice, forMs: number): Promise<WalkReport> {
  const proxy = await startProxy(t, ground);
  const place = { url: proxy.url, site: ground.site, dice: dice.of('visitors') };
  const events = SDK_KEYS.map((sdkKey) => new EventVisitor(place, sdkKey));
  const visitors: readonly Visitor[] = [
    ...specsOf(SDK_KEYS).map((spec) => new SpecVisitor(place, spec)),
    ...SDK_KEYS.map((sdkKey) => new ListVisitor(place, sdkKey)),
    ...events,
    new ColdVisitor(place),
  ];
  const stop = new AbortController();
  const visiting = visitors.map((visitor) => visitAgain(visitor, stop.signal));
  // The first that is served anything wrong ends the walk.
  const fault = Promise.race(visiting);
  const report: WalkReport = {
    rounds: 0,
    slowestCalmMs: 0,
    acceptedEvents: 0,
    memoryMib: [],
    connections: [],
  };
  try {
    const untilMs = performance.now() + forMs;
    while (performance.now() < untilMs) {
      await Promise.race([fault, goThrough(ground, visitors, proxy, dice, report, stop.signal)]);
    }
  } catch (error) {
    throw new Error(`round ${report.rounds + 1}: ${String(error)}\n${await lastOf(proxy.program)}`, {
      cause: error,
    });
  } finally {
    stop.abort();
  }
  await Promise.all(visiting);
  await catchUp(events, performance.now());
  report.acceptedEvents = events.reduce((sum, { accepted }) => sum + accepted, 0);
  return report;
}

/** How the proxy fared: what it wrote last, and how it ended where it did. */
async function lastOf({ ended, output: { stdout, stderr } }: Program): Promise<string> {
  const lines = stdout.trimEnd().split('\n').slice(-20).join('\n');
  // A connection that a crash closes is seen before the crash is.
  const ending = await within(ended, 'end of the proxy', CRASH_MS_MAX).then(
    ({ code, signal }) => `The proxy ended with ${signal ?? `exit code ${String(code)}`}.`,
    () => 'The proxy lives.',
  );
  return `${ending}\n${stderr}\n${lines}`;
}

async function startProxy(t: TestContext, { url, caPem }: Ground): Promise<Daemon> {
  const ca = caPem === '' ? [] : ['--origin-ca-file', temporaryFile(t, caPem, 'ca.pem')];
  return await startDaemon(t, url, {
    args: [...SETTINGS, ...ca],
    nodeArgs: COLLECTING,
    env: {
      LOG_EVENT_STATSIG_ENDPOINT: url,
      ID_LISTS_STATSIG_ENDPOINT: url,
      SFP_ID_LISTS_POLLING_INTERVAL_IN_S: '1',
      SFP_HTTP_CONNECT_TIMEOUT_IN_S: '2',
      SFP_HTTP_READ_TIMEOUT_IN_S: '2',
      SFP_HTTP_REQUEST_TIMEOUT_IN_S: '4',
    },
  });
}

async function visitAgain(visitor: Visitor, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await within(visitor.visit(), 'end of the visit', VISIT_MS_MAX);
    } catch (error) {
      throw new Error(`${visitor.name}: ${String(error)}`, { cause: error });
    }
    await pause(VISIT_EVERY_MS);
  }
}

async function goThrough(
  ground: Ground,
  visitors: readonly Visitor[],
  proxy: Daemon,
  dice: Dice,
  report: WalkReport,
  signal: AbortSignal,
): Promise<void> {
  ground.isCalm = false;
  const calmAtMs = performance.now() + dice.between(TROUBLE_MS.from, TROUBLE_MS.to);
  while (performance.now() < calmAtMs && !signal.aborted) {
    change(ground, dice);
    await pause(CHANGE_EVERY_MS);
  }
  ground.isCalm = true;
  ground.site.publish(1);
  const startMs = performance.now();
  await catchUp(visitors, startMs, signal);
  if (signal.aborted) return;
  report.slowestCalmMs = Math.max(report.slowestCalmMs, Math.round(performance.now() - startMs));
  await settle(ground, proxy, report);
  report.rounds += 1;
}

/** Or until the walk has ended meanwhile. */
async function catchUp(visitors: readonly Visitor[], sinceMs: number, signal?: AbortSignal): Promise<void> {
  const late = (): readonly string[] =>
    visitors.filter((visitor) => !visitor.isUpToDate(sinceMs)).map(({ name }) => name);
  await eventually('calm', () => signal?.aborted === true || late().length === 0, CALM_MS_MAX).catch(() => {
    assert.fail(`after ${CALM_MS_MAX} ms of calm these were behind: ${late().join(', ')}`);
  });
}

function change(ground: Ground, dice: Dice): void {
  const { site } = ground;
  if (dice.chance(0.3)) site.publish(dice.oneOf([1, 20, 1_000]));
  if (dice.chance(0.1)) site.replaceFiles();
  if (dice.chance(0.3)) site.encoding = dice.oneOf(['identity', 'gzip', 'br']);
  if (dice.chance(0.3)) ground.strike();
}

/** Connections that nobody needs any more are closed, and memory is given back. */
async function settle(ground: Ground, proxy: Daemon, report: WalkReport): Promise<void> {
  let faults: readonly string[] = [];
  const look = async (): Promise<boolean> => {
    const memory = await memoryOf(proxy);
    const first = report.memoryMib[0] ?? memory;
    report.memoryMib[report.rounds] = memory;
    report.connections[report.rounds] = ground.openConnections;
    faults = [
      ...(memory.live > first.live + LIVE_GROWTH_MIB_MAX ? ['live memory'] : []),
      ...(memory.resident > first.resident + RESIDENT_GROWTH_MIB_MAX ? ['resident memory'] : []),
      ...(ground.openConnections > ground.keptConnectionsMax ? ['connections'] : []),
    ];
    return faults.length === 0;
  };
  await eventually('end of what the trouble left', look, SETTLE_MS_MAX).catch(() => {
    assert.fail(
      `too much after ${SETTLE_MS_MAX} ms of calm: ${faults.join(', ')}: ${JSON.stringify(report)}`,
    );
  });
}

async function memoryOf(proxy: Daemon): Promise<MemoryMib> {
  const { text } = await rawRequest(`${proxy.adminUrl}/status`);
  const { memoryBytes } = JSON.parse(text) as {
    readonly memoryBytes: { readonly rss: number; readonly heapUsed: number; readonly external: number };
  };
  const { rss, heapUsed, external } = memoryBytes;
  return { live: Math.round((heapUsed + external) / MIB), resident: Math.round(rss / MIB) };
}
