// Server-sent events from pieces cut anywhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EVENT_BYTES_MAX, EventReader, type ServerEvent } from '../../src/http-client/event-reader.js';

interface ReadEvent {
  readonly event: string;
  readonly data: string;
}

function read(text: string): readonly ReadEvent[] {
  return new EventReader().push(Buffer.from(text)).map(asText);
}

function asText({ event, data }: ServerEvent): ReadEvent {
  return { event, data: data.toString() };
}

test('an event has a name, or is a message; its lines of data are joined; comments and other fields are none of it', () => {
  assert.deepEqual(
    read(': ping\nevent: update\nid: 5\ndata: one\ndata:two\nretry: 9\n\ndata\n\nevent: none\n\n'),
    [
      { event: 'update', data: 'one\ntwo' },
      { event: 'message', data: '' },
    ],
  );
});

test('an event that did not end is none', () => {
  assert.deepEqual(read('data: one\n'), []);
});

test('wherever the bytes are cut and however lines end, the events are the same', () => {
  const line = fc.constantFrom('event: é', 'data: ü1', 'data:', ': x', 'id: 7', 'data: {"lcut":1}', '', '');
  const ending = fc.constantFrom('\n', '\r', '\r\n');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(line, ending), { maxLength: 30 }),
      fc.array(fc.nat({ max: 200 }), { maxLength: 20 }),
      (lines, cuts) => {
        // An end of a line that begins with a line feed would be one with a carriage return before it.
        const text = lines.map(([words, end]) => words + end).join('');
        const plain = text.replace(/\r\n|\r/g, '\n');
        const bytes = Buffer.from(text);
        const reader = new EventReader();
        const events: ReadEvent[] = [];
        let from = 0;
        for (const cut of [...cuts.sort((one, other) => one - other), bytes.length, Infinity]) {
          events.push(...reader.push(bytes.subarray(from, cut)).map(asText));
          from = Math.max(from, cut);
        }
        events.push(...reader.push(Buffer.from(':\n')).map(asText));
        assert.deepEqual(events, read(`${plain}:\n`));
      },
    ),
  );
});

test('an event that never ends is not held', () => {
  const reader = new EventReader();
  const line = Buffer.from(`data: ${'x'.repeat(1_000)}\n`);
  assert.throws(() => {
    for (let bytes = 0; bytes < 2 * EVENT_BYTES_MAX; bytes += line.length) reader.push(line);
  }, /an event of more than 65536 bytes/);
  assert.throws(() => new EventReader().push(Buffer.alloc(2 * EVENT_BYTES_MAX, 'x')), /more than/);
});

test('a carriage return ends its event at once, and a line feed after it ends nothing more', () => {
  const reader = new EventReader();
  assert.deepEqual(reader.push(Buffer.from('data: one\r\r')).map(asText), [
    { event: 'message', data: 'one' },
  ]);
  assert.deepEqual(reader.push(Buffer.alloc(0)), []);
  assert.deepEqual(reader.push(Buffer.from('\ndata: two\n\n')).map(asText), [
    { event: 'message', data: 'two' },
  ]);
});

test('10 MiB in one event are read in small pieces, byte for byte', () => {
  const data = Buffer.alloc(10 * 1024 * 1024, 'abc: 1');
  const reader = new EventReader(data.length + 100);
  const bytes = Buffer.concat([Buffer.from('data: '), data, Buffer.from('\n\n')]);
  const events: ServerEvent[] = [];
  for (let at = 0; at < bytes.length; at += 16_411)
    events.push(...reader.push(bytes.subarray(at, at + 16_411)));
  assert.equal(events.length, 1);
  assert.ok(events[0]?.data.equals(data));
});
