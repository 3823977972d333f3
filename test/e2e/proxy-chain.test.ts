// Proxies of ours behind ours: two replicas behind one name, which the proxies before them follow as it changes.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { freePort } from '../fakes/free-port.js';
import { inRealTime, ManualClock } from '../fakes/manual-clock.js';
import { startProxy, type TestProxy } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { eventually } from './deadline.js';

const FIRST = '127.0.0.1';
const SECOND = '127.0.0.2';
/** One for each proxy in front, so that its connection is enough for all its polls. */
const KEY = 'secret-chained0123456789';
const FRONTS = 8;

class Name {
  addresses: readonly string[] = [FIRST];
  asked = 0;

  /** By turns, as a cluster's DNS gives the addresses of a headless service. */
  readonly lookup = (): Promise<readonly string[]> => {
    this.asked += 1;
    const from = this.asked % this.addresses.length;
    return Promise.resolve([...this.addresses.slice(from), ...this.addresses.slice(0, from)]);
  };
}

interface Chain {
  readonly name: Name;
  readonly fronts: readonly { readonly proxy: TestProxy; readonly clock: ManualClock }[];
  /** Starts the second replica, at the same port of another address. */
  readonly scaleUp: () => Promise<TestProxy>;
  readonly first: TestProxy;
}

async function startChain(t: TestContext, frontCount: number): Promise<Chain> {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  const port = await freePort();
  const startReplica = async (host: string): Promise<TestProxy> => {
    const args = ['--debug-logging', '--host', host, '--http-port', String(port)];
    const replica = await startProxy({ origin: origin.url, args });
    t.after(() => replica.app.stop());
    return replica;
  };
  const first = await startReplica(FIRST);
  const name = new Name();
  const fronts = await Promise.all(
    Array.from({ length: frontCount }, async () => {
      const clock = new ManualClock();
      const { lookup } = name;
      const proxy = await startProxy({
        origin: `http://proxies.internal:${port}`,
        clock,
        lookup,
        args: ['--debug-logging'],
      });
      t.after(() => inRealTime(clock, proxy.app.stop()));
      await askFor(proxy, KEY);
      return { proxy, clock };
    }),
  );
  return { name, fronts, first, scaleUp: () => startReplica(SECOND) };
}

async function askFor(proxy: TestProxy, key: string): Promise<void> {
  const { status } = await rawRequest(`${proxy.url}/v1/download_config_specs/${key}.json`);
  assert.equal(status, 200);
}

/** Requests that a replica answered so far. */
function served({ logs }: TestProxy): number {
  return logs.lines.filter(({ event }) => event === 'HttpServerRequestSuccess').length;
}

function failures({ proxy }: Chain['fronts'][number]): number {
  return proxy.logs.lines.filter(({ event }) => event === 'HttpDataProviderError').length;
}

test('after a scale-up the polls of proxies in front spread over both replicas, without a failure', async (t) => {
  const { name, fronts, first, scaleUp } = await startChain(t, FRONTS);
  // In steps that leave answers the time to come: a jump would be a timeout to what is in flight.
  const pass = async (s: number): Promise<void> => {
    for (let steps = 0; steps < 2 * s; steps += 1) {
      for (const { clock } of fronts) clock.advance(500);
      await pause(10);
    }
  };
  await pass(30);
  const second = await scaleUp();
  name.addresses = [FIRST, SECOND];
  await pass(60);
  assert.equal(served(second), 0, 'kept connections are left when they are old');
  await pass(300);
  const [ofFirst, ofSecond] = [served(first), served(second)];
  await pass(50);
  const shares = [served(first) - ofFirst, served(second) - ofSecond];
  for (const share of shares) assert.ok(share >= FRONTS, shares.join(' and '));
  for (const front of fronts) assert.equal(failures(front), 0);
});

test('a replica that is gone is left at once: the name is asked anew, and clients notice nothing', async (t) => {
  const { name, fronts, first, scaleUp } = await startChain(t, 1);
  const [front] = fronts;
  if (front === undefined) throw new Error('no proxy in front');
  const second = await scaleUp();
  await first.app.stop();
  name.addresses = [SECOND];
  const askedBefore = name.asked;
  await askFor(front.proxy, 'secret-newcomer0123456789');
  assert.ok(name.asked > askedBefore);
  assert.equal(served(second), 1);
  front.clock.advance(10_000);
  await eventually('polls', () => served(second) >= 2);
  assert.equal(failures(front), 0);
});
