// The feed: who is told of what, and that a subscription leaves nothing behind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UpdateFeed } from '../../src/core/update-feed.js';
import { heldVersion } from '../fakes/stream-harness.js';
import { SPEC_V1 } from '../../src/protocols/statsig/resource-kinds.js';

const { key: KEY } = heldVersion(1);

test('those who subscribed to the payload are told, and nobody else', () => {
  const feed = new UpdateFeed();
  const told: string[] = [];
  const listen = (name: string): Parameters<UpdateFeed['subscribe']>[1] => ({
    updated: (held) => told.push(`${name} ${held.payload.version}`),
    removed: () => told.push(`${name} removed`),
  });
  const end = feed.subscribe(KEY, listen('first'));
  feed.subscribe(KEY, listen('second'));
  feed.subscribe({ ...KEY, kind: SPEC_V1 }, listen('other'));
  assert.equal(feed.publish(heldVersion(5)), 2);
  end();
  end();
  assert.equal(feed.publish(heldVersion(6)), 1);
  feed.remove(KEY);
  assert.deepEqual(told, ['first 5', 'second 5', 'second 6', 'second removed']);
});

test('a listener may end its own or another subscription while it is told', () => {
  const feed = new UpdateFeed();
  let told = 0;
  const ends: (() => void)[] = [];
  for (let index = 0; index < 2; index += 1) {
    const end = feed.subscribe(KEY, {
      updated: () => {
        told += 1;
        for (const each of ends) each();
      },
      removed: () => undefined,
    });
    ends.push(end);
  }
  assert.equal(feed.publish(heldVersion(1)), 2);
  assert.equal(told, 2);
  assert.equal(feed.publish(heldVersion(2)), 0);
});

test('an ended subscription does not end a later one', () => {
  const feed = new UpdateFeed();
  const listener = { updated: () => undefined, removed: () => undefined };
  const end = feed.subscribe(KEY, listener);
  end();
  feed.subscribe(KEY, { ...listener });
  end();
  assert.equal(feed.publish(heldVersion(1)), 1);
});
