// Limits that clients reach: one throttled line each, a count, and a problem until it has been quiet for five minutes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUDGET, toBodyBytesMax } from '../../src/app/budget.js';
import { LimitWatch } from '../../src/app/limit-watch.js';
import type { Gauge } from '../../src/observability/gauges.js';
import { createLogger } from '../../src/observability/logger.js';
import { eventually } from '../e2e/deadline.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { LogSink } from '../fakes/log-sink.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { SDK_KEY, startProxy } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';

const REACHED = 'clients reached a limit';
const MIB = 1024 * 1024;

test('a limit that is reached is one line a minute, with how often in all, and a problem meanwhile', () => {
  const [clock, logs] = [new ManualClock(), new LogSink()];
  const log = createLogger(logs, { level: 'info', instanceName: 'test', version: '0.0.0' });
  const gauges: Record<string, Gauge> = {
    streams: { entries: 3, entriesMax: 3, reached: 0 },
    calls: { entries: 3, entriesMax: 9 },
  };
  const watch = new LimitWatch(clock, log, () => gauges);
  watch.open();
  clock.advance(60_000);
  assert.deepEqual([logs.withMessage(REACHED), watch.problems()], [[], []]);
  const reach = (reached: number): void => {
    gauges['streams'] = { entries: 3, entriesMax: 3, reached };
  };
  reach(5);
  clock.advance(10_000);
  reach(7);
  clock.advance(10_000);
  const told = (): readonly unknown[] =>
    logs
      .withMessage(REACHED)
      .map(({ level, limit, entriesMax, reached }) => [level, limit, entriesMax, reached]);
  assert.deepEqual(told(), [['warn', 'streams', 3, 5]]);
  const [problem, ...more] = watch.problems();
  assert.deepEqual([problem?.reason, problem?.count, more], ['limit_reached', 7, []]);
  assert.equal(problem?.what, 'Clients reached the limit of streams: 3.');
  assert.equal(problem.sinceMs, clock.nowMs() - 10_000);
  clock.advance(60_000);
  assert.equal(told().length, 1, 'nothing is told twice');
  reach(8);
  clock.advance(10_000);
  assert.deepEqual(told().slice(1), [['warn', 'streams', 3, 8]]);
  clock.advance(240_000);
  assert.equal(watch.problems().length, 1);
  clock.advance(60_000);
  assert.deepEqual(watch.problems(), []);
  watch.close();
  assert.equal(clock.scheduled, 0);
});

test('every row of the budget is a gauge that counts how often it was reached', async (t) => {
  const [origin, clock] = [await startFakeOrigin(), new ManualClock()];
  const args = ['--cold-fetches-max', '1'];
  const proxy = await startProxy({ origin: origin.url, mode: 'grpc-and-http', clock, args });
  t.after(async () => {
    await Promise.all([proxy.app.stop(), clock.advanceInSteps(12_000, 100)]);
    await origin.close();
  });
  const gauges = proxy.app.gauges;
  for (const { gauge } of BUDGET) {
    const { entriesMax = 0, reached } = gauges[gauge] ?? {};
    assert.ok(entriesMax > 0 && reached === 0, `${gauge}: ${JSON.stringify(gauges[gauge])}`);
  }
  const release = origin.hold();
  const asked = Array.from({ length: 1_002 }, (_, index) =>
    rawRequest(`${proxy.url}/v1/download_config_specs/secret-invented-${index}.json`),
  );
  const first = await Promise.race(asked);
  assert.equal(first.status, 503);
  const status = JSON.parse((await rawRequest(`${proxy.adminUrl}/status`)).text) as {
    readonly tables: Readonly<Record<string, Gauge>>;
    readonly problems: readonly { readonly reason: string }[];
  };
  assert.deepEqual(status.tables['coldFetchesWaiting'], { entries: 1_000, entriesMax: 1_000, reached: 1 });
  assert.deepEqual(
    status.problems.map(({ reason }) => reason),
    ['limit_reached'],
  );
  assert.equal((await rawRequest(`${proxy.url}/v1/health`)).status, 200);
  release();
  let areAnswered = false;
  const answered = Promise.all(asked).then(() => (areAnswered = true));
  // Bodies are not recompressed before no first fetch waits any more, and that is looked at by the clock.
  await eventually('answers', () => {
    clock.advance(20);
    return areAnswered;
  });
  await answered;
  assert.equal((await rawRequest(`${proxy.url}/v1/download_config_specs/${SDK_KEY}.json`)).status, 200);
});

test('bodies that arrive take four of the largest, a quarter of memory, and at least one', () => {
  const bodyBytesMax = (memoryMib: number): number =>
    toBodyBytesMax({ logEventBodyMaxMib: 20 }, { memoryBytesMax: memoryMib * MIB }) / MIB;
  assert.deepEqual([Infinity, 1_000, 200, 40].map(bodyBytesMax), [80, 80, 50, 20]);
});
