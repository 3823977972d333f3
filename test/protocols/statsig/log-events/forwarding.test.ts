// What waits for the origin: its order, its retries, and that no key's trouble is another's.
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { eventually } from '../../../e2e/deadline.js';
import { eventsOf, type Delivery, type Verdict } from '../../../fakes/event-origin.js';
import { startEventScene, type EventScene } from './event-scene.js';

const KEYS = {
  good: 'secret-goodkey0123456789',
  slow: 'secret-slowkey0123456789',
  bad: 'secret-badkey00123456789',
};

const DAY_MS = 24 * 60 * 60 * 1000;

function names(deliveries: readonly Delivery[]): readonly string[] {
  return deliveries.flatMap(eventsOf).map(({ eventName }) => eventName);
}

/** Moves the clock until the origin took so many. */
async function advanceUntilTaken({ origin, clock }: EventScene, count: number): Promise<void> {
  await eventually(`taking of ${count} batches`, async () => {
    await clock.advanceInSteps(1_000, 100);
    return origin.taken.length >= count;
  });
}

test('the batches of a key go one after the other, in the order they were accepted', async (t) => {
  const scene = await startEventScene(t);
  let most = 0;
  scene.origin.verdict = () => {
    most = Math.max(most, scene.origin.inFlight);
    return 202;
  };
  const wanted = Array.from({ length: 30 }, (_none, index) => `event ${index}`);
  for (const name of wanted) await scene.send(name);
  await scene.origin.took(30);
  assert.deepEqual(names(scene.origin.taken), wanted);
  assert.equal(most, 1);
});

describe('a batch that the origin did not take is sent again, with the same id and in its place', () => {
  const verdicts: Record<string, Verdict> = {
    ...Object.fromEntries(
      [301, 404, 407, 408, 421, 425, 429, 500, 502, 503, 504, 599].map((status) => [status, status]),
    ),
    'a broken connection': (response) => response.socket?.resetAndDestroy(),
  };
  for (const [name, verdict] of Object.entries(verdicts)) {
    it(`after ${name}`, async (t) => {
      const scene = await startEventScene(t);
      scene.origin.verdict = () => (scene.origin.deliveries.length < 3 ? verdict : 202);
      await scene.send('first');
      await scene.send('second');
      await advanceUntilTaken(scene, 2);
      const ids = scene.origin.deliveries.map(({ batchId }) => batchId);
      assert.deepEqual(names(scene.origin.deliveries), ['first', 'first', 'first', 'first', 'second']);
      assert.equal(new Set(ids.slice(0, 4)).size, 1);
      assert.notEqual(ids[4], ids[0]);
      const { forwarded, retried, dead, waiting } = await scene.status();
      assert.deepEqual({ forwarded, retried, dead }, { forwarded: 2, retried: 3, dead: 0 });
      assert.deepEqual(waiting, { batches: 0, bytes: 0, oldestAgeS: null });
    });
  }

  it('after a silence as long as the request timeout', async (t) => {
    const scene = await startEventScene(t);
    scene.origin.verdict = () => (scene.origin.deliveries.length === 0 ? () => undefined : 202);
    await scene.send('first');
    await scene.origin.received(1);
    scene.clock.advance(30_000);
    await advanceUntilTaken(scene, 1);
    assert.deepEqual(names(scene.origin.deliveries), ['first', 'first']);
  });

  it('while the origin is off the network, and when it is back', async (t) => {
    const scene = await startEventScene(t);
    await scene.origin.close();
    await scene.send('first');
    await scene.send('second');
    const told = scene.proxy.logs.waitFor(
      ({ msg }) => msg === 'delivery of log events fails: they wait and are retried',
    );
    await Promise.all([told, scene.clock.advanceInSteps(60_000, 100)]);
    const { reason, host } = await told;
    assert.deepEqual([reason, host], ['connection_refused', new URL(scene.origin.url).host]);
    await scene.origin.reopen();
    await advanceUntilTaken(scene, 2);
    assert.deepEqual(names(scene.origin.taken), ['first', 'second']);
    assert.equal(scene.proxy.logs.withMessage('delivery of log events works again').length, 1);
  });

  it('not before the origin wants it', async (t) => {
    const scene = await startEventScene(t);
    const busy = { status: 503, headers: { 'retry-after': '20' } };
    scene.origin.verdict = () => (scene.origin.deliveries.length === 0 ? busy : 202);
    await scene.send('first');
    await eventually('first try', async () => (await scene.status()).retried === 1);
    await scene.clock.advanceInSteps(19_900, 100);
    assert.equal(scene.origin.deliveries.length, 1);
    await scene.clock.advanceInSteps(200, 100);
    await scene.origin.took(1);
  });
});

describe('a batch that the origin will never take is given up, and the next one goes', () => {
  for (const status of [400, 405, 413, 422, 451]) {
    it(`after ${status}`, async (t) => {
      const scene = await startEventScene(t);
      scene.origin.verdict = (delivery) =>
        names([{ ...delivery, isTaken: false }])[0] === 'bad' ? { status, text: 'no such thing' } : 202;
      await scene.send('bad');
      await scene.send('good');
      await scene.origin.took(1);
      assert.deepEqual(names(scene.origin.deliveries), ['bad', 'good']);
      const line = await scene.proxy.logs.waitFor(({ msg }) => msg === 'log events are given up');
      assert.deepEqual(
        [line['reason'], line['status'], line['detail']],
        ['rejected', status, 'no such thing'],
      );
      await eventually('its counting', async () => (await scene.status()).waiting.batches === 0);
      const { forwarded, retried, dead } = await scene.status();
      assert.deepEqual({ forwarded, retried, dead }, { forwarded: 1, retried: 0, dead: 1 });
    });
  }
});

