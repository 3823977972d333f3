// The store: versions never go back, keys are bounded, and whoever watches is told what comes and goes.
import { createConcurrencyLimit } from '../../src/domain/concurrency-limit.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PayloadStore } from '../../src/core/payload-store.js';
import type { PayloadKey } from '../../src/domain/payload-key.js';
import type { Payload } from '../../src/domain/payload.js';
import { SPEC_V1, SPEC_V2 } from '../../src/protocols/statsig/resource-kinds.js';
import { ManualClock } from '../fakes/manual-clock.js';

interface Bench {
  readonly store: PayloadStore;
  readonly clock: ManualClock;
  readonly told: string[];
}

function createBench(sdkKeysMax: number): Bench {
  const told: string[] = [];
  const clock = new ManualClock();
  const listener = {
    added: (key: PayloadKey) => told.push(`+${key.sdkKey}/${key.kind.name}`),
    updated: () => undefined,
    removed: (key: PayloadKey) => told.push(`-${key.sdkKey}/${key.kind.name}`),
  };
  const store = new PayloadStore(clock, createConcurrencyLimit(1), { sdkKeysMax });
  store.subscribe(listener);
  return { store, clock, told };
}

function key(sdkKey: string, kind = SPEC_V1): PayloadKey {
  return { sdkKey, kind, format: 'json' };
}

function payload(version: number): Payload {
  const bytes = Buffer.from(`body ${version}`);
  return {
    format: 'json',
    version,
    originForm: { encoding: 'identity', bytes, etag: `"${version}"` },
    identityBytes: bytes.length,
  };
}

test('whatever order versions come in, the newest is held and never an older one after it', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.nat(20)), { maxLength: 60 }), (updates) => {
      const { store } = createBench(10);
      const newest = new Map<string, number>();
      for (const [sdkKey, version] of updates) {
        const before = newest.get(sdkKey);
        assert.equal(store.apply(key(sdkKey), payload(version)), before === undefined || version > before);
        newest.set(sdkKey, Math.max(before ?? version, version));
        assert.equal(store.peek(key(sdkKey))?.payload.version, newest.get(sdkKey));
      }
    }),
  );
});

test('payloads of one key in two shapes are held apart', () => {
  const { store } = createBench(10);
  store.apply(key('k', SPEC_V1), payload(1));
  store.apply(key('k', SPEC_V2), payload(2));
  assert.equal(store.read(key('k', SPEC_V1))?.payload.version, 1);
  assert.equal(store.read(key('k', SPEC_V2))?.payload.version, 2);
  assert.equal(store.read({ ...key('k', SPEC_V2), format: 'protobuf' }), undefined);
  assert.equal(store.sdkKeys, 1);
});

test('the key asked for longest ago leaves first, with all its payloads', () => {
  const { store, told } = createBench(2);
  store.apply(key('a', SPEC_V1), payload(1));
  store.apply(key('a', SPEC_V2), payload(1));
  store.apply(key('b'), payload(1));
  store.read(key('a'));
  store.apply(key('c'), payload(1));
  assert.equal(store.peek(key('b')), undefined);
  store.apply(key('d'), payload(1));
  assert.deepEqual(told, ['+a/v1', '+a/v2', '+b/v1', '-b/v1', '+c/v1', '-a/v1', '-a/v2', '+d/v1']);
});

test('a poll is no asking: it does not keep a key', () => {
  const { store } = createBench(2);
  store.apply(key('a'), payload(1));
  store.apply(key('b'), payload(1));
  store.peek(key('a'));
  store.confirm(key('a'));
  store.apply(key('a'), payload(2));
  store.apply(key('c'), payload(1));
  assert.equal(store.peek(key('a')), undefined);
});

test('pinned keys stay, and where they fill every place there is room for no other', () => {
  const { store } = createBench(2);
  store.pin(new Set(['a', 'b']));
  store.apply(key('a'), payload(1));
  assert.ok(store.hasRoomFor('a'));
  assert.ok(store.hasRoomFor('b'));
  assert.ok(!store.hasRoomFor('c'));
  store.pin(new Set(['a']));
  assert.ok(store.hasRoomFor('c'));
  store.apply(key('c'), payload(1));
  store.apply(key('d'), payload(1));
  assert.ok(store.peek(key('a')));
  assert.equal(store.peek(key('c')), undefined);
});

