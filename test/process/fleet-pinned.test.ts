// Pinned keys: Redis is full before any client asks, and replicas that start together end as one poller.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import { demoEnvelopes, demoV1, demoV2, type DemoProject } from '../../scripts/demo-specs.js';
import { eventually } from '../e2e/deadline.js';
import { INTERVAL_MS, startFleet, THREE } from './fleet.js';
import { FORMS, redisName, specId, specsOf, storedVersion, type FormName } from './spec-forms.js';
import { pollsSince } from './upstream-polls.js';

const KEYS = Array.from({ length: 5 }, (_none, index) => `secret-pinnedkey${index}0123456789`);
const INTERVALS = 5;
const TTL_S_MAX = 86_400;

test('three replicas that start together with pinned keys', async (t) => {
  const fleet = await startFleet(t, THREE, {
    hasRedisUrl: true,
    env: { SFP_SDK_KEYS: KEYS.join(','), SFP_PINNED_PAYLOADS: 'v1,v2,v2-protobuf' },
  });
  const specs = specsOf(KEYS);
  const client = fleet.redis.client();

  await t.test('fill Redis, though no client ever asks', async () => {
    for (const spec of specs) {
      await eventually(
        `entry of ${specId(spec)}`,
        async () => (await storedVersion(client, spec)) !== undefined,
      );
      const entry = await client.hgetallBuffer(redisName(spec));
      assert.equal(entry['encoding']?.toString(), FORMS[spec.form].redisEncoding);
      assert.equal(entry['lcut']?.toString(), String(fleet.origin.project.time));
      assertConfig(spec.form, entry['config'] ?? assert.fail('no config'), fleet.origin.project);
      const ttlS = await client.ttl(redisName(spec));
      assert.ok(ttlS > 0 && ttlS <= TTL_S_MAX, `expires in ${ttlS} s`);
    }
  });

  await t.test('end with one poll per spec and interval', async (t) => {
    const leader = await fleet.calm(specs);
    const startMs = performance.now();
    await eventually('end of the intervals', () => performance.now() > startMs + INTERVALS * INTERVAL_MS);
    const polls = pollsSince(fleet.origin, startMs);
    t.diagnostic(`${polls.length} polls of ${specs.length} specs in ${INTERVALS} intervals`);
    assert.ok(polls.length >= specs.length * (INTERVALS - 1));
    assert.ok(polls.length <= specs.length * (INTERVALS + 1));
    const byLeader = polls.filter(({ replica }) => replica === leader.name);
    // A follower that finds an entry unconfirmed because this machine stood still asks once: that is as it should be.
    assert.ok(byLeader.length >= polls.length * 0.8, `${byLeader.length} of ${polls.length} by the leader`);
  });

  await t.test('put an update into Redis, that nobody asks for either', async () => {
    const { version } = fleet.publish();
    for (const spec of specs) {
      await eventually(
        `update of ${specId(spec)}`,
        async () => (await storedVersion(client, spec)) === version,
      );
    }
  });
});

/** As an SDK's data adapter would read it. */
function assertConfig(form: FormName, config: Buffer, project: DemoProject): void {
  if (form === 'protobuf') {
    assert.deepEqual(brotliDecompressSync(config), demoEnvelopes(project));
  } else {
    assert.deepEqual(JSON.parse(config.toString()), form === 'v1' ? demoV1(project) : demoV2(project));
  }
}
