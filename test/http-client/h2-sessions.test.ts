// How many HTTP/2 sessions an origin costs, how long each is kept, and what becomes of one whose peer is dead.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/domain/clock.js';
import { Gate } from '../fakes/gate.js';
import type { H2Answer } from '../fakes/h2-origin.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { createEventClient } from '../../src/protocols/statsig/origin/event-client.js';
import { CLIENT_OPTIONS } from './client-options.js';
import { specKey, startH2Origin, startPair, told } from './h2-scene.js';

function all(count: number, outcome: string): string[] {
  return Array.from({ length: count }, () => outcome);
}

test('24 cold clients and 400 polled keys cost one session', async (t) => {
  const { origin, client, fetchAll } = await startPair(t);
  assert.deepEqual(await fetchAll(24), all(24, 'updated'));
  for (let round = 0; round < 3; round += 1) {
    // As polls are: so many in flight at one time.
    const keys = Array.from({ length: 400 }, (_none, index) => specKey(index)).values();
    const lanes = Array.from({ length: 64 }, async () => {
      for (const key of keys) assert.equal(told(await client.fetch(key, 0)), 'updated');
    });
    await Promise.all([...lanes, fetchAll(24)]);
  }
  assert.equal(origin.streams, 24 + 3 * 424);
  assert.equal(origin.sessions, 1);
});

test('a second session is opened when streams run out, and no third: others wait', async (t) => {
  const { origin, fetchAll } = await startPair(t, { origin: { settings: { maxConcurrentStreams: 5 } } });
  assert.deepEqual(await fetchAll(3), all(3, 'updated'));
  assert.equal(origin.sessions, 1);
  const { handler } = origin;
  const gate = new Gate();
  const release = gate.hold();
  origin.handler = async (request) => {
    await gate.opened;
    return await handler(request);
  };
  const asked = fetchAll(60);
  await origin.until(() => origin.streamsOpen === 10);
  release();
  assert.deepEqual(await asked, all(60, 'updated'));
  assert.deepEqual([origin.sessions, origin.streamsPeak], [2, 10]);
});

test('an origin that takes fewer streams from now on is not asked for more', async (t) => {
  const { origin, fetchAll } = await startPair(t);
  await fetchAll(1);
  origin.change({ maxConcurrentStreams: 2 });
  // Whatever crosses the change on its way is refused and sent again.
  assert.deepEqual(await fetchAll(40), all(40, 'updated'));
  assert.ok(origin.sessions <= 2);
});

test('an origin that has no memory for so many answers at once gives them one after the other', async (t) => {
  const text = 'x'.repeat(500_000);
  const body = JSON.stringify({ has_updates: true, time: 1_750_000_000_000, text });
  // Node's servers keep 10 MB of answers per session, and reset what comes beyond that.
  const handler = (): H2Answer => ({ status: 200, headers: { 'content-type': 'application/json' }, body });
  const { origin, fetchAll } = await startPair(t, { origin: { handler } });
  assert.deepEqual(await fetchAll(100), all(100, 'updated'));
  assert.ok(origin.sessions <= 2);
});

test('one that takes no streams at all is waited for no longer than a request may take', async (t) => {
  const { origin, client, fetchAll } = await startPair(t, {
    origin: { settings: { maxConcurrentStreams: 0 } },
    client: { requestTimeoutMs: 300 },
  });
  assert.deepEqual(await fetchAll(3), all(3, 'request_timeout'));
  assert.ok(origin.sessions <= 2);
  assert.equal(origin.streams, 0);
  origin.change({ maxConcurrentStreams: 100 });
  assert.equal(told(await client.fetch(specKey(1), 0)), 'updated');
  assert.equal(origin.streams, 1, 'those that were given up are not sent late');
});

