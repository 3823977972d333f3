// Random faults of an HTTP/2 origin: whatever it does, nothing is left open, and all is served after it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { H2_FAULTS } from '../fakes/h2-origin.js';
import { lengthOf } from '../fakes/length.js';
import { startPair } from './h2-scene.js';

const RUNS = lengthOf({ suite: 8, soak: 500 });

test('whatever an origin does at random, nothing is left open after it, and all is served', async (t) => {
  const { origin, fetchAll } = await startPair(t, {
    client: { headersTimeoutMs: 1_000, bodyIdleTimeoutMs: 1_000, requestTimeoutMs: 5_000 },
  });
  const faults = fc.array(
    fc.record({ fault: fc.constantFrom(...H2_FAULTS), oneIn: fc.integer({ min: 2, max: 12 }) }),
    { minLength: 1, maxLength: 4 },
  );
  await fc.assert(
    fc.asyncProperty(faults, fc.integer({ min: 1, max: 80 }), async (struck, count) => {
      origin.fault = ({ index }) => struck.find(({ oneIn }) => index % oneIn === 0)?.fault;
      const outcomes = await fetchAll(count);
      assert.equal(outcomes.includes('request_timeout'), false, 'nobody waits for a session that is gone');
      origin.fault = undefined;
      assert.deepEqual(await fetchAll(30), new Array<string>(30).fill('updated'));
      await origin.until(() => origin.streamsOpen === 0 && origin.connectionsOpen <= 2);
    }),
    { numRuns: RUNS },
  );
});
