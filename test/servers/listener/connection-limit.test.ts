// Which connection gives way to a new one, and that somebody always can.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConnectionLimit, type ConnectionPlace } from '../../../src/servers/listener/connection-limit.js';

interface Scene {
  readonly limit: ConnectionLimit;
  /** Names of those that were closed, in this order. */
  readonly closed: string[];
  readonly open: (name: string) => ConnectionPlace;
}

function setScene(connectionsMax: number): Scene {
  const limit = new ConnectionLimit({ server: 'http', connectionsMax });
  const closed: string[] = [];
  return { limit, closed, open: (name) => limit.open(() => closed.push(name)) };
}

test('the one that has done nothing for longest gives way', () => {
  const { closed, open, limit } = setScene(4);
  const first = open('first');
  for (const name of ['second', 'third', 'fourth']) open(name);
  first.begin();
  first.end();
  open('fifth');
  open('sixth');
  assert.deepEqual(closed, ['second', 'third']);
  assert.deepEqual(limit.gauge, { entries: 4, entriesMax: 4, reached: 2 });
});

test('an answer that takes no time counts as activity', () => {
  const { closed, open } = setScene(4);
  const known = ['first', 'second', 'third', 'fourth'].map(open);
  for (const place of known) place.prove();
  known[0]?.prove();
  open('new');
  assert.deepEqual(closed, ['second']);
});

test('those that have proven nothing give way to those that have, whatever they do', () => {
  const { closed, open } = setScene(8);
  open('known').prove();
  open('busy stranger').begin();
  for (let stranger = 1; stranger <= 100; stranger += 1) open(`stranger ${stranger}`);
  assert.ok(!closed.includes('known'));
  assert.equal(closed[0], 'busy stranger');
  assert.equal(closed.length, 102 - 8);
});

test('where nearly all are known, the ones idle for longest give way to new ones', () => {
  const { closed, open } = setScene(8);
  const known = Array.from({ length: 8 }, (_none, index) => open(`known ${index}`));
  for (const place of known) place.prove();
  known[0]?.begin();
  for (const name of ['new 1', 'new 2', 'new 3', 'new 4']) open(name);
  assert.deepEqual(closed, ['known 1', 'known 2', 'new 1', 'new 2']);
});

test('answers under way protect three quarters of all, and no more', () => {
  const { closed, open } = setScene(8);
  for (let index = 0; index < 8; index += 1) {
    const place = open(`slow ${index}`);
    place.prove();
    place.begin();
  }
  open('new 1');
  open('new 2');
  open('new 3');
  assert.deepEqual(closed, ['slow 6', 'slow 7', 'new 1']);
});

test('whatever connections do, there are never too many, none is closed without need, a new one never', () => {
  const steps = fc.array(
    fc.record({ act: fc.constantFrom('open', 'prove', 'begin', 'end', 'leave'), at: fc.nat({ max: 20 }) }),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), steps, (connectionsMax, acts) => {
      const { limit, closed, open } = setScene(connectionsMax);
      const live = new Map<string, { readonly place: ConnectionPlace; underWay: number }>();
      acts.forEach(({ act, at }, step) => {
        if (act === 'open') {
          const isFull = live.size === connectionsMax;
          const closedBefore = closed.length;
          live.set(String(step), { place: open(String(step)), underWay: 0 });
          assert.equal(closed.length - closedBefore, isFull ? 1 : 0);
          for (const name of closed.slice(closedBefore)) assert.ok(live.delete(name));
          assert.ok(live.has(String(step)));
        } else {
          const [name, held] = [...live][at % Math.max(1, live.size)] ?? [];
          if (name === undefined || held === undefined) return;
          if (act === 'leave') live.delete(name);
          if (act === 'end' && held.underWay === 0) return;
          held.underWay += act === 'begin' ? 1 : act === 'end' ? -1 : 0;
          held.place[act]();
        }
        assert.deepEqual(limit.gauge, {
          entries: live.size,
          entriesMax: connectionsMax,
          reached: closed.length,
        });
      });
    }),
  );
});
