// When payloads are polled: by a hand-turned clock, with a refresh that answers when it is told to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PayloadKey } from '../../src/domain/payload-key.js';
import { failed } from '../../src/domain/failure.js';
import type { FetchOutcome } from '../../src/core/origin.js';
import { nextPhaseMs, waitMs } from '../../src/core/poll-schedule.js';
import { Poller, type Polled } from '../../src/core/poller.js';
import { createTestLog, LogSink } from '../fakes/log-sink.js';
import { ManualClock, settle } from '../fakes/manual-clock.js';
import { SPEC_V2 } from '../../src/protocols/statsig/resource-kinds.js';

const INTERVAL_MS = 10_000;
const UNCHANGED: FetchOutcome = { kind: 'unchanged' };
const FAILED = failed('status_500', 'HTTP status 500');

function key(name: string): PayloadKey {
  return { sdkKey: name, kind: SPEC_V2, format: 'json' };
}

class Bench {
  readonly clock = new ManualClock();
  readonly log = new LogSink();
  readonly polledAtMs = new Map<string, number[]>();
  outcome: Polled = UNCHANGED;
  isHeld = true;
  /** Of single keys, instead of `outcome`. */
  readonly outcomes = new Map<string, Polled>();
  /** Keys whose polls wait until they are released. */
  readonly held = new Map<string, () => void>();
  readonly slow = new Set<string>();
  /** Keys whose polls throw. */
  readonly broken = new Set<string>();
  inFlight = 0;
  inFlightMax = 0;
  readonly poller: Poller;

  constructor(inFlightMax = 64, instanceName = 'pod-a') {
    const isHeld = (): boolean => this.isHeld;
    const options = { intervalMs: () => INTERVAL_MS, inFlightMax, isHeld, instanceName };
    this.poller = new Poller(this.clock, createTestLog(this.log), options);
    this.poller.start((polled) => this.#refresh(polled));
  }

  async #refresh({ sdkKey }: PayloadKey): Promise<Polled> {
    this.polledAtMs.set(sdkKey, [...(this.polledAtMs.get(sdkKey) ?? []), this.clock.monotonicMs()]);
    this.inFlight += 1;
    this.inFlightMax = Math.max(this.inFlightMax, this.inFlight);
    if (this.slow.has(sdkKey)) {
      await new Promise<void>((resolve) => {
        this.held.set(sdkKey, resolve);
      });
    }
    this.inFlight -= 1;
    if (this.broken.has(sdkKey)) throw new Error('a fault of ours');
    return this.outcomes.get(sdkKey) ?? this.outcome;
  }

  times(name: string): readonly number[] {
    return this.polledAtMs.get(name) ?? [];
  }

  gaps(name: string): number[] {
    const times = this.times(name);
    return times.slice(1).map((time, index) => time - (times[index] ?? 0));
  }
}

test('each payload is polled once an interval, at its own phase', async () => {
  const bench = new Bench();
  for (let index = 0; index < 50; index += 1) bench.poller.watch(key(`key-${index}`));
  await bench.clock.advanceInSteps(INTERVAL_MS * 5, 100);
  const phases = new Set<number>();
  for (let index = 0; index < 50; index += 1) {
    const times = bench.times(`key-${index}`);
    assert.equal(times.length, 5);
    assert.deepEqual(new Set(bench.gaps(`key-${index}`)), new Set([INTERVAL_MS]));
    phases.add((times[0] ?? 0) % INTERVAL_MS);
  }
  assert.ok(
    phases.size > 20,
    'payloads are polled at different instants, but for those that go out together',
  );
});

test('two instances poll the same payload at different instants', async () => {
  const first = new Bench(64, 'pod-a');
  const second = new Bench(64, 'pod-b');
  for (const bench of [first, second]) {
    bench.poller.watch(key('k'));
    await bench.clock.advanceInSteps(INTERVAL_MS, 1);
  }
  assert.notDeepEqual(first.times('k'), second.times('k'));
});

