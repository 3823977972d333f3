// The read path: hits, single flights, what is remembered of failures and refusals, and every bound of it.
import { createConcurrencyLimit } from '../../src/domain/concurrency-limit.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ColdMemory } from '../../src/core/cold-memory.js';
import { PayloadStore } from '../../src/core/payload-store.js';
import { Reader, type Reading, type Restore } from '../../src/core/reader.js';
import { Refresher } from '../../src/core/refresher.js';
import type { PayloadKey } from '../../src/domain/payload-key.js';
import type { Encoding, Payload } from '../../src/domain/payload.js';
import { failed } from '../../src/domain/failure.js';
import type { FetchOutcome, Origin } from '../../src/core/origin.js';
import { ManualClock, settle } from '../fakes/manual-clock.js';
import { SPEC_V1, SPEC_V2, idListsKey } from '../../src/protocols/statsig/resource-kinds.js';

const KEY: PayloadKey = { sdkKey: 'k', kind: SPEC_V2, format: 'json' };

function payload(version: number): Payload {
  const originForm = { encoding: 'identity', bytes: Buffer.from('{}'), etag: '"x"' } as const;
  return { format: 'json', version, originForm, identityBytes: 2 };
}

function updated(version: number): FetchOutcome {
  return { kind: 'updated', payload: payload(version) };
}

interface BenchOptions {
  readonly coldFetchesMax?: number;
  readonly sdkKeysMax?: number;
  readonly clearOnUnauthorized?: boolean;
  readonly restore?: (store: PayloadStore) => Restore;
}

class Bench {
  readonly clock = new ManualClock();
  readonly fetches: { readonly key: PayloadKey; readonly sinceTime: number }[] = [];
  /** The encoding that each fetch asked for. */
  readonly wanted: (Encoding | undefined)[] = [];
  outcome: FetchOutcome = updated(1);
  #release: (() => void)[] | undefined;
  readonly store: PayloadStore;
  readonly refresher: Refresher;
  readonly reader: Reader;

  constructor(options: BenchOptions = {}) {
    const { coldFetchesMax = 4, sdkKeysMax = 100, clearOnUnauthorized = false, restore } = options;
    const origin: Origin = {
      fetch: (key, sinceTime, wanted) => {
        this.wanted.push(wanted);
        return this.#fetch(key, sinceTime);
      },
      close: () => Promise.resolve(),
    };
    this.store = new PayloadStore(this.clock, createConcurrencyLimit(1), { sdkKeysMax });
    const rooms = { store: this.store, memory: new ColdMemory(this.clock) };
    this.refresher = new Refresher(this.clock, origin, rooms, clearOnUnauthorized);
    this.reader = new Reader(this.clock, rooms, this.refresher, restore?.(this.store), {
      coldFetchesMax,
      admits: () => true,
    });
  }

  async #fetch(key: PayloadKey, sinceTime: number): Promise<FetchOutcome> {
    this.fetches.push({ key, sinceTime });
    const release = this.#release;
    if (release !== undefined) await new Promise<void>((resolve) => release.push(resolve));
    return this.outcome;
  }

  hold(): void {
    this.#release = [];
  }

  async release(): Promise<void> {
    const release = this.#release ?? [];
    this.#release = undefined;
    for (const resolve of release) resolve();
    await settle();
  }

  async told(key = KEY): Promise<string> {
    return describe(await this.reader.read(key));
  }
}

function describe(reading: Reading): string {
  return reading.kind === 'unavailable'
    ? `${reading.cause} ${reading.detail} ${reading.retryAfterMs}`.trim()
    : reading.kind;
}

test('a hit is answered in the same turn and fetches nothing', async () => {
  const bench = new Bench();
  assert.equal(await bench.told(), 'held');
  const reading = bench.reader.read(KEY);
  assert.ok(!(reading instanceof Promise));
  assert.equal(reading.kind, 'held');
  assert.equal(bench.fetches.length, 1);
});