test('keys with open streams stay, and never more keys than allowed', () => {
  const { store } = createBench(1);
  const ends = [store.keepWhileStreamed('a'), store.keepWhileStreamed('a'), store.keepWhileStreamed('b')];
  assert.ok(store.apply(key('a'), payload(1)));
  assert.ok(!store.apply(key('b'), payload(1)), 'two streamed for the first time at one time');
  assert.equal(store.sdkKeys, 1);
  assert.ok(!store.hasRoomFor('c'));
  ends[0]?.();
  ends[0]?.();
  assert.ok(!store.hasRoomFor('c'), 'the other stream of the key is open');
  ends[1]?.();
  assert.ok(store.hasRoomFor('c'));
  assert.ok(store.apply(key('c'), payload(1)));
  assert.equal(store.peek(key('a')), undefined);
});

test('there are never more keys than allowed, whoever is asked for', () => {
  const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  fc.assert(
    fc.property(fc.array(fc.tuple(names, fc.boolean()), { maxLength: 80 }), (steps) => {
      const { store } = createBench(3);
      for (const [name, isRead] of steps) {
        if (isRead) store.read(key(name));
        else store.apply(key(name), payload(1));
        assert.ok(store.sdkKeys <= 3);
      }
    }),
  );
});

test('a confirmation moves the age, and only of what is held', () => {
  const { store, clock } = createBench(2);
  store.apply(key('a'), payload(1));
  clock.advance(5_000);
  assert.equal(store.peek(key('a'))?.confirmedAtMs, 0);
  store.confirm(key('a'));
  store.confirm(key('nobody'));
  assert.equal(store.peek(key('a'))?.confirmedAtMs, 5_000);
});

test('a removed payload is gone, and the key with its last one', () => {
  const { store, told } = createBench(2);
  store.apply(key('a', SPEC_V1), payload(1));
  store.apply(key('a', SPEC_V2), payload(1));
  assert.ok(store.remove(key('a', SPEC_V1)));
  assert.ok(!store.remove(key('a', SPEC_V1)));
  assert.equal(store.sdkKeys, 1);
  assert.ok(store.remove(key('a', SPEC_V2)));
  assert.equal(store.sdkKeys, 0);
  assert.deepEqual(told.slice(2), ['-a/v1', '-a/v2']);
});

test('a payload keeps the age of its confirmation, and a confirmation never makes it older', () => {
  const { store, clock } = createBench(1);
  clock.advance(100_000);
  store.apply(key('a'), payload(1), { confirmedAgoMs: 40_000 });
  assert.equal(store.peek(key('a'))?.confirmedAtMs, 60_000);
  store.confirm(key('a'), 10_000);
  assert.equal(store.peek(key('a'))?.confirmedAtMs, 90_000);
  store.confirm(key('a'), 30_000);
  assert.equal(store.peek(key('a'))?.confirmedAtMs, 90_000);
});

test('within a bound in bytes the keys asked for longest ago leave, pinned ones last, and forms count as they are made', async () => {
  const room = 10_000;
  const store = new PayloadStore(new ManualClock(), createConcurrencyLimit(1), {
    sdkKeysMax: Infinity,
    bytesMax: room,
  });
  const large = (version: number): Payload => {
    const bytes = Buffer.alloc(1_000, version);
    const originForm = { encoding: 'identity', bytes, etag: `"${version}"` } as const;
    return { format: 'json', version, originForm, identityBytes: bytes.length };
  };
  store.pin(new Set(['a']));
  for (const sdkKey of ['a', 'b', 'c']) store.apply(key(sdkKey), large(1));
  assert.equal(store.evictionsForBytes, 0);
  store.read(key('b'));
  store.apply(key('d'), large(1));
  const held = (): string => ['a', 'b', 'c', 'd', 'e'].filter((sdkKey) => store.holds(sdkKey)).join('');
  assert.equal(held(), 'abd', 'c was asked for longest ago of those that may leave');
  await store.peek(key('d'))?.forms.make('gzip');
  const before = store.bytes;
  store.fitBytes();
  assert.equal(store.bytes, before, 'there is room for a small form');
  store.pin(new Set(['a', 'b', 'd']));
  store.apply(key('d'), large(2));
  store.apply(key('a'), large(2));
  store.pin(new Set(['a', 'b', 'd', 'e']));
  store.apply(key('e'), large(1));
  assert.ok(store.bytes <= room);
  assert.equal(held().length, 3);
  assert.equal(store.holds('e'), true, 'what came last stays');
  assert.equal(store.evictionsForBytes, 2);
});
