// Starts in bad times: without the origin from Redis, without both from each replica's own disk; and confirmed upstream later.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { askFor, startFleet, THREE, type Fleet, type Replica } from './fleet.js';
import { specId, specsOf, storedVersion, type Spec } from './spec-forms.js';
import { pollsSince } from './upstream-polls.js';

const KEYS = Array.from({ length: 5 }, (_none, index) => `secret-coldkey${index}0123456789`);
const SPECS = specsOf(KEYS);

interface Served {
  readonly version: string | undefined;
  readonly etag: string | undefined;
  readonly bytes: Buffer;
}

/** What an SDK that takes brotli gets of each spec. */
async function servedBy(replica: Replica, specs: readonly Spec[] = SPECS): Promise<Map<string, Served>> {
  const served = new Map<string, Served>();
  for (const spec of specs) {
    const { status, headers, bytes, text } = await askFor(replica, spec, 0, { 'accept-encoding': 'br' });
    assert.equal(status, 200, `${specId(spec)} at ${replica.name}: ${text}`);
    served.set(specId(spec), { version: String(headers['x-since-time']), etag: headers.etag, bytes });
  }
  return served;
}

async function untilInRedis(fleet: Fleet): Promise<void> {
  const client = fleet.redis.client();
  for (const spec of SPECS) {
    await eventually(`entry of ${specId(spec)}`, async () => {
      return (await storedVersion(client, spec)) === fleet.origin.project.time;
    });
  }
}

/** One file for each spec, and none that is still being written. */
async function untilOnDisk(fleet: Fleet, { name }: Replica): Promise<void> {
  await eventually(`a file of each spec of ${name}`, () => {
    const folder = fleet.folderOf(name);
    const files = existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String) : [];
    const ofSpecs = files.filter((file) => file.endsWith('.spec') && !file.startsWith('versions/'));
    return ofSpecs.length === SPECS.length;
  });
}

async function assertConfirmedOnceBack(fleet: Fleet): Promise<void> {
  const { version } = fleet.publish();
  await fleet.bringOriginBack();
  for (const replica of fleet.all) {
    for (const spec of SPECS) {
      await eventually(`update of ${specId(spec)} at ${replica.name}`, async () => {
        const { headers } = await askFor(replica, spec, version);
        return headers['x-since-time'] === String(version);
      });
    }
  }
}

describe('with the origin down', () => {
  it('a fourth replica starts, and serves from Redis what it never fetched', async (t) => {
    const fleet = await startFleet(t, THREE);
    await fleet.warm(SPECS);
    await untilInRedis(fleet);
    await fleet.origin.close();
    const fourth = await fleet.start('replica-4');
    const served = await servedBy(fourth);
    for (const replica of fleet.others(fourth)) assert.deepEqual(await servedBy(replica), served);
    // Nobody knows of a key that was never fetched: that is no lie about the key.
    const [stranger = assert.fail()] = specsOf(['secret-unknownkey0123456789']);
    const answer = await askFor(fourth, stranger);
    assert.equal(answer.status, 503, answer.text);
    assert.ok(answer.headers['retry-after'] !== undefined);
    await assertConfirmedOnceBack(fleet);
  });

  it('and Redis down too, the whole fleet starts again and serves from its data directories', async (t) => {
    const fleet = await startFleet(t, THREE, { hasFolders: true });
    await fleet.warm(SPECS);
    for (const replica of fleet.all) await untilOnDisk(fleet, replica);
    const served = await servedBy(fleet.all[0] ?? assert.fail());
    await fleet.origin.close();
    await fleet.redis.kill();
    // In good order, and not.
    for (const [index, replica] of fleet.all.entries()) {
      await fleet.end(replica, index === 0 ? 'SIGTERM' : 'SIGKILL');
    }
    await Promise.all(THREE.map((name) => fleet.start(name)));
    for (const replica of fleet.all) assert.deepEqual(await servedBy(replica), served);
    await fleet.redis.startAgain();
    await assertConfirmedOnceBack(fleet);
    await untilInRedis(fleet);
    await fleet.calm(SPECS);
  });

  it('a replica with CACHE local serves every key it knew', async (t) => {
    const fleet = await startFleet(t, ['alone'], { cache: 'local', hasFolders: true });
    await fleet.warm(SPECS);
    const replica = fleet.all[0] ?? assert.fail();
    await untilOnDisk(fleet, replica);
    const served = await servedBy(replica);
    await fleet.origin.close();
    await fleet.end(replica, 'SIGKILL');
    const again = await fleet.start('alone');
    assert.deepEqual(await servedBy(again), served);
    const startMs = performance.now();
    await assertConfirmedOnceBack(fleet);
    // It asked with the version it had from its disk, not for the whole again.
    const first = pollsSince(fleet.origin, startMs, SPECS[0])[0] ?? assert.fail();
    assert.equal(String(first.sinceTime), [...served.values()][0]?.version);
  });

  it('a replica with CACHE local that was stopped before any answer came has nothing to serve', async (t) => {
    const fleet = await startFleet(t, ['alone'], { cache: 'local', hasFolders: true });
    await fleet.origin.close();
    const replica = fleet.all[0] ?? assert.fail();
    const [spec = assert.fail()] = SPECS;
    assert.equal((await askFor(replica, spec)).status, 503);
    await fleet.end(replica, 'SIGTERM');
    assert.equal((await askFor(await fleet.start('alone'), spec)).status, 503);
  });
});
