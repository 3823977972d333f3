// What people are told of fetches: a line when something changes, never one per poll, and a bounded number for strangers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutcomeLog, type Standing } from '../../src/datastore/outcome-log.js';
import type { RefreshEffect } from '../../src/datastore/refresher.js';
import type { PayloadKey } from '../../src/domain/payload-key.js';
import { createLogger } from '../../src/observability/logger.js';
import { createLoggedProxyEvents, noProxyEvents } from '../../src/observability/proxy-events.js';
import { failed } from '../../src/domain/failure.js';
import type { FetchOutcome } from '../../src/sources/origin.js';
import { LogSink } from '../fakes/log-sink.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { SPEC_V2 } from '../../src/sources/resource-kinds.js';

const KEY: PayloadKey = { sdkKey: 'secret-abcdefghijklmnop', kind: SPEC_V2, format: 'json' };
const UNCHANGED: FetchOutcome = { kind: 'unchanged' };
const REFUSED: FetchOutcome = { kind: 'unauthorized', status: 401 };
const VERSION = 1_799_999_999_000;
const UPDATED: FetchOutcome = {
  kind: 'updated',
  payload: {
    format: 'json',
    version: VERSION,
    originForm: { encoding: 'br', bytes: Buffer.from('xyz'), etag: '"x"' },
    identityBytes: 9,
  },
};

interface Bench {
  readonly clock: ManualClock;
  readonly sink: LogSink;
  readonly outcomes: OutcomeLog;
  tell(outcome: FetchOutcome, effect?: RefreshEffect, key?: PayloadKey): void;
}

function createBench(standing: Standing, isDebug = false): Bench {
  const clock = new ManualClock();
  const sink = new LogSink();
  const log = createLogger(sink, { debug: isDebug, instanceName: 'x', version: '0' });
  const events = isDebug ? createLoggedProxyEvents(log) : noProxyEvents;
  const outcomes = new OutcomeLog(clock, log, events, () => standing);
  const tell: Bench['tell'] = (outcome, effect = 'none', key = KEY) => {
    outcomes.fetched(key, outcome, effect, 12);
  };
  return { clock, sink, outcomes, tell };
}

function messages(bench: Bench): unknown[] {
  return bench.sink.lines.map((line) => line['msg']);
}

test('a new version is one line with its facts, a confirmation none', () => {
  const bench = createBench('held');
  bench.tell(UPDATED, 'stored');
  bench.tell(UNCHANGED, 'confirmed');
  bench.tell(UNCHANGED, 'confirmed');
  assert.deepEqual(messages(bench), ['spec updated']);
  const { sdkKey, specVersion, encoding, bytes, identityBytes } = bench.sink.lines[0] ?? {};
  assert.deepEqual(
    [sdkKey, specVersion, encoding, bytes, identityBytes],
    ['secret-abcd***', VERSION, 'br', 3, 9],
  );
});

test('a failure is told when it begins, when its reason changes, and when it is over', () => {
  const bench = createBench('held');
  for (const reason of ['status_500', 'status_500', 'headers_timeout', 'headers_timeout'] as const) {
    bench.tell(failed(reason, 'words'));
  }
  bench.tell(UNCHANGED, 'confirmed');
  bench.tell(UNCHANGED, 'confirmed');
  const fails = 'origin fails for this spec: what is held is served';
  assert.deepEqual(messages(bench), [fails, fails, 'origin answers again for this spec']);
  assert.deepEqual(
    bench.sink.lines.map((line) => line['reason']),
    ['status_500', 'headers_timeout', undefined],
  );
});

test('a refusal is told once, and a drop as what it is', () => {
  const bench = createBench('held');
  bench.tell(REFUSED);
  bench.tell(REFUSED);
  assert.deepEqual(messages(bench), ['origin refuses the key of this spec: what is held is served']);
  const dropping = createBench('unknown');
  dropping.tell(REFUSED, 'removed');
  assert.deepEqual(messages(dropping), ['spec dropped: the origin refuses the key']);
});

test('of a pinned spec that was never fetched nobody is told that it is served', () => {
  const bench = createBench('pinned');
  bench.tell(failed('status_500', ''));
  bench.tell(REFUSED);
  assert.deepEqual(messages(bench), [
    'origin fails for this spec: nothing is held of it',
    'origin refuses the key of this spec: nothing is held of it',
  ]);
});

test('strangers cause one line in ten seconds, which says how many were left out', () => {
  const bench = createBench('unknown');
  for (let index = 0; index < 500; index += 1) {
    bench.tell(REFUSED, 'none', { ...KEY, sdkKey: `secret-random-key-${index}` });
    bench.tell(failed('status_500', ''), 'none', { ...KEY, sdkKey: `secret-random-key-${index}` });
  }
  assert.equal(bench.sink.lines.length, 2);
  bench.clock.advance(10_000);
  bench.tell(REFUSED);
  assert.equal(bench.sink.lines[2]?.['untold'], 499);
});

test('what our own shutdown broke off is not told', () => {
  const bench = createBench('held');
  bench.tell(failed('closed', 'UND_ERR_DESTROYED'));
  assert.deepEqual(messages(bench), []);
  assert.equal(bench.outcomes.lastOf(KEY), undefined);
});

test('the last outcome of a known payload is kept until it is forgotten, of a stranger never', () => {
  const bench = createBench('held');
  bench.clock.advance(5);
  bench.tell(failed('status_500', ''));
  assert.deepEqual(bench.outcomes.lastOf(KEY), { kind: 'failed', reason: 'status_500', atMs: 5 });
  bench.tell(UNCHANGED);
  assert.deepEqual(bench.outcomes.lastOf(KEY), { kind: 'unchanged', atMs: 5 });
  bench.outcomes.forget(KEY);
  assert.equal(bench.outcomes.lastOf(KEY), undefined);
  const strangers = createBench('unknown');
  strangers.tell(UNCHANGED);
  assert.equal(strangers.outcomes.lastOf(KEY), undefined);
});

test('with debug logging each fetch is an event with its latency, and an update its delay', () => {
  const bench = createBench('held', true);
  bench.tell(UPDATED, 'stored');
  bench.tell(UNCHANGED, 'confirmed');
  bench.tell(failed('status_500', ''));
  const events = bench.sink.lines.filter((line) => line['event'] !== undefined);
  assert.deepEqual(
    events.map((line) => [line['event'], line['latencyMs']]),
    [
      ['HttpDataProviderGotData', 12],
      ['ConfigSpecStoreGotData', 12],
      ['UpdateConfigSpecStorePropagationDelayMs', bench.clock.nowMs() - VERSION],
      ['HttpDataProviderNoData', 12],
      ['HttpDataProviderError', 12],
    ],
  );
});
