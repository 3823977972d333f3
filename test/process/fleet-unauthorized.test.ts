// A key that the origin refuses: its specs leave Redis, disks and memory where that was asked for, and stay where not.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { askFor, INTERVAL_MS, startFleet, THREE, type Fleet } from './fleet.js';
import { redisName, specsOf, type Spec } from './spec-forms.js';
import { pollsSince } from './upstream-polls.js';

const REFUSED = specsOf(['secret-refusedkey0123456789']);
const GOOD = specsOf(['secret-goodkey0123456789']);

async function startWarmFleet(t: TestContext, args: readonly string[]): Promise<Fleet> {
  const fleet = await startFleet(t, THREE, { hasFolders: true, args });
  await fleet.warm([...REFUSED, ...GOOD]);
  await eventually('entries and files of all', async () => {
    const places = await Promise.all([REFUSED, GOOD].map((specs) => placesOf(fleet, specs)));
    return places.every(({ entries, files, versions }) => entries === 3 && files === 9 && versions > 0);
  });
  await fleet.calm([...REFUSED, ...GOOD]);
  return fleet;
}

interface Places {
  readonly entries: number;
  readonly files: number;
  readonly versions: number;
}

/** How many entries in Redis, and files in all data directories, there are of these specs, all of one key; and of their versions in both. */
async function placesOf(fleet: Fleet, specs: readonly Spec[]): Promise<Places> {
  const client = fleet.redis.client();
  const entries = await client.exists(...specs.map(redisName));
  const hash = createHash('sha256')
    .update(specs[0]?.sdkKey ?? '')
    .digest('hex');
  const folders = fleet.all.map(({ name }) => fleet.folderOf(name)).filter((folder) => existsSync(folder));
  const names = folders.flatMap((folder) => readdirSync(folder, { recursive: true }).map(String));
  const kept = (await client.keys('spec-forward-proxy|*/version*')).filter((name) => name.includes(hash));
  client.disconnect();
  const ofSpecs = names.filter((name) => name.includes(hash) && name.endsWith('.spec'));
  const ofVersions = ofSpecs.filter((name) => name.startsWith('versions/'));
  return {
    entries,
    files: ofSpecs.length - ofVersions.length,
    versions: ofVersions.length + kept.length,
  };
}

describe('a key that the origin refuses from now on', () => {
  it('with --clear-datastore-on-unauthorized: nothing is left of it anywhere', async (t) => {
    const fleet = await startWarmFleet(t, ['--clear-datastore-on-unauthorized']);
    fleet.origin.refusedKeys.add(REFUSED[0]?.sdkKey ?? '');
    await eventually('end of all entries and files', async () => {
      const { entries, files, versions } = await placesOf(fleet, REFUSED);
      return entries + files + versions === 0;
    });
    for (const replica of fleet.all) {
      for (const spec of REFUSED) {
        await eventually(`401 of ${replica.name}`, async () => (await askFor(replica, spec)).status === 401);
      }
    }
    // Nobody puts back what another has dropped.
    const untilMs = performance.now() + 4 * INTERVAL_MS;
    await eventually('some intervals', async () => {
      assert.deepEqual(await placesOf(fleet, REFUSED), { entries: 0, files: 0, versions: 0 });
      return performance.now() > untilMs;
    });
    const { versions, ...good } = await placesOf(fleet, GOOD);
    assert.deepEqual(good, { entries: 3, files: 9 });
    assert.ok(versions > 0);
    await fleet.warm(GOOD);
  });

  it('without it: everything of it stays, and is served', async (t) => {
    const fleet = await startWarmFleet(t, []);
    fleet.origin.refusedKeys.add(REFUSED[0]?.sdkKey ?? '');
    const startMs = performance.now();
    // Longer than an entry counts as confirmed: the followers were refused themselves by then.
    await eventually('refusal of each spec to each replica', () =>
      THREE.every((name) =>
        REFUSED.every((spec) =>
          pollsSince(fleet.origin, startMs, spec).some(({ replica }) => replica === name),
        ),
      ),
    );
    for (const { program } of fleet.all) {
      await program.line('origin refused this SDK key: still serving the last good spec');
    }
    const { versions, ...refused } = await placesOf(fleet, REFUSED);
    assert.deepEqual(refused, { entries: 3, files: 9 });
    assert.ok(versions > 0);
    await fleet.warm([...REFUSED, ...GOOD]);
  });
});
