// The leader dies, leaves or sleeps: the others go on in its place, and nothing that it knew of old comes back.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { status } from '@grpc/grpc-js';
import { eventually, within } from '../e2e/deadline.js';
import { GrpcClient } from '../fakes/grpc-client.js';
import { INTERVAL_MS, startFleet, THREE, type Fleet, type Replica } from './fleet.js';
import { LEADER_NAME, specId, specsOf, type Spec } from './spec-forms.js';
import { longestGapMs, pollsSince } from './upstream-polls.js';
import { quantile, SpecWatch, VersionTrail, watchEntry } from './version-watch.js';

const KEY = 'secret-leaderskey0123456789';
const SPECS = specsOf([KEY]);
/** Two intervals until nobody has confirmed an entry, and one second. */
const TAKE_OVER_MS_MAX = 2 * INTERVAL_MS + 1_000;
/** What a fetch, Redis and a busy machine need after that. */
const SLACK_MS = 500;
const LEASE_S = 2;

function watchAll(t: TestContext, replicas: readonly Replica[]): SpecWatch[] {
  return replicas.flatMap(({ name, url }) => SPECS.map((spec) => new SpecWatch(t, name, url, spec)));
}

/** Waits until the origin was asked for this spec once more. */
async function nextPoll(fleet: Fleet, spec: Spec): Promise<void> {
  const startMs = performance.now();
  await eventually(`poll of ${specId(spec)}`, () => pollsSince(fleet.origin, startMs, spec).length > 0);
}

async function updateAndTake(fleet: Fleet, watches: readonly SpecWatch[]): Promise<number[]> {
  const { version, atMs } = fleet.publish();
  const moments = await Promise.all(watches.map(({ trail }) => trail.reachedAtMs(version)));
  return moments.map((momentMs) => momentMs - atMs);
}

function assertInTime(tookMs: readonly number[]): string {
  const worst = Math.max(...tookMs);
  const text = `median ${quantile(tookMs, 0.5).toFixed(0)} ms, worst ${worst.toFixed(0)} ms`;
  assert.ok(worst <= TAKE_OVER_MS_MAX + SLACK_MS, text);
  assert.ok(quantile(tookMs, 0.5) <= TAKE_OVER_MS_MAX, text);
  return text;
}

