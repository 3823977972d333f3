// What a reader of changes is sent who comes back: what it missed, whatever was published meanwhile, or word that this is not known.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CHANGE_BYTES_MAX, ChangeLog, CHANGES_MAX } from '../../../src/servers/admin/change-log.js';
import { EventReader, type SeenEvent } from '../../fakes/event-reader.js';

function read(frames: readonly Buffer[]): readonly SeenEvent[] {
  const reader = new EventReader();
  for (const frame of frames) reader.push(frame.toString());
  return reader.events;
}

test('a reader that reads on from the last event it saw has seen each one once, in order, or is told to begin anew', () => {
  const run = fc.array(fc.oneof(fc.constant('read' as const), fc.integer({ min: 1, max: 700 })), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(run, (steps) => {
      const log = new ChangeLog('epoch');
      let published = 0;
      let lastId: string | undefined;
      let expected = 0;
      for (const step of steps) {
        if (step === 'read') {
          const events = read(log.since(lastId));
          if (events[0]?.event === 'reset') {
            assert.equal(events.length, 1);
            assert.ok(lastId === undefined || published - expected > 400, 'a reset without a need');
          } else {
            assert.deepEqual(
              events.map(({ data }) => JSON.parse(data) as unknown),
              Array.from({ length: published - expected }, (_, index) => ({ n: expected + index })),
            );
          }
          expected = published;
          lastId = events.at(-1)?.id ?? lastId;
          continue;
        }
        for (let count = 0; count < step; count += 1) log.publish('spec', { n: published++ });
      }
    }),
  );
});

test('ids of another process, of the future and of no form mean: begin anew', () => {
  const log = new ChangeLog('ours');
  log.publish('spec', {});
  for (const id of [
    undefined,
    '',
    'theirs-1',
    'ours-2',
    'ours-',
    'ours--1',
    'ours-1x',
    '1',
    'x'.repeat(10_000),
  ])
    assert.deepEqual(
      read(log.since(id)).map(({ event, id: now }) => [event, now]),
      [['reset', 'ours-1']],
      id,
    );
  assert.deepEqual(log.since('ours-1'), []);
});

test('what is kept is bounded in events and in bytes', () => {
  const few = new ChangeLog('x');
  few.publish('spec', {});
  for (let count = 0; count < CHANGES_MAX; count += 1) few.publish('spec', {});
  assert.equal(few.since('x-1').length, CHANGES_MAX);
  assert.equal(read(few.since('x-0'))[0]?.event, 'reset');
  const large = new ChangeLog('x');
  const text = 'x'.repeat(CHANGE_BYTES_MAX / 10);
  for (let count = 0; count < 30; count += 1) large.publish('audit', { text });
  assert.equal(large.since('x-21').length, 9);
  assert.equal(read(large.since('x-20'))[0]?.event, 'reset');
});
