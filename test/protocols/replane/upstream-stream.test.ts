// One stream from Replane below the feeds: what its follower decides while it is told of a change counts at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UpstreamPool } from '../../../src/http-client/upstream-pool.js';
import {
  openUpstreamStream,
  type UpstreamStream,
} from '../../../src/protocols/replane/origin/upstream-stream.js';
import { CLIENT_OPTIONS } from '../../http-client/client-options.js';
import { within } from '../../e2e/deadline.js';
import { ManualClock } from '../../fakes/manual-clock.js';
import { startReplane } from '../../fakes/replane/relay-scene.js';

test('one that is closed while a change is taken in tells of no other, and leaves no timer', async (t) => {
  const origin = await startReplane(t);
  const { sdkKey } = origin.addKey();
  const clock = new ManualClock();
  const pool = new UpstreamPool(clock, CLIENT_OPTIONS);
  const opening = await openUpstreamStream(clock, pool, {
    url: new URL('/api/sdk/v1/replication/stream', origin.url),
    headers: { authorization: `Bearer ${sdkKey}` },
    openMsMax: 60_000,
    frameBytesMax: 1_024,
  });
  const stream: UpstreamStream = opening.kind === 'opened' ? opening.stream : assert.fail(opening.kind);
  const told: string[] = [];
  const following = stream.follow({
    changed: async ({ name }) => {
      told.push(name);
      await Promise.resolve();
      stream.close();
    },
    alive: () => undefined,
    ended: () => told.push('ended'),
  });
  const changes = ['a', 'b'].map(
    (name) => `data: {"type":"config_change","config":{"name":"${name}","value":1,"overrides":[]}}\n\n`,
  );
  origin.write(sdkKey, changes.join(''));
  await within(following, 'the end');
  assert.deepEqual(told, ['a']);
  await pool.close();
  assert.equal(clock.scheduled, 0);
});
