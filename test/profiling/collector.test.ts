// Profiles of this process: what is in them, one at a time, their end, and what becomes of a profiler that is missing or fails.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemClock } from '../../src/domain/clock.js';
import {
  Collector,
  PROFILE_BYTES_MAX,
  PROFILE_MS_MAX,
  type Collected,
  type LoadProfiler,
} from '../../src/profiling/collector.js';
import { eventually } from '../e2e/deadline.js';
import { ManualClock, settle } from '../fakes/manual-clock.js';
import { decodeProfile } from './decoded-profile.js';

const NEVER = new AbortController().signal;

function bytesOf(collected: Collected): Buffer {
  assert.ok(Buffer.isBuffer(collected), JSON.stringify(collected));
  return collected;
}

function reasonOf(collected: Collected): string {
  return Buffer.isBuffer(collected) ? 'collected' : collected.reason;
}

/** Until a profile is being collected: the profiler is loaded first. */
async function isWaiting(clock: ManualClock): Promise<void> {
  await eventually('a collection', () => clock.scheduled > 0);
}

function workHardForAWhile(): number {
  let sum = 0;
  for (let index = 0; index < 20_000_000; index += 1) sum += Math.sqrt(index);
  return sum;
}

test('a wall profile shows what ran', async () => {
  const clock = new ManualClock();
  const collector = new Collector(clock);
  const collecting = collector.collect('wall', 1_000, NEVER);
  await isWaiting(clock);
  assert.ok(workHardForAWhile() > 0);
  await nextTurn();
  clock.advance(1_000);
  const { sampleTypes, functions } = decodeProfile(bytesOf(await collecting));
  assert.deepEqual(sampleTypes, ['sample', 'wall']);
  assert.ok(functions.has('workHardForAWhile'), [...functions].join(' '));
  assert.deepEqual([...(collector.outcomes.get('wall') ?? [])], [['collected', 1]]);
});

function allocateALot(): object[] {
  return Array.from({ length: 200_000 }, (_, index) => ({ index, text: `number ${index}` }));
}

test('a heap profile shows who allocated what is in use, since sampling began', async () => {
  const clock = new ManualClock();
  const collector = new Collector(clock);
  const release = await collector.sampleHeap();
  assert.ok(typeof release === 'function');
  const kept = allocateALot();
  const atOnce = collector.collect('heap', 0, NEVER);
  await isWaiting(clock);
  clock.advance(0);
  const { sampleTypes, functions } = decodeProfile(bytesOf(await atOnce));
  assert.deepEqual(sampleTypes, ['inuse_objects', 'inuse_space']);
  assert.ok(
    [...functions].some((name) => name.includes('allocateALot')),
    [...functions].join(' '),
  );
  assert.equal(kept.length, 200_000);
  // Sampling goes on until nobody uses it, and can begin again.
  release();
  const again = await collector.sampleHeap();
  assert.ok(typeof again === 'function');
  again();
});

test('there is one profile at a time, and the next once it is done', async () => {
  const clock = new ManualClock();
  const collector = new Collector(clock);
  const first = collector.collect('wall', 1_000, NEVER);
  assert.equal(reasonOf(await collector.collect('heap', 1_000, NEVER)), 'profiler_busy');
  await isWaiting(clock);
  clock.advance(1_000);
  assert.equal(reasonOf(await first), 'collected');
  const next = collector.collect('heap', 0, NEVER);
  await isWaiting(clock);
  clock.advance(0);
  assert.equal(reasonOf(await next), 'collected');
});

test('a profile ends when nobody waits for it any more', async () => {
  const collector = new Collector(systemClock);
  for (const kind of ['wall', 'heap'] as const) {
    const gone = new AbortController();
    const collecting = collector.collect(kind, 50_000, gone.signal);
    await nextTurn();
    gone.abort();
    assert.equal(reasonOf(await collecting), 'profile_ended', kind);
    assert.equal(reasonOf(await collector.collect(kind, 1, NEVER)), 'collected', kind);
  }
  assert.equal(reasonOf(await collector.collect('wall', 50_000, AbortSignal.abort())), 'profile_ended');
});

/** Stands in for the library, whose faults cannot be had on demand. */
function faulty(encoded: () => Promise<Buffer>): LoadProfiler {
  return async () => {
    const real = await import('@datadog/pprof');
    return { time: real.time, heap: real.heap, encode: encoded };
  };
}

test('a profile that is too large, or cannot be made, is a failure', async () => {
  const large = new Collector(
    systemClock,
    faulty(() => Promise.resolve(Buffer.alloc(PROFILE_BYTES_MAX + 1))),
  );
  assert.equal(reasonOf(await large.collect('wall', 1, NEVER)), 'profile_too_large');
  const broken = new Collector(
    systemClock,
    faulty(() => Promise.reject(new Error('out of luck\nat somewhere'))),
  );
  assert.deepEqual(await broken.collect('heap', 1, NEVER), {
    kind: 'failed',
    reason: 'profiler_failed',
    detail: 'out of luck',
  });
  assert.equal(reasonOf(await new Collector(systemClock).collect('heap', 1, NEVER)), 'collected');
});

test('a profiler that is not installed, or has no binary for this platform, is said to be missing', async () => {
  const missing = new Collector(systemClock, () =>
    Promise.reject(new Error('No native build was found for platform=linux\n    loaded from: /somewhere')),
  );
  const failure = {
    kind: 'failed',
    reason: 'profiler_missing',
    detail: 'No native build was found for platform=linux',
  };
  assert.deepEqual(await missing.collect('wall', 1_000, NEVER), failure);
  assert.deepEqual(await missing.sampleHeap(), failure);
});

test('no profile lasts longer than the connection on which somebody waits for it', async () => {
  const clock = new ManualClock();
  const collecting = new Collector(clock).collect('wall', PROFILE_MS_MAX * 10, NEVER);
  await isWaiting(clock);
  clock.advance(PROFILE_MS_MAX);
  await settle();
  assert.equal(reasonOf(await collecting), 'collected');
});
