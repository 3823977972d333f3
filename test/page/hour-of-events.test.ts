// A page left open for an hour of events, which is turned by hand: it holds no more at the end than after some minutes, and leaves nothing on the server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CDPSession } from 'playwright-core';
import { EXAMPLES } from '../../src/servers/admin/openapi/examples.js';
import { done, type OperatorApi } from '../../src/servers/admin/operator-api.js';
import { eventually } from '../e2e/deadline.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { openPage } from './browser.js';
import { servePage } from './page-server.js';

const STEP_MS = 30_000;
const HOUR_STEPS = 120;
const WARM_STEPS = 30;
const EVENTS_A_STEP = 15;
const SPECS = 40;
/** Of the heap after garbage is collected: what the browser keeps for itself varies by some 100 kB. */
const HEAP_GROWTH_BYTES_MAX = 500_000;

interface Held {
  readonly nodes: number;
  readonly listeners: number;
  readonly heapBytes: number;
}

/** What answers as a proxy does whose specs change at each step, under versions of their own. */
function changingApi(step: () => number): Pick<OperatorApi, 'specs' | 'holds' | 'audit'> {
  const [spec] = EXAMPLES.Specs.specs;
  const keyHash = (index: number): string => index.toString(16).padStart(64, '0');
  return {
    specs: () => ({
      specs: Array.from({ length: SPECS }, (_, index) => ({
        ...spec,
        // Some leave and others come.
        keyHash: keyHash(index + step()),
        version: spec.version + step(),
        requestsPerMinute: step(),
      })),
      total: SPECS,
      matching: SPECS,
      next: null,
    }),
    holds: () => EXAMPLES.Holds,
    audit: async () =>
      done({
        lines: EXAMPLES.Audit.lines.map((line) => ({ ...line, seq: step(), keyHash: keyHash(step()) })),
      }),
  };
}

async function held(cdp: CDPSession): Promise<Held> {
  await cdp.send('HeapProfiler.collectGarbage');
  const { metrics } = await cdp.send('Performance.getMetrics');
  const of = (name: string): number =>
    metrics.find((metric) => metric.name === name)?.value ?? assert.fail(name);
  return { nodes: of('Nodes'), listeners: of('JSEventListeners'), heapBytes: of('JSHeapUsedSize') };
}

test('after an hour of events a page holds what it held before, and its end frees its stream', async (t) => {
  const clock = new ManualClock();
  let steps = 0;
  let asked = 0;
  const api = changingApi(() => steps);
  const status = (): object => {
    asked += 1;
    return { ...EXAMPLES.Status, instance: `proxy-${steps % 3}` };
  };
  const { url, log, streams } = await servePage(t, clock, { ...api, status });

  const { page, faults, ...opened } = await openPage(t);
  await page.clock.install({ time: clock.nowMs() });
  await page.goto(url);
  await page.locator('tbody tr').first().waitFor();
  assert.equal(streams.gauge.entries, 1);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  let before: Held | undefined;
  while (steps < HOUR_STEPS) {
    steps += 1;
    for (let count = 0; count < EVENTS_A_STEP; count += 1) log.publish('spec', EXAMPLES.SpecEvent);
    const askedBefore = asked;
    clock.advance(STEP_MS);
    await page.clock.runFor(STEP_MS);
    await eventually('refresh', () => asked > askedBefore);
    if (steps === WARM_STEPS) before = await held(cdp);
  }
  await eventually('the last version', async () =>
    (await page.locator('tbody tr').first().innerText()).includes(`${HOUR_STEPS}`),
  );
  const after = await held(cdp);
  t.diagnostic(JSON.stringify({ before, after, asked }));
  assert.ok(before !== undefined);
  assert.ok(after.nodes <= before.nodes * 1.1, `${before.nodes} nodes became ${after.nodes}`);
  assert.ok(after.listeners <= before.listeners, `${before.listeners} listeners became ${after.listeners}`);
  const grown = after.heapBytes - before.heapBytes;
  assert.ok(grown < HEAP_GROWTH_BYTES_MAX, `the heap grew by ${grown} bytes`);
  assert.deepEqual(faults, []);

  await opened.close();
  await eventually('end of the stream', () => streams.gauge.entries === 0);
  assert.equal(clock.scheduled, 0, 'no heartbeat is due');
});
