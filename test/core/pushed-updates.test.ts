// Polls by what an origin pushes: when they are hastened, and when a payload counts as current.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HeldPayload } from '../../src/core/payload-store.js';
import type { PushListener } from '../../src/core/push-source.js';
import { PushedUpdates } from '../../src/core/pushed-updates.js';
import { payloadId, type PayloadKey } from '../../src/domain/payload-key.js';
import { idListsKey, SPEC_V1 } from '../../src/protocols/statsig/resource-kinds.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { heldVersion } from '../fakes/stream-harness.js';

const KEY: PayloadKey = { sdkKey: 'k', kind: SPEC_V1, format: 'json' };
const INTERVAL_MS = 10_000;

class Scene {
  readonly clock = new ManualClock();
  readonly listeners = new Map<string, PushListener>();
  readonly hastenedToMs: number[] = [];
  held: HeldPayload | undefined = heldVersion(10);
  readonly pushed = new PushedUpdates(
    this.clock,
    {
      watch: (key, listener) => {
        this.listeners.set(payloadId(key), listener);
        return () => this.listeners.delete(payloadId(key));
      },
    },
    {
      store: { peek: () => this.held },
      poller: { hasten: (_key, atMs) => this.hastenedToMs.push(atMs - this.clock.monotonicMs()) },
    },
    () => INTERVAL_MS,
  );

  get listener(): PushListener {
    const listener = this.listeners.get(payloadId(KEY));
    assert.ok(listener);
    return listener;
  }
}

test('a newer version is polled for at once; one that is held already is not', () => {
  const scene = new Scene();
  scene.pushed.added(KEY);
  scene.listener.live(true);
  for (const version of [9, 10]) scene.listener.heard(version);
  assert.deepEqual(scene.hastenedToMs, []);
  assert.equal(scene.pushed.isCurrent(KEY), true);
  scene.listener.heard(11);
  assert.deepEqual(scene.hastenedToMs, [0]);
  assert.equal(scene.pushed.isCurrent(KEY), false, 'until it is held, polls go on');
  scene.held = heldVersion(11);
  assert.equal(scene.pushed.isCurrent(KEY), true);
});

test('a version in the future, which is never taken for newer, does not keep polls coming', () => {
  const scene = new Scene();
  scene.pushed.added(KEY);
  scene.listener.live(true);
  scene.listener.heard(2 ** 53 - 1);
  assert.deepEqual(scene.hastenedToMs, []);
  assert.equal(scene.pushed.isCurrent(KEY), true);
});

test('an older version that is told of later, as by another replica of the origin, does not hide the newest', () => {
  const scene = new Scene();
  scene.pushed.added(KEY);
  scene.listener.live(true);
  for (const version of [12, 10]) scene.listener.heard(version);
  assert.equal(scene.pushed.isCurrent(KEY), false);
  scene.held = heldVersion(12);
  assert.equal(scene.pushed.isCurrent(KEY), true);
});

test('where the origin will not tell any more, the next poll comes as soon as without it', () => {
  const scene = new Scene();
  scene.pushed.added(KEY);
  assert.equal(scene.pushed.isCurrent(KEY), false);
  scene.listener.live(true);
  assert.equal(scene.pushed.isCurrent(KEY), true);
  scene.listener.live(false);
  assert.equal(scene.pushed.isCurrent(KEY), false);
  assert.deepEqual(scene.hastenedToMs, [INTERVAL_MS]);
});

test('what is held is watched once, and no longer; manifests, whose versions are our own, never', () => {
  const scene = new Scene();
  for (const key of [KEY, KEY, idListsKey('k')]) scene.pushed.added(key);
  assert.deepEqual(scene.pushed.counts, { live: 0, watched: 1 });
  scene.listener.live(true);
  assert.deepEqual(scene.pushed.counts, { live: 1, watched: 1 });
  scene.pushed.removed(KEY);
  assert.equal(scene.listeners.size, 0);
  scene.pushed.added(KEY);
  scene.pushed.stop();
  scene.pushed.added(KEY);
  assert.equal(scene.listeners.size, 0);
});