test('a payload that is watched twice is polled once', async () => {
  const bench = new Bench();
  bench.poller.watch(key('k'));
  bench.poller.watch(key('k'));
  void bench.poller.watchNow(key('k'));
  await bench.clock.advanceInSteps(INTERVAL_MS, 100);
  assert.equal(bench.times('k').length, 1);
});

test('a poll that throws is logged, and the payload is polled again an interval later', async () => {
  const bench = new Bench();
  bench.broken.add('k');
  bench.poller.watch(key('k'));
  await bench.clock.advanceInSteps(INTERVAL_MS * 3, 100);
  assert.deepEqual(bench.gaps('k'), [INTERVAL_MS, INTERVAL_MS]);
  assert.equal(bench.log.withMessage('unexpected error in background work').length, 3);
});

test('no more polls are in flight than allowed, and all get their turn', async () => {
  const bench = new Bench(3);
  for (let index = 0; index < 10; index += 1) {
    bench.slow.add(`key-${index}`);
    void bench.poller.watchNow(key(`key-${index}`));
  }
  await settle();
  assert.equal(bench.inFlight, 3);
  for (let turn = 0; turn < 10; turn += 1) {
    for (const release of bench.held.values()) release();
    await settle();
  }
  assert.equal(bench.inFlightMax, 3);
  assert.equal(bench.polledAtMs.size, 10);
});

test('a slow payload delays no other, and is not asked for again while its poll runs', async () => {
  const bench = new Bench();
  bench.slow.add('slow');
  bench.poller.watch(key('slow'));
  bench.poller.watch(key('quick'));
  await bench.clock.advanceInSteps(INTERVAL_MS * 4, 100);
  assert.equal(bench.times('slow').length, 1);
  assert.equal(bench.times('quick').length, 4);
});

test('after a slow poll the payload comes back to its phase', async () => {
  const bench = new Bench();
  bench.slow.add('k');
  bench.poller.watch(key('k'));
  await bench.clock.advanceInSteps(INTERVAL_MS + 15_000, 100);
  bench.slow.clear();
  bench.held.get('k')?.();
  await settle();
  await bench.clock.advanceInSteps(INTERVAL_MS * 3, 100);
  const [first = 0, ...later] = bench.times('k');
  for (const time of later) assert.equal((time - first) % INTERVAL_MS, 0);
  assert.ok(later.length >= 2);
});

test('after failures the wait doubles up to 60 s, and one success brings the interval back', async () => {
  const bench = new Bench();
  bench.outcome = FAILED;
  bench.poller.watch(key('k'));
  await bench.clock.advanceInSteps(300_000, 100);
  assert.deepEqual(bench.gaps('k').slice(0, 5), [10_000, 20_000, 40_000, 60_000, 60_000]);
  bench.outcome = UNCHANGED;
  const before = bench.times('k').length;
  await bench.clock.advanceInSteps(100_000, 100);
  assert.deepEqual(new Set(bench.gaps('k').slice(before)), new Set([INTERVAL_MS]));
});

test('an origin that is back for one payload is asked for all others within an interval, spread over it', async () => {
  const bench = new Bench();
  bench.outcome = FAILED;
  const names = Array.from({ length: 50 }, (_none, index) => `key-${index}`);
  for (const name of names) bench.poller.watch(key(name));
  await bench.clock.advanceInSteps(300_000, 100);
  const before = bench.polledAtMs;
  const last = names.map((name) => before.get(name)?.at(-1) ?? 0);
  const backAtMs = bench.clock.monotonicMs();
  bench.outcome = UNCHANGED;
  while (names.every((name, index) => bench.times(name).at(-1) === last[index])) {
    await bench.clock.advanceInSteps(100, 100);
  }
  const firstAtMs = bench.clock.monotonicMs();
  assert.ok(firstAtMs - backAtMs <= 60_000);
  await bench.clock.advanceInSteps(INTERVAL_MS, 100);
  const polledAtMs = names.map((name) => bench.times(name).find((atMs) => atMs > backAtMs) ?? Infinity);
  assert.ok(Math.max(...polledAtMs) <= firstAtMs + INTERVAL_MS);
  assert.ok(new Set(polledAtMs.map((atMs) => Math.floor(atMs / 1_000))).size > 5, 'not all at one time');
});