describe('the leader of three', () => {
  it('is killed: the others have the next update long before its lease ends', async (t) => {
    const fleet = await startFleet(t, THREE);
    await fleet.warm(SPECS);
    const leader = await fleet.calm(SPECS);
    const watches = watchAll(t, fleet.others(leader));
    const [spec = assert.fail()] = SPECS;
    // Just confirmed: the longest that the others may believe that all is well.
    await nextPoll(fleet, spec);
    await fleet.end(leader, 'SIGKILL');
    t.diagnostic(`update after the kill: ${assertInTime(await updateAndTake(fleet, watches))}`);
    t.diagnostic(`the one after that: ${assertInTime(await updateAndTake(fleet, watches))}`);
    const client = fleet.redis.client();
    assert.match(String(await client.get(LEADER_NAME)), new RegExp(`^${leader.name}:`));
    assert.ok((await client.pttl(LEADER_NAME)) > 30_000, 'it was the end of the lease that helped');
    assertAllWell(watches);
  });

  it('is stopped while streams keep it from ending: the next poll is on time', async (t) => {
    const fleet = await startFleet(t, THREE, { mode: 'grpc-and-http' });
    await fleet.warm(SPECS);
    const leader = await fleet.calm(SPECS);
    const streams = await openStreams(t, leader);
    const startMs = performance.now();
    await nextPoll(fleet, SPECS[0] ?? assert.fail());
    leader.program.signal('SIGTERM');
    const stoppedMs = performance.now();
    const successor = await fleet.leader(fleet.others(leader));
    t.diagnostic(`${successor.name} leads after ${(performance.now() - stoppedMs).toFixed(0)} ms`);
    assert.ok(
      streams.some(({ hasEnded }) => !hasEnded),
      'it had ended already',
    );
    await eventually('some polls by the successor', () =>
      SPECS.every((spec) => pollsSince(fleet.origin, stoppedMs, spec).length >= 3),
    );
    assert.equal((await within(leader.program.ended, 'end of the leader')).code, 0);
    for (const stream of streams) assert.equal((await stream.end()).code, status.UNAVAILABLE);
    const gapsMs = SPECS.map((spec) => longestGapMs(pollsSince(fleet.origin, startMs, spec)));
    t.diagnostic(`longest time between two polls: ${gapsMs.map((ms) => ms.toFixed(0)).join(', ')} ms`);
    // Nobody waited until an entry had been unconfirmed for two intervals.
    for (const gapMs of gapsMs) assert.ok(gapMs < 2 * INTERVAL_MS, `${gapMs.toFixed(0)} ms without a poll`);
    assert.ok(quantile(gapsMs, 0.5) < 1.5 * INTERVAL_MS);
  });

  it('sleeps for longer than its lease, with old answers unread: nothing older appears anywhere', async (t) => {
    const fleet = await startFleet(t, THREE, { args: ['-r', String(LEASE_S)] });
    await fleet.warm(SPECS);
    const leader = await fleet.calm(SPECS);
    const others = fleet.others(leader);
    const watches = watchAll(t, fleet.all);
    const entries = SPECS.map((spec) => watchEntry(t, fleet.redis, spec));
    await pauseWithUnreadAnswers(fleet, leader);
    const { version } = fleet.publish();
    const awake = watches.filter(({ trail }) => !trail.place.startsWith(leader.name));
    await Promise.all(awake.map(({ trail }) => trail.reachedAtMs(version)));
    await Promise.all(entries.map((trail) => trail.reachedAtMs(version)));
    const successor = await fleet.leader(others);
    leader.program.signal('SIGCONT');
    await Promise.all(watches.map(({ trail }) => trail.reachedAtMs(version)));
    await assertOneLeader(fleet, successor);
    // Whatever the sleeper still had in its hands would have been written by now: one more update has gone all the way.
    const last = fleet.publish();
    const trails: VersionTrail[] = [...watches.map(({ trail }) => trail), ...entries];
    await Promise.all(trails.map((trail) => trail.reachedAtMs(last.version)));
    for (const trail of entries) trail.assertNeverWentBack();
    assertAllWell(watches);
  });
});

function assertAllWell(watches: readonly SpecWatch[]): void {
  for (const { trail, faults } of watches) {
    trail.assertNeverWentBack();
    assert.deepEqual(faults, [], trail.place);
  }
}

async function openStreams(
  t: TestContext,
  { grpcAddress }: Replica,
): Promise<ReturnType<GrpcClient['stream']>[]> {
  const client = new GrpcClient(grpcAddress);
  t.after(() => {
    client.close();
  });
  const streams = Array.from({ length: 10 }, () => client.stream({ sdkKey: KEY }));
  for (const stream of streams) await stream.received(1);
  return streams;
}

/** Stops the leader in the middle of its polls; the answers, of a version between, are there when it goes on. */
async function pauseWithUnreadAnswers(fleet: Fleet, leader: Replica): Promise<void> {
  const release = fleet.origin.hold();
  const startMs = performance.now();
  await eventually('poll of every spec by the leader', () =>
    SPECS.every((spec) =>
      pollsSince(fleet.origin, startMs, spec).some(({ replica }) => replica === leader.name),
    ),
  );
  leader.program.signal('SIGSTOP');
  fleet.publish();
  release();
  // Answers are written in the turn in which the gate opens; this is a later one.
  await new Promise((resolve) => setImmediate(resolve));
}

/** The successor or another, but one, and the same for all of some intervals. */
async function assertOneLeader(fleet: Fleet, successor: Replica): Promise<void> {
  const leader = await fleet.leader();
  assert.equal(leader.name, successor.name);
  const untilMs = performance.now() + 3 * INTERVAL_MS;
  await eventually('end of the look', async () => {
    const leaders = await fleet.leaders();
    assert.deepEqual(
      leaders.map(({ name }) => name),
      [leader.name],
    );
    return performance.now() > untilMs;
  });
  const held = String(await fleet.redis.client().get(LEADER_NAME));
  assert.match(held, new RegExp(`^${leader.name}:[0-9a-f-]{36}$`));
}