test('a thousand cold readers wait for one fetch', async () => {
  const bench = new Bench();
  bench.hold();
  const readings = Array.from({ length: 1_000 }, async () => bench.reader.read(KEY));
  await bench.release();
  const kinds = new Set((await Promise.all(readings)).map((reading) => reading.kind));
  assert.deepEqual([...kinds], ['held']);
  assert.equal(bench.fetches.length, 1);
});

test('a manifest that another program left in Redis without a version gets one from the origin', async () => {
  const bench = new Bench();
  const manifest = idListsKey('k');
  bench.store.apply(manifest, payload(0));
  bench.outcome = updated(7);
  await bench.refresher.refresh(manifest);
  assert.equal(bench.store.peek(manifest)?.payload.version, 7);
  bench.outcome = updated(8);
  assert.equal((await bench.refresher.refresh(manifest)).outcome.kind, 'unchanged');
  assert.equal(bench.store.peek(manifest)?.payload.version, 7, 'the same bytes are no news');
});

test('a manifest whose version lies in the future gets a right one, though its bytes are the same', async () => {
  const bench = new Bench();
  const manifest = idListsKey('k');
  bench.store.apply(manifest, payload(2 ** 53 - 1));
  bench.outcome = updated(7);
  await bench.refresher.refresh(manifest);
  assert.deepEqual(bench.fetches, [{ key: manifest, sinceTime: 0 }]);
  assert.equal(bench.store.peek(manifest)?.payload.version, 7);
});

test('a cold reader joins a poll that is running', async () => {
  const bench = new Bench();
  bench.hold();
  const poll = bench.refresher.refresh(KEY);
  const reading = bench.reader.read(KEY);
  await bench.release();
  await poll;
  assert.equal((await reading).kind, 'held');
  assert.equal(bench.fetches.length, 1);
});

test('a failure is remembered for one second', async () => {
  const bench = new Bench();
  bench.outcome = failed('status_500', 'HTTP status 500');
  assert.equal(await bench.told(), 'origin_failing status_500 1000');
  bench.clock.advance(400);
  assert.equal(await bench.told(), 'origin_failing status_500 600');
  assert.equal(bench.fetches.length, 1);
  bench.clock.advance(600);
  bench.outcome = updated(1);
  assert.equal(await bench.told(), 'held');
});

test('an origin that asks to be left alone is not asked for a cold spec either', async () => {
  const bench = new Bench();
  bench.outcome = failed('status_429', 'HTTP status 429', 30_000);
  assert.equal(await bench.told(), 'origin_failing status_429 30000');
  bench.clock.advance(29_000);
  assert.equal(await bench.told(), 'origin_failing status_429 1000');
  assert.equal(bench.fetches.length, 1);
});

test('a refusal is remembered for ten seconds, for that payload only', async () => {
  const bench = new Bench();
  bench.outcome = { kind: 'unauthorized', status: 403 };
  assert.equal(await bench.told(), 'refused');
  bench.clock.advance(9_999);
  assert.equal(await bench.told(), 'refused');
  assert.equal(bench.fetches.length, 1);
  bench.outcome = updated(1);
  assert.equal(await bench.told({ ...KEY, kind: SPEC_V1 }), 'held');
  bench.clock.advance(1);
  assert.equal(await bench.told(), 'held');
});

test('the tables of failures and refusals are bounded', async () => {
  const bench = new Bench();
  for (const outcome of [failed('status_500', ''), { kind: 'unauthorized', status: 401 } as const]) {
    bench.outcome = outcome;
    for (let index = 0; index < 10_050; index += 1)
      await bench.told({ ...KEY, sdkKey: `${outcome.kind}-${index}` });
  }
  const { failuresRemembered, refusalsRemembered } = bench.reader.gauges;
  assert.equal(failuresRemembered?.entries, 10_000);
  assert.equal(refusalsRemembered?.entries, 10_000);
  assert.equal(bench.store.sdkKeys, 0);
});

