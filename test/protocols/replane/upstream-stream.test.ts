// One stream from Replane, followed: what is left of it once it was closed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UpstreamPool } from '../../../src/http-client/upstream-pool.js';
import { openUpstreamStream } from '../../../src/protocols/replane/origin/upstream-stream.js';
import { CLIENT_OPTIONS } from '../../http-client/client-options.js';
import { ManualClock, settle } from '../../fakes/manual-clock.js';
import { startReplane } from '../../fakes/replane/relay-scene.js';
import { STREAM_PATH } from '../../fakes/replane/stream-client.js';

test('a stream that its follower closes because of a change leaves no timer behind', async (t) => {
  const clock = new ManualClock();
  const origin = await startReplane(t);
  const { sdkKey, project } = origin.addKey();
  const pool = new UpstreamPool(clock, CLIENT_OPTIONS);
  const opening = await openUpstreamStream(clock, pool, {
    url: new URL(origin.url + STREAM_PATH),
    headers: { authorization: `Bearer ${sdkKey}`, 'content-type': 'application/json' },
    openMsMax: 60_000,
    frameBytesMax: 1_000,
  });
  assert.ok(opening.kind === 'opened');
  const { stream } = opening;
  const heard: string[] = [];
  const following = stream.follow({
    changed: async ({ name }) => {
      heard.push(name);
      await settle();
      stream.close();
    },
    alive: () => heard.push('alive'),
    ended: () => heard.push('ended'),
  });
  await settle();
  assert.deepEqual(heard, ['alive']);
  project.set('a', 1);
  project.set('b', 1);
  await following;
  await pool.close();
  assert.deepEqual([heard, clock.scheduled], [['alive', 'a'], 0]);
});
