// An entry whose version is too high for its body: readers of Redis get the origin's spec again, and no replica is stuck.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { startFleet } from './fleet.js';
import { FORMS, redisName, specId, specsOf, storedVersion } from './spec-forms.js';

const KEY = 'secret-falseversion0123456789';

test('a version that is too high for its body does not stay in Redis', async (t) => {
  const fleet = await startFleet(t, ['replica-1', 'replica-2'], {
    env: { SFP_SDK_KEYS: KEY, SFP_PINNED_PAYLOADS: 'v1,v2,v2-protobuf' },
  });
  const specs = specsOf([KEY]);
  const client = fleet.redis.client();
  const untilStored = async (version: number): Promise<void> => {
    for (const spec of specs) {
      const what = `version ${version} of ${specId(spec)}`;
      await eventually(what, async () => (await storedVersion(client, spec)) === version);
    }
  };
  await untilStored(fleet.origin.project.time);
  const tooHigh = fleet.origin.project.time + 1_000_000_000;
  for (const spec of specs) await client.hset(redisName(spec), 'lcut', tooHigh);
  const { version } = fleet.publish();
  await untilStored(version);
  for (const spec of specs) {
    const fields = await client.hgetall(redisName(spec));
    assert.equal(fields['encoding'], FORMS[spec.form].redisEncoding);
    assert.equal(fields['sfp_version'], String(version));
  }
});
