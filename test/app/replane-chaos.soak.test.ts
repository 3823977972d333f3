// Three replicas with one Redis while Replane, Redis and clients' connections are cut at random: no value goes back, all end on the last.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../e2e/deadline.js';
import { lengthOf } from '../fakes/length.js';
import { startRedisServer } from '../fakes/redis-server.js';
import { ReplaneOrigin } from '../fakes/replane/replane-origin.js';
import { SdkApp, sdkVersions } from '../fakes/replane/replane-sdk.js';
import { startTcpProxy } from '../fakes/tcp-proxy.js';
import { startReplaneScene } from './replane-scene.js';

const RUN_MS = lengthOf({ suite: 5_000, soak: 90_000 });
const REPLICAS = 3;
const CHANGE_EVERY_MS = 50;
const TROUBLE_MS_MAX = 1_500;

test('clients of three replicas only go forward, and all end on the last value', async (t) => {
  const redis = await startRedisServer(t);
  const origin = await ReplaneOrigin.start();
  t.after(() => origin.down());
  const { sdkKey, project } = origin.addKey();
  project.set('n', 0);
  const env = { REDIS_ENTERPRISE_HOST: '127.0.0.1', REDIS_ENTERPRISE_PORT: String(redis.port) };
  const ways = await Promise.all(
    Array.from({ length: REPLICAS }, async (_, index) => {
      const options = {
        env: { ...env, HOSTNAME: `replica-${index}` },
        args: ['--polling-interval-in-s', '1'],
      };
      const scene = await startReplaneScene({ replane: origin, cache: 'redis', resyncS: 2, ...options });
      t.after(() => scene.stop());
      return await startTcpProxy(t, Number(new URL(scene.proxy.url).port));
    }),
  );
  const apps = ways.flatMap(({ port }) =>
    sdkVersions.map((version) => new SdkApp(`http://127.0.0.1:${port}`, sdkKey, { version })),
  );
  t.after(() => {
    for (const app of apps) app.disconnect();
  });
  for (const app of apps) {
    app.subscribe('n');
    await app.connect();
  }
  let n = 0;
  const timer = setInterval(() => {
    n += 1;
    project.set('n', n);
  }, CHANGE_EVERY_MS);
  const troubles: readonly (() => Promise<void>)[] = [
    () => {
      origin.cut();
      return Promise.resolve();
    },
    () => {
      origin.end();
      return Promise.resolve();
    },
    async () => {
      await origin.down();
      await pause(randomInt(TROUBLE_MS_MAX));
      await origin.up();
    },
    async () => {
      redis.signal('SIGSTOP');
      await pause(randomInt(TROUBLE_MS_MAX));
      redis.signal('SIGCONT');
    },
    async () => {
      await redis.kill();
      await pause(randomInt(TROUBLE_MS_MAX));
      await redis.startAgain();
    },
    async () => {
      const way = ways[randomInt(REPLICAS)];
      await way?.cut();
      await pause(randomInt(TROUBLE_MS_MAX));
      await way?.heal();
    },
  ];
  const happened: number[] = troubles.map(() => 0);
  try {
    for (const untilMs = performance.now() + RUN_MS; performance.now() < untilMs;) {
      const which = randomInt(troubles.length);
      happened[which] = (happened[which] ?? 0) + 1;
      await troubles[which]?.();
      await pause(randomInt(TROUBLE_MS_MAX));
    }
  } finally {
    clearInterval(timer);
  }
  t.diagnostic(`${n} changes; troubles by kind ${happened.join(', ')}`);
  for (const app of apps) await eventually(`value ${n}`, () => app.get('n') === n);
  for (const app of apps) {
    const seen = (app.told['n'] ?? []).map(Number);
    const backward = seen.filter((value, index) => value < (seen[index - 1] ?? 0));
    assert.deepEqual(backward, []);
  }
});
