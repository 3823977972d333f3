// Redis dies, or hangs: every replica polls for itself, no read waits for it, and all is filled again when it is back.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { startDaemon } from './daemon.js';
import { INTERVAL_MS, startFleet, THREE, type Fleet } from './fleet.js';
import { specId, specsOf, storedVersion } from './spec-forms.js';
import { pollsSince } from './upstream-polls.js';
import { quantile, SpecWatch, type Read } from './version-watch.js';

const SPECS = specsOf(['secret-outagekey0123456789']);
const CONTROL = 'control';
/** Two intervals until an entry counts as unconfirmed, and a second for a command's deadline, a fetch and the machine. */
const ALONE_MS_MAX = 2 * INTERVAL_MS + 1_000;
/** After an outage of a few seconds the next attempt to connect comes at most this late. */
const RECONNECT_MS_MAX = 5_000;
/** Of the machine: how much later than it could a poll or a write may be seen. */
const SLACK_MS = 500;
/** Of reads without Redis, and how many of each client at least. */
const OUTAGE_MS_MIN = 4_200;
const READS_MIN = 50;
const P99_MS_MAX = 5;
/** On a machine so busy that a replica which knows no Redis is slow or late, too: so many times as slow or late as it. */
const CONTROL_RATIO_MAX = 3;
/** A read that waited for Redis would wait for a command's deadline, of a second. What the control's take comes on top. */
const READ_MS_MAX = 900;

/** One client of each replica, for a spec of another form each. */
function watchAll(t: TestContext, fleet: Fleet): SpecWatch[] {
  return fleet.all.map(
    ({ name, url }, index) => new SpecWatch(t, name, url, SPECS[index % SPECS.length] ?? assert.fail()),
  );
}

/** As many clients of a daemon that works with the same origin, and knows no Redis. */
async function watchControl(t: TestContext, fleet: Fleet): Promise<SpecWatch[]> {
  const { url } = await startDaemon(t, `${fleet.origin.url}/${CONTROL}`, { args: ['-p', '1'] });
  return SPECS.map((spec) => new SpecWatch(t, CONTROL, url, spec));
}

/** What a busy machine may add to a time, told by how late a replica that knows no Redis has polled since then. */
function slackMs(fleet: Fleet, startMs: number): number {
  const lateMs = SPECS.map((spec) => {
    const polls = pollsSince(fleet.origin, startMs, spec).filter(({ replica }) => replica === CONTROL);
    const moments = [startMs, ...polls.map(({ atMs }) => atMs), performance.now()];
    return Math.max(...moments.slice(1).map((atMs, index) => atMs - (moments[index] ?? NaN))) - INTERVAL_MS;
  });
  return SLACK_MS + CONTROL_RATIO_MAX * Math.max(0, ...lateMs);
}

function assertWithin(
  t: TestContext,
  fleet: Fleet,
  startMs: number,
  what: string,
  tookMs: number,
  mostMs: number,
): void {
  const allowedMs = mostMs + slackMs(fleet, startMs);
  t.diagnostic(`${what} after ${inMs([tookMs])}, where ${inMs([allowedMs])} were allowed`);
  assert.ok(tookMs <= allowedMs, `${what} after ${inMs([tookMs])}, where ${inMs([allowedMs])} were allowed`);
}

/** Every replica asks the origin for every spec, within two intervals and a second. */
async function assertEachPolls(t: TestContext, fleet: Fleet, startMs: number): Promise<void> {
  const momentsMs: number[] = [];
  for (const { name } of fleet.all) {
    for (const spec of SPECS) {
      const find = (): number | undefined =>
        pollsSince(fleet.origin, startMs, spec).find(({ replica }) => replica === name)?.atMs;
      await eventually(`poll of ${specId(spec)} by ${name}`, () => find() !== undefined);
      momentsMs.push((find() ?? NaN) - startMs);
    }
  }
  const worst = Math.max(...momentsMs);
  assertWithin(t, fleet, startMs, 'each of them has polled each spec', worst, ALONE_MS_MAX);
}

async function assertUpdateByThemselves(t: TestContext, fleet: Fleet, watches: SpecWatch[]): Promise<void> {
  const { version, atMs } = fleet.publish();
  const momentsMs = await Promise.all(watches.map(({ trail }) => trail.reachedAtMs(version)));
  const worst = Math.max(...momentsMs) - atMs;
  assertWithin(t, fleet, atMs, 'an update is on each of them', worst, ALONE_MS_MAX);
}

/** Waits until there are enough to be judged. */
async function secondsOfReads(watches: readonly SpecWatch[], startMs: number): Promise<void> {
  const untilMs = startMs + OUTAGE_MS_MIN;
  await eventually('some seconds of reads', () => {
    return (
      performance.now() > untilMs && watches.every((watch) => watch.readsSince(startMs).length >= READS_MIN)
    );
  });
}