describe('a key that the origin refuses', () => {
  for (const status of [401, 403]) {
    it(`waits and is tried again, until it is taken, after ${status}`, async (t) => {
      const scene = await startEventScene(t);
      scene.origin.verdict = () => status;
      await scene.send('first');
      await scene.send('second');
      await scene.origin.received(1);
      await eventually('refusal', async () => (await scene.status()).byKey[0]?.reason === 'refused');
      await scene.clock.advanceInSteps(14_900, 100);
      assert.equal(scene.origin.deliveries.length, 1);
      await scene.clock.advanceInSteps(15_100, 100);
      await scene.origin.received(2);
      await eventually('its answer', async () => (await scene.status()).retried === 2);
      scene.origin.verdict = () => 202;
      await scene.clock.advanceInSteps(60_000, 100);
      await scene.origin.took(2);
      assert.deepEqual(names(scene.origin.taken), ['first', 'second']);
      assert.equal(
        scene.proxy.logs.withMessage(
          "origin refuses this key's log events: they wait and are retried less and less often",
        ).length,
        1,
      );
    });
  }

  it('and one that is slow delay no third', async (t) => {
    const scene = await startEventScene(t);
    scene.origin.verdict = ({ sdkKey }) => {
      if (sdkKey === KEYS.bad) return 403;
      return sdkKey === KEYS.slow ? () => undefined : 202;
    };
    for (const sdkKey of [KEYS.bad, KEYS.slow]) {
      for (let batch = 0; batch < 10; batch += 1) await scene.send('waits', { sdkKey });
    }
    await scene.origin.received(2);
    for (let batch = 0; batch < 10; batch += 1) await scene.send('goes', { sdkKey: KEYS.good });
    // The clock stands still: nothing was waited for.
    await scene.origin.took(10);
    assert.deepEqual(names(scene.origin.taken), Array(10).fill('goes'));
    assert.equal(scene.origin.deliveries.length, 12);
  });

  it('is given up when it was refused for three days, however long it had waited before', async (t) => {
    const scene = await startEventScene(t);
    scene.origin.verdict = () => 500;
    await scene.send('old');
    await eventually('failure', async () => (await scene.status()).retried === 1);
    scene.clock.advance(4 * DAY_MS);
    await scene.origin.received(2);
    scene.origin.verdict = () => 403;
    await eventually('refusal', async () => {
      scene.clock.advance(100);
      return (await scene.status()).byKey[0]?.reason === 'refused';
    });
    const { retried } = await scene.status();
    scene.clock.advance(3 * DAY_MS - 60_000);
    await eventually('a second one', async () => (await scene.status()).retried > retried);
    assert.equal((await scene.status()).dead, 0);
    await eventually('its end', async () => {
      scene.clock.advance(60_000);
      return (await scene.status()).dead === 1;
    });
    const [line] = scene.proxy.logs.withMessage('log events are given up');
    assert.equal(line?.['reason'], 'refused');
    await eventually('an empty queue', async () => (await scene.status()).waiting.batches === 0);
  });
});

test('/status tells of each key, masked, what waits and for how long', async (t) => {
  const scene = await startEventScene(t);
  scene.origin.verdict = ({ sdkKey }) => (sdkKey === KEYS.bad ? 500 : 202);
  await scene.send('good', { sdkKey: KEYS.good });
  await scene.send('bad', { sdkKey: KEYS.bad });
  await scene.origin.received(2);
  await eventually('both outcomes', async () => (await scene.status()).retried === 1);
  scene.clock.advance(40);
  const told = await scene.status();
  assert.equal(told.isDurable, false);
  assert.equal(told.waiting.batches, 1);
  const [good, bad] = [...told.byKey].sort((left) => (left.sdkKey.includes('good') ? -1 : 1));
  assert.equal(good?.sdkKey, 'secret-good***');
  assert.deepEqual([good.accepted, good.forwarded, good.waiting.batches, good.reason], [1, 1, 0, null]);
  assert.deepEqual(
    [bad?.accepted, bad?.forwarded, bad?.waiting.batches, bad?.reason],
    [1, 0, 1, 'status_500'],
  );
  assert.ok(bad !== undefined && bad.waiting.bytes > 0 && bad.waiting.oldestAgeS !== null);
  assert.ok(!JSON.stringify(told).includes(KEYS.bad));
});

describe('when the proxy stops', () => {
  it('what waits is sent first, and nothing more is accepted', async (t) => {
    const scene = await startEventScene(t);
    let release = (): void => undefined;
    scene.origin.verdict = () => (response) => {
      release = () => response.writeHead(202).end('{}');
    };
    await scene.send('first');
    await scene.origin.received(1);
    await scene.send('second');
    const { app } = scene.proxy;
    const stopped = app.stop();
    scene.origin.verdict = () => 202;
    release();
    await Promise.all([stopped, scene.clock.advanceInSteps(4_000, 100)]);
    assert.deepEqual(names(scene.origin.deliveries), ['first', 'second']);
    assert.deepEqual(scene.proxy.logs.withMessage('log events are lost: they waited in memory'), []);
  });

  it('what could not be sent in time is counted and called lost, as there is no disk', async (t) => {
    const scene = await startEventScene(t);
    scene.origin.verdict = () => () => undefined;
    await scene.send('first');
    await scene.send('second');
    await scene.origin.received(1);
    await Promise.all([scene.proxy.app.stop(), scene.clock.advanceInSteps(4_000, 100)]);
    const [line] = scene.proxy.logs.withMessage('log events are lost: they waited in memory');
    assert.equal(line?.['batches'], 2);
  });
});