test('only so many cold fetches run, so many wait, and the rest is turned away', async () => {
  const bench = new Bench({ coldFetchesMax: 2, sdkKeysMax: 2_000 });
  bench.hold();
  const readings = Array.from({ length: 1_010 }, (_none, index) =>
    bench.reader.read({ ...KEY, sdkKey: `k${index}` }),
  );
  await settle();
  assert.equal(bench.fetches.length, 2);
  const last = readings.at(-1);
  assert.ok(last !== undefined && !(last instanceof Promise));
  assert.equal(describe(last), 'too_many_cold_fetches  1000');
  await bench.release();
  const told = await Promise.all(readings.map(async (reading) => reading));
  assert.equal(told.filter((reading) => reading.kind === 'held').length, 1_002);
});

test('who waited ten seconds for a turn is turned away without a fetch', async () => {
  const bench = new Bench({ coldFetchesMax: 1 });
  bench.hold();
  const first = bench.reader.read(KEY);
  const second = bench.reader.read({ ...KEY, sdkKey: 'other' });
  await settle();
  bench.clock.advance(10_001);
  await bench.release();
  assert.equal((await first).kind, 'held');
  assert.equal(describe(await second), 'too_many_cold_fetches  1000');
  assert.equal(bench.fetches.length, 1);
});

test('a key that could not be kept is not fetched', async () => {
  const bench = new Bench({ sdkKeysMax: 1 });
  bench.store.pin(new Set(['pinned']));
  assert.equal(await bench.told(), 'sdk_keys_limit_reached  1000');
  assert.equal(bench.fetches.length, 0);
});

test('a refresh asks with the version held, and two of one payload are one', async () => {
  const bench = new Bench();
  bench.outcome = updated(7);
  await bench.refresher.refresh(KEY);
  await Promise.all([bench.refresher.refresh(KEY), bench.refresher.refresh(KEY)]);
  assert.deepEqual(
    bench.fetches.map((fetch) => fetch.sinceTime),
    [0, 7],
  );
});

test('a cold fetch asks for what its first client reads, and a poll for what is held', async () => {
  const bench = new Bench();
  await Promise.all([
    bench.reader.read(KEY, { ip: '', wanted: 'gzip' }),
    bench.reader.read(KEY, { ip: '', wanted: 'br' }),
  ]);
  await bench.refresher.refresh(KEY);
  assert.deepEqual(bench.wanted, ['gzip', 'identity']);
});

test('a cold fetch after a backup had nothing asks for what its client reads', async () => {
  const bench = new Bench({ restore: () => () => Promise.resolve(undefined) });
  await bench.reader.read(KEY, { ip: '', wanted: 'gzip' });
  assert.deepEqual(bench.wanted, ['gzip']);
});

test('a refused key goes on being served', async () => {
  const bench = new Bench();
  await bench.told();
  bench.outcome = { kind: 'unauthorized', status: 401 };
  await bench.refresher.refresh(KEY);
  assert.equal(await bench.told(), 'held');
});

test('a refused key is dropped at once where that is wished', async () => {
  const bench = new Bench({ clearOnUnauthorized: true });
  await bench.told();
  bench.outcome = { kind: 'unauthorized', status: 401 };
  await bench.refresher.refresh(KEY);
  assert.equal(bench.store.peek(KEY), undefined);
  assert.equal(await bench.told(), 'refused');
});

test('no failure takes a held spec away, whatever the settings', async () => {
  const bench = new Bench({ clearOnUnauthorized: true });
  await bench.told();
  bench.outcome = failed('status_500', 'HTTP status 500');
  await bench.refresher.refresh(KEY);
  assert.equal(await bench.told(), 'held');
});

test('what a poll of a payload nobody holds brought is remembered for the next client', async () => {
  for (const [outcome, told] of [
    [failed('status_429', 'HTTP status 429', 300_000), 'origin_failing status_429 300000'],
    [{ kind: 'unauthorized', status: 401 } as const, 'refused'],
  ] as const) {
    const bench = new Bench();
    bench.outcome = outcome;
    await bench.refresher.refresh(KEY);
    assert.equal(await bench.told(), told);
    assert.equal(bench.fetches.length, 1);
  }
});

