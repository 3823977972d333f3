// Log lines: JSON, with what identifies the replica, and errors without the keys their texts hold.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../../src/observability/logger.js';
import { LogSink } from '../fakes/log-sink.js';

const OPTIONS = { level: 'info', instanceName: 'pod-a', version: '1.2.3' } as const;

test('a line says when, how bad, who, and what', () => {
  const sink = new LogSink();
  createLogger(sink, OPTIONS).info({ port: 1 }, 'listening');
  const { time, ...rest } = sink.lines[0] ?? {};
  assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(rest, { level: 'info', instance: 'pod-a', version: '1.2.3', port: 1, msg: 'listening' });
});

test('debug lines are written only where they are wished', () => {
  const sink = new LogSink();
  createLogger(sink, OPTIONS).debug('unseen');
  createLogger(sink, { ...OPTIONS, level: 'debug' }).debug('seen');
  assert.deepEqual(
    sink.lines.map((line) => line['msg']),
    ['seen'],
  );
});

test('an error is told with its code and stack, and keys in them masked', () => {
  const sink = new LogSink();
  const error = Object.assign(new Error('GET /v1/secret-abcdefghijklmnop.json'), { code: 'E_TEST' });
  createLogger(sink, OPTIONS).error({ err: error }, 'broken');
  assert.ok(!sink.text.includes('abcdefghijklmnop'));
  const { type, message, code } = sink.lines[0]?.['err'] as Record<string, unknown>;
  assert.deepEqual([type, message, code], ['Error', 'GET /v1/secret-abcd***', 'E_TEST']);
});

test('what was thrown and is no error is told too', () => {
  const sink = new LogSink();
  createLogger(sink, OPTIONS).error({ err: 'client-abcdefghijklmnop' }, 'broken');
  assert.deepEqual(sink.lines[0]?.['err'], { message: 'client-abcd***' });
});

test('lines below the level are left out', () => {
  for (const [level, expected] of [
    ['debug', ['debug', 'info', 'warn', 'error', 'fatal']],
    ['info', ['info', 'warn', 'error', 'fatal']],
    ['warn', ['warn', 'error', 'fatal']],
    ['error', ['error', 'fatal']],
  ] as const) {
    const sink = new LogSink();
    const log = createLogger(sink, { ...OPTIONS, level });
    for (const each of ['debug', 'info', 'warn', 'error', 'fatal'] as const) log[each]('told');
    assert.deepEqual(
      sink.lines.map((line) => line['level']),
      expected,
      level,
    );
  }
});
