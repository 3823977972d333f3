// The page's reader of server-sent events: the same events wherever the text is cut.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EventParser, type ServerEvent } from '../../src/page/event-parser.js';

const text = fc.string({ unit: 'grapheme' }).map((each) => each.replaceAll(/[\r\n]/g, ''));
const event = fc.record({
  name: fc.constantFrom('spec', 'hold', 'reset'),
  data: fc.array(text, { minLength: 1, maxLength: 3 }),
  end: fc.constantFrom('\n', '\r\n'),
  comment: fc.option(text),
});

function take(parser: EventParser, pieces: readonly string[]): ServerEvent[] {
  return pieces.flatMap((piece) => parser.take(piece));
}

test('events are what was sent, wherever the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(event), fc.array(fc.nat(40), { minLength: 1 }), (events, sizes) => {
      const sent = events
        .map(({ name, data, end, comment }, index) =>
          [
            ...(comment === null ? [] : [`:${comment}`]),
            `event: ${name}`,
            `id: a-${index}`,
            ...data.map((line) => `data: ${line}`),
            '',
            '',
          ].join(end),
        )
        .join('');
      const pieces: string[] = [];
      for (let at = 0, turn = 0; at < sent.length; turn += 1) {
        const size = (sizes[turn % sizes.length] ?? 0) + 1;
        pieces.push(sent.slice(at, at + size));
        at += size;
      }
      const parser = new EventParser();
      assert.deepEqual(
        take(parser, pieces),
        events.map(({ name, data }) => ({ name, data: data.join('\n') })),
      );
      assert.equal(parser.lastEventId, events.length === 0 ? '' : `a-${events.length - 1}`);
    }),
  );
});

test('an event without a name is a message, and one without data is none', () => {
  assert.deepEqual(take(new EventParser(), ['event: hold\n\ndata:x\n\n']), [{ name: 'message', data: 'x' }]);
});

test('what has no line ends is given up before it fills the memory', () => {
  const parser = new EventParser();
  const piece = 'x'.repeat(100_000);
  assert.throws(() => {
    for (let count = 0; count < 20; count += 1) parser.take(piece);
  }, /has no end/);
});