/** Clients of all replicas noticed nothing from then on; `control` watches a replica that knows no Redis. */
function assertReadsAreQuick(
  t: TestContext,
  watches: readonly SpecWatch[],
  control: readonly SpecWatch[],
  startMs: number,
): void {
  const readsOf = (of: readonly SpecWatch[]): Read[] => of.flatMap((watch) => watch.readsSince(startMs));
  const p99s = p99BySecond(readsOf(watches), startMs);
  const controlP99s = p99BySecond(readsOf(control), startMs);
  const all = tookMs(readsOf(watches));
  const longest = Math.max(...all);
  const controlLongest = Math.max(...tookMs(readsOf(control)));
  const told = `p99 second by second ${inMs([...p99s.values()])}; of a replica without Redis ${inMs([...controlP99s.values()])}`;
  t.diagnostic(told);
  t.diagnostic(
    `of ${all.length} reads: p50 ${inMs([quantile(all, 0.5)])}, p99 ${inMs([quantile(all, 0.99)])}, longest ${inMs([longest])}; ${inMs([controlLongest])} of the other`,
  );
  // One second is enough: in the others this machine may have been busy with something else. In each second every replica
  // looks for Redis, so that reads which wait for that show in all of them.
  const isQuick = ([second, p99Ms]: readonly [number, number]): boolean =>
    p99Ms < Math.max(P99_MS_MAX, CONTROL_RATIO_MAX * (controlP99s.get(second) ?? 0));
  assert.ok([...p99s].some(isQuick), told);
  assert.ok(longest < READ_MS_MAX + CONTROL_RATIO_MAX * controlLongest, inMs([longest, controlLongest]));
  for (const { faults, trail } of watches) {
    assert.deepEqual(faults, []);
    trail.assertNeverWentBack();
  }
}

function inMs(values: readonly number[]): string {
  return `${values.map((value) => value.toFixed(1)).join(', ')} ms`;
}

/** Of each whole second since then in which there were reads. */
function p99BySecond(reads: readonly Read[], startMs: number): ReadonlyMap<number, number> {
  const seconds = new Map<number, Read[]>();
  for (const read of reads) {
    const second = Math.floor((read.atMs - startMs) / 1000);
    seconds.set(second, [...(seconds.get(second) ?? []), read]);
  }
  seconds.delete(Math.max(...seconds.keys()));
  return new Map([...seconds].map(([second, of]) => [second, quantile(tookMs(of), 0.99)]));
}

function tookMs(reads: readonly Read[]): number[] {
  return reads.map((read) => read.tookMs);
}

/** When the first replica had a connection to Redis. */
async function reconnectedAtMs(fleet: Fleet): Promise<number> {
  const client = fleet.redis.client();
  await eventually('connection of a replica', async () => {
    const list = String(await client.client('LIST'));
    return list.trim().split('\n').length > 1;
  });
  client.disconnect();
  return performance.now();
}

async function assertFilled(t: TestContext, fleet: Fleet, sinceMs: number): Promise<void> {
  const client = fleet.redis.client();
  for (const spec of SPECS) {
    await eventually(`entry of ${specId(spec)}`, async () => {
      return (await storedVersion(client, spec)) === fleet.origin.project.time;
    });
  }
  const tookMs = performance.now() - sinceMs;
  assertWithin(
    t,
    fleet,
    sinceMs,
    'all specs are in Redis, from the first connection on,',
    tookMs,
    2 * INTERVAL_MS,
  );
}

describe('three replicas without their Redis', () => {
  it('go on by themselves while it is dead, and fill it when it is back and empty', async (t) => {
    const fleet = await startFleet(t, THREE);
    await fleet.warm(SPECS);
    await fleet.calm(SPECS);
    const watches = watchAll(t, fleet);
    const control = await watchControl(t, fleet);
    await eventually('some reads', () => watches.every(({ reads }) => reads.length > 100));
    const killedMs = performance.now();
    await fleet.redis.kill();
    await assertEachPolls(t, fleet, killedMs);
    await assertUpdateByThemselves(t, fleet, watches);
    await secondsOfReads([...watches, ...control], killedMs);
    assertReadsAreQuick(t, watches, control, killedMs);
    await fleet.redis.startAgain();
    const backMs = performance.now();
    const connectedMs = await reconnectedAtMs(fleet);
    assertWithin(
      t,
      fleet,
      backMs,
      'the first connection to Redis came',
      connectedMs - backMs,
      RECONNECT_MS_MAX,
    );
    await assertFilled(t, fleet, connectedMs);
    await fleet.calm(SPECS);
    const { version } = fleet.publish();
    await Promise.all(watches.map(({ trail }) => trail.reachedAtMs(version)));
    for (const { faults } of watches) assert.deepEqual(faults, []);
  });

  it('go on by themselves while it hangs, and together when it does no more', async (t) => {
    const fleet = await startFleet(t, THREE);
    await fleet.warm(SPECS);
    await fleet.calm(SPECS);
    const watches = watchAll(t, fleet);
    const control = await watchControl(t, fleet);
    await eventually('some reads', () => watches.every(({ reads }) => reads.length > 100));
    const pausedMs = performance.now();
    fleet.redis.signal('SIGSTOP');
    await assertEachPolls(t, fleet, pausedMs);
    await assertUpdateByThemselves(t, fleet, watches);
    await secondsOfReads([...watches, ...control], pausedMs);
    assertReadsAreQuick(t, watches, control, pausedMs);
    fleet.redis.signal('SIGCONT');
    await fleet.calm(SPECS);
    const client = fleet.redis.client();
    for (const spec of SPECS) assert.equal(await storedVersion(client, spec), fleet.origin.project.time);
  });
});
