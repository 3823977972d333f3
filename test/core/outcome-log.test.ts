// What people are told of fetches: a line when something changes, never one per poll, and a bounded number for strangers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutcomeLog, type Standing } from '../../src/core/outcome-log.js';
import type { RefreshEffect } from '../../src/core/refresher.js';
import type { PayloadKey } from '../../src/domain/payload-key.js';
import { createLogger } from '../../src/observability/logger.js';
import { RecordedEvents } from '../fakes/proxy-events.js';
import { failed } from '../../src/domain/failure.js';
import type { FetchOutcome } from '../../src/core/origin.js';
import { LogSink } from '../fakes/log-sink.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { ID_LISTS, SPEC_V2 } from '../../src/protocols/statsig/resource-kinds.js';

const KEY: PayloadKey = { sdkKey: 'secret-abcdefghijklmnop', kind: SPEC_V2, format: 'json' };
const UNCHANGED: FetchOutcome = { kind: 'unchanged' };
const REFUSED: FetchOutcome = { kind: 'unauthorized', status: 401 };
const VERSION = 1_799_999_999_000;
const HELD = VERSION - 1_000;
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
  readonly events: RecordedEvents;
  readonly outcomes: OutcomeLog;
  tell(outcome: FetchOutcome, effect?: RefreshEffect, key?: PayloadKey): void;
}

