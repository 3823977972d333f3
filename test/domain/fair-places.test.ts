// Places shared by SDK keys: whatever the order and the numbers in which they come, no key keeps another from its share.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FairPlaces } from '../../src/domain/fair-places.js';

interface Guest {
  readonly sdkKey: string;
}

/** As the registry does. */
function enter(places: FairPlaces<Guest>, guest: Guest): 'free' | 'given' | 'refused' {
  if (!places.isFull) {
    places.add(guest, guest.sdkKey);
    return 'free';
  }
  const giver = places.giverTo(guest.sdkKey);
  if (giver === undefined) return 'refused';
  places.remove(giver);
  places.add(guest, guest.sdkKey);
  return 'given';
}

test('one key has every place while it is alone, and gives half of them to a second one', () => {
  const places = new FairPlaces<Guest>(10);
  for (let index = 0; index < 10; index += 1) assert.equal(enter(places, { sdkKey: 'first' }), 'free');
  assert.equal(enter(places, { sdkKey: 'first' }), 'refused');
  for (let index = 0; index < 5; index += 1) assert.equal(enter(places, { sdkKey: 'second' }), 'given');
  assert.equal(enter(places, { sdkKey: 'second' }), 'refused');
  assert.deepEqual(places.byOwner, [
    ['first', 5],
    ['second', 5],
  ]);
});

test('every key has its share once each of its clients has tried, and then nothing moves any more', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 }),
      fc.infiniteStream(fc.nat()),
      fc.array(fc.nat(), { maxLength: 10 }),
      (max, wanted, dice, leaving) => {
        const places = new FairPlaces<Guest>(max);
        const clients = wanted.flatMap((count, key) =>
          Array.from({ length: count }, () => ({ sdkKey: `key-${key}` })),
        );
        const has = (client: Guest): boolean => [...places.guests].includes(client);
        // Each client that has no place tries again, in any order; as many rounds as there are places are enough.
        const settle = (): void => {
          for (let round = 0; round <= max; round += 1) {
            const outside = clients.filter((client) => !has(client));
            while (outside.length > 0) {
              const [client] = outside.splice(Number(dice.next().value) % outside.length, 1);
              if (client !== undefined) enter(places, client);
              assert.ok(places.size <= max);
            }
          }
          const share = Math.floor(max / wanted.length);
          wanted.forEach((count, key) => {
            assert.ok(places.countOf(`key-${key}`) >= Math.min(count, share), JSON.stringify(places.byOwner));
          });
          for (const client of clients.filter((one) => !has(one))) {
            assert.equal(enter(places, client), 'refused');
          }
        };
        settle();
        for (const index of leaving) {
          const client = clients[index % clients.length];
          if (client !== undefined) places.remove(client);
        }
        settle();
        for (const client of clients) places.remove(client);
        assert.equal(places.size, 0);
        assert.deepEqual(places.byOwner, []);
      },
    ),
    { numRuns: 300 },
  );
});

test('owners are served by turns, each with its oldest guest, whatever the others have', () => {
  const places = new FairPlaces<Guest & { readonly at: number }>(100);
  for (let at = 0; at < 5; at += 1) places.add({ sdkKey: 'many', at }, 'many');
  places.add({ sdkKey: 'one', at: 5 }, 'one');
  places.add({ sdkKey: 'two', at: 6 }, 'two');
  const served = (count: number): unknown[] => Array.from({ length: count }, () => places.takeNext()?.at);
  assert.deepEqual(served(4), [0, 5, 6, 1]);
  places.add({ sdkKey: 'two', at: 7 }, 'two');
  assert.deepEqual(served(5), [2, 7, 3, 4, undefined]);
});
