// A fleet cut in two, where some replicas cannot reach Redis: both sides serve and stay up to date, and agree when it heals.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { INTERVAL_MS, startFleet, THREE, type Fleet, type Replica } from './fleet.js';
import { specsOf } from './spec-forms.js';
import { SpecWatch, watchEntry, type VersionTrail } from './version-watch.js';

const SPECS = specsOf(['secret-partedkey0123456789']);
const AGREED_MS_MAX = 2 * INTERVAL_MS;
/** Without Redis: two intervals until an entry counts as unconfirmed, and a second for a deadline and a fetch. */
const ALONE_MS_MAX = 2 * INTERVAL_MS + 1_000;
/** Of the machine: how much later than it could a version may be seen. */
const SLACK_MS = 500;
/** After a cut of a few seconds the next attempt to connect comes at most this late. */
const RECONNECT_MS_MAX = 5_000;
const LEASE_S = 2;

interface Scene {
  readonly fleet: Fleet;
  readonly leader: Replica;
  readonly followers: readonly [Replica, Replica];
  readonly watches: readonly SpecWatch[];
  readonly entries: readonly VersionTrail[];
}

async function startScene(t: TestContext, args: readonly string[] = []): Promise<Scene> {
  const fleet = await startFleet(t, THREE, { hasLinks: true, args });
  await fleet.warm(SPECS);
  const leader = await fleet.calm(SPECS);
  const [first = assert.fail(), second = assert.fail()] = fleet.others(leader);
  const watches = fleet.all.flatMap(({ name, url }) =>
    SPECS.map((spec) => new SpecWatch(t, name, url, spec)),
  );
  const entries = SPECS.map((spec) => watchEntry(t, fleet.redis, spec));
  return { fleet, leader, followers: [first, second], watches, entries };
}

/** What is seen at this replica. */
function trailsAt({ watches }: Scene, { name }: Replica): VersionTrail[] {
  return watches.map(({ trail }) => trail).filter(({ place }) => place.startsWith(name));
}

function allTrails({ watches, entries }: Scene): VersionTrail[] {
  return [...watches.map(({ trail }) => trail), ...entries];
}

async function reachedByAllMs(trails: readonly VersionTrail[], version: number): Promise<number> {
  return Math.max(...(await Promise.all(trails.map((trail) => trail.reachedAtMs(version)))));
}

/** The first connection through this replica's link after `sinceMs`. */
async function connectedAtMs({ fleet }: Scene, replica: Replica, sinceMs: number): Promise<number> {
  const { connectedAtMs: moments } = fleet.linkOf(replica);
  const find = (): number | undefined => moments.find((atMs) => atMs > sinceMs);
  await eventually(`connection of ${replica.name}`, () => find() !== undefined);
  return find() ?? NaN;
}

function assertAllWell(scene: Scene): void {
  for (const trail of allTrails(scene)) trail.assertNeverWentBack();
  for (const { faults, trail } of scene.watches) assert.deepEqual(faults, [], trail.place);
}

describe('of three replicas', () => {
  it('two are cut off from Redis, and one of them learns of a version that nobody else can have', async (t) => {
    const scene = await startScene(t);
    const { fleet, leader, followers } = scene;
    for (const follower of followers) await fleet.linkOf(follower).cut();

    const { version, atMs } = fleet.publish();
    const aloneMs = (await reachedByAllMs(allTrails(scene), version)) - atMs;
    t.diagnostic(`an update is on both sides after ${aloneMs.toFixed(0)} ms`);
    assert.ok(aloneMs <= ALONE_MS_MAX + SLACK_MS, `${aloneMs.toFixed(0)} ms`);

    const [ahead] = followers;
    const newest = { ...fleet.origin.project, time: version + 60_000, greeting: 'hello from ahead' };
    fleet.origin.edges.set(ahead.name, newest);
    await reachedByAllMs(trailsAt(scene, ahead), newest.time);
    for (const trail of [...trailsAt(scene, leader), ...scene.entries]) assert.equal(trail.newest, version);

    const healedMs = performance.now();
    for (const follower of followers) await fleet.linkOf(follower).heal();
    const connected = await Promise.all(
      followers.map((follower) => connectedAtMs(scene, follower, healedMs)),
    );
    const agreedMs = (await reachedByAllMs(allTrails(scene), newest.time)) - Math.max(...connected);
    const waitedMs = Math.max(...connected) - healedMs;
    t.diagnostic(`connected after ${waitedMs.toFixed(0)} ms, agreed ${agreedMs.toFixed(0)} ms after that`);
    assert.ok(waitedMs <= RECONNECT_MS_MAX + SLACK_MS, `${waitedMs.toFixed(0)} ms`);
    assert.ok(agreedMs <= AGREED_MS_MAX + SLACK_MS, `${agreedMs.toFixed(0)} ms`);
    assert.equal((await fleet.calm(SPECS)).name, leader.name);
    assertAllWell(scene);
  });

  it('the leader loses Redis in silence, and its origin is behind', async (t) => {
    const scene = await startScene(t, ['-r', String(LEASE_S)]);
    const { fleet, leader, followers } = scene;
    fleet.origin.edges.set(leader.name, fleet.origin.project);
    fleet.linkOf(leader).silence();

    const { version, atMs } = fleet.publish();
    const awake = followers.flatMap((follower) => trailsAt(scene, follower));
    const aloneMs = (await reachedByAllMs([...awake, ...scene.entries], version)) - atMs;
    t.diagnostic(`an update is on the side of Redis after ${aloneMs.toFixed(0)} ms`);
    assert.ok(aloneMs <= ALONE_MS_MAX + SLACK_MS, `${aloneMs.toFixed(0)} ms`);
    const successor = await fleet.leader(followers);
    // It steps down by its own clock, as nobody can tell it.
    await eventually('end of the lost lease', async () => (await fleet.leaders([leader])).length === 0);
    for (const trail of trailsAt(scene, leader)) assert.notEqual(trail.newest, version);

    const healedMs = performance.now();
    await fleet.linkOf(leader).heal();
    const waitedMs = (await connectedAtMs(scene, leader, healedMs)) - healedMs;
    const agreedMs = (await reachedByAllMs(allTrails(scene), version)) - healedMs - waitedMs;
    t.diagnostic(`connected after ${waitedMs.toFixed(0)} ms, agreed ${agreedMs.toFixed(0)} ms after that`);
    assert.ok(waitedMs <= RECONNECT_MS_MAX + SLACK_MS, `${waitedMs.toFixed(0)} ms`);
    assert.ok(agreedMs <= AGREED_MS_MAX + SLACK_MS, `${agreedMs.toFixed(0)} ms`);
    assert.equal((await fleet.calm(SPECS)).name, successor.name);
    assertAllWell(scene);
  });
});