test('an idle session is closed before a balancer forgets it', async (t) => {
  const clock = new ManualClock();
  const { origin, fetchAll } = await startPair(t, { clock });
  await fetchAll(2);
  clock.advance(54_000);
  await fetchAll(1);
  clock.advance(54_000);
  assert.equal(origin.sessionsOpen, 1);
  clock.advance(1_000);
  await origin.until(() => origin.connectionsOpen === 0);
  assert.equal(clock.scheduled, 0);
  assert.deepEqual(await fetchAll(1), ['updated']);
  assert.equal(origin.sessions, 2);
});

test('an idle session is closed as soon as the setting says', async (t) => {
  const clock = new ManualClock();
  const { origin, fetchAll } = await startPair(t, { clock, client: { idleConnectionMs: 5_000 } });
  await fetchAll(1);
  clock.advance(4_999);
  assert.equal(origin.sessionsOpen, 1);
  clock.advance(1);
  await origin.until(() => origin.connectionsOpen === 0);
});

test('a session in steady use is replaced after two and a half to five minutes, as names may lead elsewhere by now', async (t) => {
  const clock = new ManualClock();
  const { origin, fetchAll } = await startPair(t, { clock });
  for (let elapsedMs = 0; elapsedMs < 150_000; elapsedMs += 50_000) {
    assert.deepEqual(await fetchAll(1), ['updated']);
    assert.equal(origin.sessions, 1);
    clock.advance(50_000);
  }
  for (let elapsedMs = 150_000; elapsedMs < 300_000 && origin.sessions === 1; elapsedMs += 50_000) {
    clock.advance(50_000);
    await fetchAll(1);
  }
  assert.deepEqual(await fetchAll(1), ['updated']);
  assert.equal(origin.sessions, 2);
  await origin.until(() => origin.connectionsOpen === 1);
});

test('one that is replaced while it is in use ends what it has', async (t) => {
  const clock = new ManualClock();
  const { origin, client } = await startPair(t, { clock });
  const { handler } = origin;
  let gate = new Gate();
  origin.handler = async (request) => {
    if (request.path.includes(specKey(1).sdkKey)) await gate.opened;
    return await handler(request);
  };
  await client.fetch(specKey(0), 0);
  // In steps shorter than the silence after which it gets no requests until its PING is answered.
  for (let elapsedMs = 0; elapsedMs < 300_000; elapsedMs += 2_500) {
    gate = new Gate();
    const release = gate.hold();
    const before = origin.streams;
    const slow = client.fetch(specKey(1), 0);
    await origin.until(() => origin.streams === before + 1);
    clock.advance(2_500);
    assert.equal(told(await client.fetch(specKey(2), 0)), 'updated');
    const { sessions, connectionsOpen } = origin;
    release();
    assert.equal(told(await slow), 'updated');
    if (sessions === 1) continue;
    assert.equal(connectionsOpen, 2);
    await origin.until(() => origin.connectionsOpen === 1);
    return;
  }
  assert.fail('never replaced');
});

test('a peer that is dead is noticed by its silence, and what it was asked is asked elsewhere', async (t) => {
  const clock = new ManualClock();
  const { origin, client, fetchAll } = await startPair(t, { clock });
  await fetchAll(1);
  origin.swallow();
  const asked = fetchAll(10);
  await new Promise(setImmediate);
  clock.advance(3_000);
  assert.equal(origin.sessions, 1, 'a slow answer is waited for');
  clock.advance(3_000);
  assert.deepEqual(await asked, all(10, 'updated'));
  assert.equal(origin.sessions, 2);
  await origin.until(() => origin.connectionsOpen === 1);
  await client.close();
  assert.equal(clock.scheduled, 0);
});

test(
  'a session on which a request timed out takes no other until it is heard',
  { timeout: 60_000 },
  async (t) => {
    const clock = new ManualClock();
    const { origin, client } = await startPair(t, { clock, client: { headersTimeoutMs: 400 } });
    origin.fault = ({ path }) => (path.includes(specKey(7).sdkKey) ? 'silence-before' : undefined);
    const slow = client.fetch(specKey(7), 0);
    await origin.until(() => origin.streams === 1);
    // Something came after it was sent.
    assert.equal(told(await client.fetch(specKey(1), 0)), 'updated');
    origin.swallow();
    clock.advance(400);
    assert.equal(told(await slow), 'headers_timeout');
    // It goes to a connection of its own, and does not wait until the first is known to be dead.
    assert.equal(told(await client.fetch(specKey(2), 0)), 'updated');
    assert.equal(origin.sessions, 2);
    // The first is known to be dead by its PING, though no request waits on it.
    clock.advance(3_000);
    await origin.until(() => origin.connectionsOpen === 1);
  },
);

