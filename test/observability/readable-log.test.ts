// Log lines for a person at a terminal: one line each, the sentence first, and nothing in it that could steer the terminal.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLogger } from '../../src/observability/logger.js';
import { readableLine } from '../../src/observability/readable-log.js';

function logged(write: (log: ReturnType<typeof createLogger>) => void): string {
  let text = '';
  const destination = { write: (line: string) => (text += readableLine(line)) };
  write(createLogger(destination, { level: 'debug', instanceName: 'pod-a', version: '1.2.3' }));
  return text;
}

test('a line has the time, the level, the sentence and the fields, without what is the same in every line', () => {
  const text = logged((log) => {
    log.info({ httpPort: 8000, mode: 'http', unusable: ['a b', 'c'], none: undefined }, 'listening');
  });
  assert.match(
    text,
    /^\d\d:\d\d:\d\d\.\d{3}Z INFO {2}listening httpPort=8000 mode=http unusable=\["a b","c"\]\n$/,
  );
});

test('an error is followed by its stack, indented', () => {
  const text = logged((log) => {
    log.fatal({ err: new RangeError('boom'), port: 1 }, 'cannot start');
  });
  const [first = '', second = '', third = ''] = text.split('\n');
  assert.match(first, / FATAL cannot start port=1$/);
  assert.equal(second, '    RangeError: boom');
  assert.match(third, /^ {8}at .*readable-log\.test\.ts/);
});

test('an error without a stack is told by its fields', () => {
  const text = logged((log) => {
    log.error({ err: 'boom' }, 'broken');
  });
  assert.match(text, / ERROR broken err=\{"message":"boom"\}\n$/);
});

test('texts that could be taken for something else are in quotes', () => {
  const text = logged((log) => {
    log.warn({ detail: 'two words', empty: '', quoted: '"', equals: 'a=b' }, 'told');
  });
  assert.match(text, / WARN {2}told detail="two words" empty="" quoted="\\"" equals="a=b"\n$/);
});

test('no text can end its line, or write a control character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (message, value) => {
      const text = logged((log) => {
        log.info({ value, nested: { [value]: value } }, message);
      });
      assert.match(text, /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*\n$/u);
    }),
  );
});

test('an error whose text has line ends or control characters stays one entry', () => {
  const text = logged((log) => {
    log.error({ err: new Error('a\u001b[2J\n12:00:00.000Z INFO  forged') }, 'broken');
  });
  assert.doesNotMatch(text, /\u001b/);
  assert.doesNotMatch(text, /^12:00/m);
});

test('what is no log line is passed on as it is', () => {
  assert.equal(readableLine('not JSON\n'), 'not JSON\n');
});
