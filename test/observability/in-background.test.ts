// What nobody awaits: its errors are logged, and end neither the process nor other work.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inBackground } from '../../src/observability/in-background.js';
import { createTestLog, LogSink } from '../fakes/log-sink.js';

async function brokenTask(): Promise<void> {
  await Promise.resolve();
  throw new TypeError('no such member: secret-0123456789abcdef');
}

test('an error in background work is one line at level error, with its stack and without SDK keys', async (t) => {
  const sink = new LogSink();
  const unhandled = t.mock.fn();
  process.once('unhandledRejection', unhandled);
  t.after(() => process.off('unhandledRejection', unhandled));
  inBackground(brokenTask(), createTestLog(sink));
  await new Promise(setImmediate);
  assert.equal(unhandled.mock.callCount(), 0);
  const [line] = sink.withMessage('unexpected error in background work');
  assert.equal(line?.['level'], 'error');
  assert.equal(sink.lines.length, 1);
  const { type, stack } = line['err'] as { readonly type: string; readonly stack: string };
  assert.equal(type, 'TypeError');
  assert.match(stack, /at brokenTask/);
  assert.ok(!sink.text.includes('0123456789abcdef'));
});

test('work that ends well leaves no line', async () => {
  const sink = new LogSink();
  inBackground(Promise.resolve(1), createTestLog(sink));
  await new Promise(setImmediate);
  assert.equal(sink.lines.length, 0);
});