test(
  'a session whose peer was sent a PING takes no other request until it is heard',
  { timeout: 60_000 },
  async (t) => {
    const clock = new ManualClock();
    const { origin, fetchAll } = await startPair(t, { clock });
    await fetchAll(1);
    origin.swallow();
    const asked = fetchAll(1);
    await new Promise(setImmediate);
    clock.advance(3_000);
    assert.deepEqual(await fetchAll(5), all(5, 'updated'));
    assert.equal(origin.sessions, 2);
    clock.advance(3_000);
    assert.deepEqual(await asked, ['updated']);
  },
);

test('a peer that answers nothing but PINGs for a while lives', async (t) => {
  const { origin, client } = await startPair(t);
  const { handler } = origin;
  origin.handler = async (request) => {
    // Longer than the silence after which a peer without PINGs is dead.
    await pause(7_000);
    return await handler(request);
  };
  assert.equal(told(await client.fetch(specKey(1), 0)), 'updated');
  assert.deepEqual([origin.sessions, origin.streams], [1, 1]);
});

test('a request that times out alone leaves a session that others are served on', async (t) => {
  const { origin, client, fetchAll } = await startPair(t, { client: { headersTimeoutMs: 400 } });
  origin.fault = ({ path }) => (path.includes(specKey(7).sdkKey) ? 'silence-before' : undefined);
  const slow = client.fetch(specKey(7), 0);
  await origin.until(() => origin.streams === 1);
  assert.deepEqual(await fetchAll(5), all(5, 'updated'));
  assert.equal(told(await slow), 'headers_timeout');
  // Until its PING is answered, another may be opened.
  for (let round = 0; round < 5; round += 1) assert.deepEqual(await fetchAll(5), all(5, 'updated'));
  assert.ok(origin.sessions <= 2);
});

test('a window that stays shut costs the delivery its time, and nothing is left of it', async (t) => {
  const origin = await startH2Origin(t, { settings: { initialWindowSize: 0 } });
  const client = createEventClient(systemClock, {
    ...CLIENT_OPTIONS,
    endpoint: new URL(origin.url),
    caPem: origin.caPem,
    headersTimeoutMs: 300,
  });
  t.after(() => client.close());
  const delivery = {
    sdkKey: 'secret-a',
    batchId: 'a',
    headers: {},
    query: '',
    body: Buffer.alloc(100_000, ' '),
  };
  const outcomes = await Promise.all(Array.from({ length: 4 }, () => client.deliver(delivery)));
  for (const outcome of outcomes) {
    assert.equal(outcome.kind === 'failed' ? outcome.reason : outcome.kind, 'headers_timeout');
  }
  await origin.until(() => origin.streamsOpen === 0);
  assert.ok(origin.sessions <= 2 && origin.connectionsOpen <= 1);
  origin.change({ initialWindowSize: 65_535 });
  assert.deepEqual(await client.deliver(delivery), { kind: 'taken' });
});

test('everything is closed with the client', async (t) => {
  const clock = new ManualClock();
  const { origin, client, fetchAll } = await startPair(t, { clock });
  await fetchAll(3);
  origin.fault = () => 'silence-before';
  const before = origin.streams;
  const asked = fetchAll(3);
  await origin.until(() => origin.streams === before + 3);
  await client.close();
  assert.deepEqual(await asked, all(3, 'closed'));
  assert.deepEqual(await fetchAll(1), ['closed']);
  await origin.until(() => origin.connectionsOpen === 0);
  assert.equal(clock.scheduled, 0);
});