test('a spec whose time is 0 is confirmed by every poll that brings it again', async () => {
  const bench = new Bench();
  bench.outcome = updated(0);
  await bench.told();
  bench.clock.advance(5_000);
  await bench.refresher.refresh(KEY);
  assert.equal(bench.store.peek(KEY)?.confirmedAtMs, 5_000);
});

test('two first fetches that end together are both answered, though only one key can stay', async () => {
  const bench = new Bench({ sdkKeysMax: 1 });
  bench.hold();
  const readings = ['a', 'b'].map(async (sdkKey) => bench.reader.read({ ...KEY, sdkKey }));
  await settle();
  await bench.release();
  assert.deepEqual((await Promise.all(readings)).map(describe), ['held', 'held']);
  assert.equal(bench.store.sdkKeys, 1);
});

test('a poll of a key that left meanwhile neither brings it back nor answers for who asks anew', async () => {
  const bench = new Bench({ sdkKeysMax: 1 });
  await bench.told();
  bench.hold();
  const poll = bench.refresher.refresh(KEY);
  bench.store.apply(
    { ...KEY, sdkKey: 'other' },
    (updated(1) as Extract<FetchOutcome, { kind: 'updated' }>).payload,
  );
  const anew = bench.reader.read(KEY);
  bench.outcome = { kind: 'unchanged' };
  await settle();
  assert.deepEqual(
    bench.fetches.map((fetch) => fetch.sinceTime),
    [0, 1, 0],
  );
  bench.outcome = updated(2);
  await bench.release();
  assert.equal((await poll).held?.payload.version, undefined);
  assert.equal(describe(await anew), 'held');
});

test('keys cut out of long URLs do not keep those alive in the tables', async () => {
  if (globalThis.gc === undefined) setFlagsFromString('--expose-gc');
  const gc = globalThis.gc ?? (runInNewContext('gc') as () => void);
  const bench = new Bench();
  bench.outcome = { kind: 'unauthorized', status: 401 };
  gc();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < 3_000; index += 1) {
    const url = Buffer.from(`/v1/random-key-number-${index}.json?pad=${'x'.repeat(14_000)}`).toString();
    await bench.told({ ...KEY, sdkKey: url.slice(4, url.indexOf('.json')) });
  }
  gc();
  const growthMb = (process.memoryUsage().heapUsed - before) / 1e6;
  assert.ok(growthMb < 15, `${growthMb.toFixed(1)} MB; the URLs are 42 MB`);
});

test('what a backup has is served without the origin, also while every fetch of others hangs', async () => {
  const bench = new Bench({
    coldFetchesMax: 1,
    restore: (store) => async (key) => {
      if (key.sdkKey.startsWith('secret-unknown')) return undefined;
      store.apply(key, payload(7));
      return store.peek(key);
    },
  });
  bench.hold();
  for (let index = 0; index < 5; index += 1) {
    void bench.reader.read({ ...KEY, sdkKey: `secret-unknown-${index}` });
  }
  await settle();
  assert.equal(await bench.told(), 'held');
  assert.equal(bench.store.peek(KEY)?.payload.version, 7);
  assert.ok(bench.fetches.every(({ key }) => key.sdkKey !== KEY.sdkKey));
});

test('what no backup has is fetched; who waits for that counts among those who wait', async () => {
  const asked: PayloadKey[] = [];
  const bench = new Bench({
    restore: () => async (key) => {
      asked.push(key);
      return undefined;
    },
  });
  const readings = [1, 2].map(async () => bench.reader.read(KEY));
  assert.equal(bench.reader.gauges['coldFetchesWaiting']?.entries, 1);
  assert.deepEqual(
    (await Promise.all(readings)).map((reading) => reading.kind),
    ['held', 'held'],
  );
  assert.equal(asked.length, 1);
  assert.equal(bench.fetches.length, 1);
});