test('an origin that is back for others still gets the time that it asked for', async () => {
  const bench = new Bench();
  bench.outcome = FAILED;
  bench.outcomes.set('patient', failed('status_429', 'HTTP status 429', 200_000));
  bench.poller.watch(key('patient'));
  bench.poller.watch(key('k'));
  await bench.clock.advanceInSteps(30_000, 100);
  const [askedAtMs = 0] = bench.times('patient');
  bench.outcome = UNCHANGED;
  bench.outcomes.delete('patient');
  await bench.clock.advanceInSteps(300_000, 100);
  const [, again = 0] = bench.times('patient');
  assert.ok(again >= askedAtMs + 200_000, `${again - askedAtMs} ms`);
});

test('what is not held yet is tried again after one second, two, four, and then as seldom as anything else', async () => {
  const bench = new Bench();
  bench.isHeld = false;
  bench.outcome = FAILED;
  bench.poller.watch(key('k'));
  await bench.clock.advanceInSteps(300_000, 100);
  assert.deepEqual(bench.gaps('k').slice(0, 8), [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
});

test('a refused key is asked for less often too', async () => {
  const bench = new Bench();
  bench.outcome = { kind: 'unauthorized', status: 401 };
  bench.poller.watch(key('k'));
  await bench.clock.advanceInSteps(80_000, 100);
  assert.deepEqual(bench.gaps('k').slice(0, 3), [10_000, 20_000, 40_000]);
});

test('an origin that asks to be left alone is left alone', async () => {
  const bench = new Bench();
  bench.outcome = failed('status_429', 'HTTP status 429', 45_000);
  bench.poller.watch(key('k'));
  await bench.clock.advanceInSteps(100_000, 100);
  const [gap = 0] = bench.gaps('k');
  assert.ok(gap > 45_000 && gap <= 45_000 + INTERVAL_MS, `${gap} ms`);
  assert.equal(gap % INTERVAL_MS, 0, 'at its own phase again');
});

test('a payload that is watched no more is polled no more, also when its poll was running', async () => {
  const bench = new Bench();
  bench.slow.add('k');
  bench.poller.watch(key('k'));
  await bench.clock.advanceInSteps(INTERVAL_MS, 100);
  bench.poller.unwatch(key('k'));
  bench.held.get('k')?.();
  await bench.clock.advanceInSteps(INTERVAL_MS * 3, 100);
  assert.equal(bench.times('k').length, 1);
  assert.equal(bench.clock.scheduled, 0);
});

test('a stopped poller begins nothing more', async () => {
  const bench = new Bench();
  bench.poller.watch(key('k'));
  bench.poller.stop();
  bench.poller.watch(key('l'));
  await bench.clock.advanceInSteps(INTERVAL_MS * 2, 100);
  assert.equal(bench.polledAtMs.size, 0);
  assert.equal(bench.clock.scheduled, 0);
});

test('the wait is never less than the interval nor more than ten intervals or 60 s', () => {
  fc.assert(
    fc.property(fc.nat(1_000), fc.integer({ min: 1_000, max: 86_400_000 }), (failures, intervalMs) => {
      const wait = waitMs(failures, intervalMs);
      assert.ok(wait >= intervalMs);
      assert.ok(wait <= Math.max(intervalMs, 60_000));
      assert.ok(wait <= intervalMs * 10);
    }),
  );
});

test('the next phase is after now and within one interval', () => {
  fc.assert(
    fc.property(
      fc.nat(1e9),
      fc.nat(86_400_000),
      fc.integer({ min: 1, max: 86_400_000 }),
      (now, phase, interval) => {
        const next = nextPhaseMs(now, phase % interval, interval);
        assert.ok(next > now && next <= now + interval);
        assert.equal((next - (phase % interval)) % interval, 0);
      },
    ),
  );
});

test('a turn that was spared comes again when it was told to, and then at that rhythm', async () => {
  const bench = new Bench();
  bench.poller.watch(key('a'));
  bench.outcome = { kind: 'spared', forMs: 3_000 };
  await bench.clock.advanceInSteps(2 * INTERVAL_MS, 100);
  const times = bench.times('a');
  assert.ok(times.length >= 4 && bench.gaps('a').every((gap) => gap === 3_000), times.join());
  bench.outcome = UNCHANGED;
  await bench.clock.advanceInSteps(2 * INTERVAL_MS + 3_000, 100);
  assert.equal(bench.gaps('a').at(-1), INTERVAL_MS);
});

test('a poll that is put off comes then, and its failures are forgotten', async () => {
  const bench = new Bench();
  bench.poller.watch(key('a'));
  bench.outcome = FAILED;
  await bench.clock.advanceInSteps(INTERVAL_MS * 8, 100);
  assert.ok((bench.poller.stateOf(key('a'))?.failures ?? 0) > 2);
  bench.outcome = UNCHANGED;
  const polls = bench.times('a').length;
  const atMs = bench.clock.monotonicMs() + 90_000;
  bench.poller.postpone(key('a'), atMs);
  assert.deepEqual(bench.poller.stateOf(key('a'))?.failures, 0);
  await bench.clock.advanceInSteps(89_900, 100);
  assert.equal(bench.times('a').length, polls);
  await bench.clock.advanceInSteps(INTERVAL_MS + 100, 100);
  assert.deepEqual(bench.times('a').slice(polls), [atMs, atMs + INTERVAL_MS]);
});

test('put off while a poll runs, it is the one after that', async () => {
  const bench = new Bench();
  bench.slow.add('a');
  void bench.poller.watchNow(key('a'));
  await settle();
  bench.poller.postpone(key('a'), 35_000);
  bench.held.get('a')?.();
  bench.slow.clear();
  await bench.clock.advanceInSteps(36_000, 100);
  assert.deepEqual(bench.times('a'), [0, 35_000]);
});

test('a poll that is hastened comes earlier, never later; what nobody watches is nobody’s', async () => {
  const bench = new Bench();
  bench.poller.watch(key('a'));
  const dueMs = bench.poller.stateOf(key('a'))?.nextPollMs ?? 0;
  bench.poller.hasten(key('a'), dueMs + 5_000);
  assert.equal(bench.poller.stateOf(key('a'))?.nextPollMs, dueMs);
  bench.poller.hasten(key('a'), -1);
  await bench.clock.advanceInSteps(100, 100);
  assert.equal(bench.times('a').length, 1);
  bench.poller.hasten(key('b'), 0);
  bench.poller.postpone(key('b'), 0);
  assert.deepEqual(bench.poller.watched, [key('a')]);
});

test('a poll that is hastened while it runs is followed by another one at that time, unless it fails', async () => {
  const bench = new Bench();
  bench.poller.watch(key('a'));
  const dueMs = bench.poller.stateOf(key('a'))?.nextPollMs ?? 0;
  bench.clock.advance(dueMs + 200);
  assert.equal(bench.poller.stateOf(key('a'))?.nextPollMs, undefined);
  const againMs = bench.clock.monotonicMs() + 1_000;
  bench.poller.hasten(key('a'), againMs + 5_000);
  bench.poller.hasten(key('a'), againMs);
  await settle();
  assert.equal(bench.poller.stateOf(key('a'))?.nextPollMs, againMs);
});