function createBench(standing: Standing, isDebug = false): Bench {
  const clock = new ManualClock();
  const sink = new LogSink();
  const log = createLogger(sink, { level: isDebug ? 'debug' : 'info', instanceName: 'x', version: '0' });
  const events = new RecordedEvents();
  const outcomes = new OutcomeLog(
    clock,
    log,
    events,
    () => standing,
    () => 'origin.example',
    () => HELD,
  );
  const tell: Bench['tell'] = (outcome, effect = 'none', key = KEY) => {
    outcomes.fetched(key, outcome, effect, 12);
  };
  return { clock, sink, events, outcomes, tell };
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

test('an outage is one line when it begins, one with its extent, and one when it is over', () => {
  const bench = createBench('held');
  const keys = Array.from({ length: 1_000 }, (_none, index) => ({
    ...KEY,
    sdkKey: `secret-outage-${index}`,
  }));
  for (let second = 0; second < 60; second += 10) {
    for (const key of keys) bench.tell(failed('status_500', 'words'), 'none', key);
    bench.clock.advance(10_000);
  }
  for (const key of keys) bench.tell(UNCHANGED, 'confirmed', key);
  for (const key of keys) bench.tell(UNCHANGED, 'confirmed', key);
  assert.deepEqual(
    bench.sink.lines.map(({ msg, host, reason, payloads, sinceS, durationS }) => {
      return [msg, host, reason, payloads, sinceS ?? durationS];
    }),
    [
      [
        'origin failing: still serving the last good spec',
        'origin.example',
        'status_500',
        undefined,
        undefined,
      ],
      ['origin still failing', 'origin.example', 'status_500', 1_000, 20],
      ['origin answering again', 'origin.example', undefined, 1_000, 60],
    ],
  );
});

test('while an outage lasts each payload and each change of the reason is a line at debug', () => {
  const bench = createBench('held', true);
  const other = { ...KEY, sdkKey: 'secret-zyxwvutsrqponml' };
  for (const reason of ['status_500', 'status_500', 'headers_timeout'] as const) {
    bench.tell(failed(reason, 'words'));
    bench.tell(failed(reason, 'words'), 'none', other);
  }
  const lines = bench.sink.lines.filter(
    (line) => line['msg'] === 'origin failing: still serving the last good spec',
  );
  assert.deepEqual(
    lines.map(({ level, sdkKey, reason }) => [level, sdkKey, reason]),
    [
      ['warn', 'secret-abcd***', 'status_500'],
      ['debug', 'secret-zyxw***', 'status_500'],
      ['debug', 'secret-abcd***', 'headers_timeout'],
      ['debug', 'secret-zyxw***', 'headers_timeout'],
    ],
  );
});

test('a payload that is forgotten while it fails keeps no outage open', () => {
  const bench = createBench('held');
  bench.tell(failed('status_500', ''));
  bench.outcomes.forget(KEY);
  assert.equal(messages(bench).at(-1), 'origin answering again');
  bench.tell(failed('status_500', ''));
  bench.outcomes.confirmedByFleet(KEY);
  assert.equal(messages(bench).at(-1), 'origin answering again');
});

test('a refusal is told once, and a drop as what it is', () => {
  const bench = createBench('held');
  bench.tell(REFUSED);
  bench.tell(REFUSED);
  assert.deepEqual(messages(bench), ['origin refused this SDK key: still serving the last good spec']);
  const dropping = createBench('unknown');
  dropping.tell(REFUSED, 'removed');
  assert.deepEqual(messages(dropping), ['spec dropped: origin refused the SDK key']);
});

test('of a pinned spec that was never fetched nobody is told that it is served', () => {
  const bench = createBench('pinned');
  bench.tell(failed('status_500', ''));
  bench.tell(REFUSED);
  assert.deepEqual(messages(bench), [
    'origin failing: no spec to serve yet',
    'origin answering again',
    'origin refused this SDK key: no spec to serve yet',
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

test('every line about an origin names its host', () => {
  for (const standing of ['held', 'pinned', 'unknown'] as const) {
    const bench = createBench(standing);
    for (const outcome of [failed('status_500', ''), REFUSED, UNCHANGED]) bench.tell(outcome);
    bench.tell(REFUSED, 'removed');
    assert.ok(bench.sink.lines.length >= 2);
    for (const line of bench.sink.lines) assert.equal(line['host'], 'origin.example', JSON.stringify(line));
  }
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
  assert.deepEqual(bench.outcomes.lastOf(KEY), { kind: 'failed', reason: 'status_500', atMs: 5, sinceMs: 5 });
  bench.clock.advance(10);
  bench.tell(failed('status_502', ''));
  assert.deepEqual(bench.outcomes.lastOf(KEY), {
    kind: 'failed',
    reason: 'status_502',
    atMs: 15,
    sinceMs: 5,
  });
  bench.tell(UNCHANGED);
  assert.deepEqual(bench.outcomes.lastOf(KEY), { kind: 'unchanged', atMs: 15, sinceMs: 15 });
  bench.outcomes.forget(KEY);
  assert.equal(bench.outcomes.lastOf(KEY), undefined);
  const strangers = createBench('unknown');
  strangers.tell(UNCHANGED);
  assert.equal(strangers.outcomes.lastOf(KEY), undefined);
});

test('each fetch is an event with its latency and status, and the interval since the one before', () => {
  const bench = createBench('held');
  bench.tell(UPDATED, 'stored');
  bench.clock.advance(10_000);
  bench.tell(UNCHANGED, 'confirmed');
  bench.outcomes.confirmedByFleet(KEY);
  bench.clock.advance(10_000);
  bench.tell(failed('status_500', ''));
  bench.tell({ kind: 'unauthorized', status: 403 });
  bench.tell(failed('connect_timeout', ''));
  assert.deepEqual(
    bench.events.all.map(({ name, latencyMs, status, reason }) => [name, latencyMs, status, reason]),
    [
      ['DcsFetchSource', undefined, 200, undefined],
      ['HttpDataProviderGotData', 12, 200, undefined],
      ['BackgroundDataProviderRequestInterval', 10_000, undefined, undefined],
      ['DcsFetchSource', undefined, 200, undefined],
      ['HttpDataProviderNoData', 12, 200, undefined],
      ['DcsFetchSource', undefined, 500, undefined],
      ['HttpDataProviderError', 12, 500, 'status_500'],
      ['BackgroundDataProviderRequestInterval', 0, undefined, undefined],
      ['DcsFetchSource', undefined, 403, undefined],
      ['HttpDataProviderError', 12, 403, 'unauthorized'],
      ['BackgroundDataProviderRequestInterval', 0, undefined, undefined],
      ['DcsFetchSource', undefined, undefined, undefined],
      ['HttpDataProviderError', 12, undefined, 'connect_timeout'],
    ],
  );
});

test('events name the version that came, and where none came, the one that was asked with', () => {
  const bench = createBench('held');
  for (const outcome of [UPDATED, UNCHANGED, failed('status_500', 'x'), REFUSED]) bench.tell(outcome);
  bench.tell(UNCHANGED, 'confirmed', { ...KEY, kind: ID_LISTS });
  const told = bench.events.all.filter(({ name }) => name.startsWith('HttpDataProvider'));
  assert.deepEqual(
    told.map(({ lcut }) => lcut),
    [VERSION, HELD, HELD, HELD, 0],
  );
});
