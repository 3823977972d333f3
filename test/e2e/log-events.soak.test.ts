// SDKs that log through an outage of Statsig: every event arrives, in order, and no SDK drops one or notices.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { eventsOf, startEventOrigin, type EventOrigin } from '../fakes/event-origin.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { lengthOf } from '../fakes/length.js';
import { startProxy, type TestProxy } from '../fakes/proxy.js';
import { eventStatus, send } from '../protocols/statsig/log-events/event-scene.js';
import { eventually, within } from './deadline.js';
import { startLoggingSdk } from './logging-child.js';

/** In the suite long enough for seven tries that fail, each after a longer wait. */
const OUTAGE_MS = lengthOf({ suite: 15_000, soak: 60_000 });
/** The longest wait between two tries, and a little. */
const AFTER_OUTAGE_MS_MAX = 35_000;

interface Stage {
  readonly origin: EventOrigin;
  readonly proxy: TestProxy;
}

async function setStage(t: TestContext, args: readonly string[] = []): Promise<Stage> {
  const specs = await startFakeOrigin();
  t.after(() => specs.close());
  const origin = await startEventOrigin();
  t.after(() => origin.close());
  const options = { origin: specs.url, eventOrigin: origin.url, args: ['--debug-logging', ...args] };
  const proxy = await startProxy(options);
  t.after(() => proxy.app.stop());
  return { origin, proxy };
}

/** The numbers of one SDK's own events, as they came first, and how many deliveries brought one again. */
function numbersOf(origin: EventOrigin, sdkKey: string): readonly number[] {
  const numbers = new Set<number>();
  for (const delivery of origin.taken.filter((each) => each.sdkKey === sdkKey)) {
    for (const { eventName } of eventsOf(delivery)) {
      if (eventName.startsWith('number-')) numbers.add(Number(eventName.slice('number-'.length)));
    }
  }
  return [...numbers];
}

/** The statuses that SDKs were answered with. */
function statusesOf(proxy: TestProxy): ReadonlySet<unknown> {
  const lines = proxy.logs.lines.filter(
    ({ event, path }) => String(event).startsWith('HttpServerRequest') && path === '/v1/log_event',
  );
  return new Set(lines.map(({ status }) => status));
}

describe('SDKs that log', { concurrency: true }, () => {
  it('through an outage in which Statsig takes nothing: all of it arrives, in order', async (t) => {
    const { origin, proxy } = await setStage(t);
    const kinds = ['core', 'legacy', 'like dotnet', 'like java'] as const;
    const sdks = kinds.map((kind) => startLoggingSdk(t, kind, proxy.url, OUTAGE_MS));
    await eventually(
      'first events of each',
      () => new Set(origin.taken.map(({ sdkKey }) => sdkKey)).size === 4,
    );
    await origin.close();
    await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
    await origin.reopen();
    for (const { kind, sdkKey, logged, ended } of sdks) {
      const count = await within(logged, `end of logging by ${kind}`);
      const wanted = Array.from({ length: count }, (_none, number) => number);
      const isThere = (): boolean => numbersOf(origin, sdkKey).length === count;
      await eventually(`all events of ${kind}`, isThere, AFTER_OUTAGE_MS_MAX);
      assert.deepEqual(numbersOf(origin, sdkKey), wanted, kind);
      assert.doesNotMatch(await within(ended, `end of ${kind}`), /drop|fail|error/i, kind);
    }
    assert.deepEqual([...statusesOf(proxy)], [202]);
    const { dead, turnedAway } = await eventStatus(proxy.adminUrl);
    assert.deepEqual({ dead, turnedAway }, { dead: 0, turnedAway: 0 });
  });

  it('while the queue is full keep their events, and all arrive when Statsig is back', async (t) => {
    // Pinned, as keys that are not known may not fill the queue; many, as each leaves room for others.
    const fillers = Array.from({ length: 20 }, (_none, filler) => `secret-filler${filler}`);
    const args = ['--log-event-process-queue-size', '40', '--sdk-keys', fillers.join(',')];
    const { origin, proxy } = await setStage(t, args);
    origin.verdict = () => 503;
    for (const sdkKey of fillers) {
      while ((await send(proxy.url, 'filler', { sdkKey })).status === 202);
    }
    const sdks = (['core', 'legacy'] as const).map((kind) => startLoggingSdk(t, kind, proxy.url, 3_000));
    await eventually('503 for both', async () => {
      const { byKey } = await eventStatus(proxy.adminUrl);
      return byKey.filter(({ sdkKey, turnedAway }) => sdkKey !== 'secret-***' && turnedAway > 0).length === 2;
    });
    origin.verdict = () => 202;
    for (const { kind, sdkKey, logged, ended } of sdks) {
      const count = await within(logged, `end of logging by ${kind}`, 90_000);
      await eventually(`all events of ${kind}`, () => numbersOf(origin, sdkKey).length === count, 90_000);
      await within(ended, `end of ${kind}`, 90_000);
    }
    assert.deepEqual([...statusesOf(proxy)].sort(), [202, 503]);
  });
});
