// First fetches while strangers invent keys: whatever the order and the failures, an honest key gets through in time, new or known.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ColdMemory } from '../../src/core/cold-memory.js';
import { ColdTurns } from '../../src/core/cold-turns.js';
import type { FetchOutcome, Origin } from '../../src/core/origin.js';
import { PayloadStore } from '../../src/core/payload-store.js';
import { Reader, type Reading } from '../../src/core/reader.js';
import { Refresher } from '../../src/core/refresher.js';
import { createConcurrencyLimit } from '../../src/domain/concurrency-limit.js';
import { failed } from '../../src/domain/failure.js';
import type { PayloadKey } from '../../src/domain/payload-key.js';
import type { Payload } from '../../src/domain/payload.js';
import { SPEC_V1, SPEC_V2 } from '../../src/protocols/statsig/resource-kinds.js';
import { ManualClock, settle } from '../fakes/manual-clock.js';

const FETCHES_MAX = 8;
/** A quarter of them. */
const KEPT_FOR_KNOWN = 2;
const QUEUE_MAX = 1_000;
/** The slowest answer of the origin. */
const FETCH_MS_MAX = 1_000;
const FAILURE_REMEMBERED_MS = 1_000;
const STEP_MS = 50;

type Standing = 'held in another format' | 'pinned' | 'evicted before' | 'new';

interface Honest {
  readonly standing: Standing;
  readonly asksAtMs: number;
  readonly fetchMs: number;
  readonly failures: number;
}

interface Flood {
  readonly refusedAfterMs: number;
  /** New invented keys in each step, after the queue was filled. */
  readonly perStep: number;
  /** Of as many clients. */
  readonly addresses: number;
}

const PAYLOAD: Payload = {
  format: 'json',
  version: 1,
  originForm: { encoding: 'identity', bytes: Buffer.from('{}'), etag: '"x"' },
  identityBytes: 2,
};

class Scene {
  readonly clock = new ManualClock();
  readonly store = new PayloadStore(this.clock, createConcurrencyLimit(1), { sdkKeysMax: 100 });
  readonly reader: Reader;
  readonly #honest: readonly Honest[];
  readonly #flood: Flood;
  readonly #failuresLeft: number[];
  #invented = 0;

  constructor(honest: readonly Honest[], flood: Flood) {
    this.#honest = honest;
    this.#flood = flood;
    this.#failuresLeft = honest.map(({ failures }) => failures);
    const memory = new ColdMemory(this.clock);
    this.store.subscribe({
      removed: ({ sdkKey }) => {
        memory.left(sdkKey);
      },
    });
    const origin: Origin = { fetch: (key) => this.#fetch(key), close: () => Promise.resolve() };
    const rooms = { store: this.store, memory };
    const refresher = new Refresher(this.clock, origin, rooms, false);
    this.reader = new Reader(this.clock, rooms, refresher, undefined, {
      coldFetchesMax: FETCHES_MAX,
      admits: () => true,
    });
    this.store.pin(
      new Set(honest.flatMap(({ standing }, index) => (standing === 'pinned' ? [`k${index}`] : []))),
    );
    honest.forEach(({ standing }, index) => {
      const other: PayloadKey = { sdkKey: `k${index}`, kind: SPEC_V1, format: 'json' };
      if (standing === 'pinned' || standing === 'new') return;
      this.store.apply(other, PAYLOAD);
      if (standing === 'evicted before') this.store.remove(other);
    });
  }

  invent(count: number): void {
    for (let index = 0; index < count; index += 1) {
      this.#invented += 1;
      const ip = `10.0.0.${this.#invented % this.#flood.addresses}`;
      const key = { sdkKey: `invented${this.#invented}`, kind: SPEC_V2, format: 'json' } as const;
      void this.reader.read(key, { ip });
    }
  }

  /** Asks until there is a spec, as an SDK does; gives how long that took. */
  async ask(index: number): Promise<number> {
    const startMs = this.clock.monotonicMs();
    for (;;) {
      const key = { sdkKey: `k${index}`, kind: SPEC_V2, format: 'json' } as const;
      const reading: Reading = await this.reader.read(key, { ip: `10.1.0.${index}` });
      if (reading.kind === 'held') return this.clock.monotonicMs() - startMs;
      assert.ok(
        reading.kind === 'unavailable' && reading.cause === 'origin_failing',
        JSON.stringify(reading),
      );
      await this.#sleep(reading.retryAfterMs);
    }
  }

  async run(untilDone: () => boolean, patienceMs: number): Promise<void> {
    for (let passedMs = 0; !untilDone() && passedMs < patienceMs; passedMs += STEP_MS) {
      this.invent(this.#flood.perStep);
      this.clock.advance(STEP_MS);
      await settle();
    }
  }

  #sleep(durationMs: number): Promise<void> {
    return new Promise((resolve) => this.clock.schedule(durationMs, resolve));
  }

  async #fetch({ sdkKey }: PayloadKey): Promise<FetchOutcome> {
    const index = sdkKey.startsWith('k') ? Number(sdkKey.slice(1)) : undefined;
    const honest = index === undefined ? undefined : this.#honest[index];
    await this.#sleep(honest?.fetchMs ?? this.#flood.refusedAfterMs);
    if (index === undefined || honest === undefined) return { kind: 'unauthorized', status: 403 };
    const left = this.#failuresLeft[index] ?? 0;
    this.#failuresLeft[index] = left - 1;
    return left > 0 ? failed('status_500', 'HTTP status 500') : { kind: 'updated', payload: PAYLOAD };
  }
}

const honest: fc.Arbitrary<Honest> = fc.record({
  standing: fc.constantFrom<Standing>('held in another format', 'pinned', 'evicted before', 'new'),
  asksAtMs: fc.integer({ min: 0, max: 2_000 }),
  fetchMs: fc.integer({ min: 1, max: FETCH_MS_MAX }),
  failures: fc.nat(2),
});
const flood: fc.Arbitrary<Flood> = fc.record({
  refusedAfterMs: fc.integer({ min: 1, max: FETCH_MS_MAX }),
  perStep: fc.nat(50),
  addresses: fc.integer({ min: 1, max: 40 }),
});

test('every key gets through in time, whatever strangers ask for', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(honest, { minLength: 1, maxLength: 12 }), flood, async (keys, strangers) => {
      const scene = new Scene(keys, strangers);
      scene.invent(QUEUE_MAX + FETCHES_MAX);
      // As if all known keys came at one time, and each turn were the slowest one.
      const knownMs = (Math.ceil(keys.length / KEPT_FOR_KNOWN) + 1) * FETCH_MS_MAX;
      // As if all clients of unknown keys had one turn before this one. Known keys may hold up each of these fetches.
      const before = Math.ceil((keys.length + strangers.addresses) / (FETCHES_MAX - KEPT_FOR_KNOWN));
      const newMs = (before + Math.ceil(keys.length / FETCHES_MAX) + 1) * FETCH_MS_MAX;
      const tookMs = new Map<number, number>();
      keys.forEach(({ asksAtMs }, index) => {
        scene.clock.schedule(asksAtMs, () => {
          void scene.ask(index).then((ms) => tookMs.set(index, ms));
        });
      });
      await scene.run(() => tookMs.size === keys.length, 60_000);
      keys.forEach(({ failures, standing }, index) => {
        const turnMs = standing === 'new' ? newMs : knownMs;
        const withinMs = (failures + 1) * turnMs + failures * FAILURE_REMEMBERED_MS + STEP_MS * 10;
        assert.ok((tookMs.get(index) ?? Infinity) <= withinMs, `${tookMs.get(index)} of ${withinMs} ms`);
      });
    }),
    { numRuns: 60 },
  );
});

test('a key that was good and is refused now counts as unknown again', async () => {
  const memory = new ColdMemory(new ManualClock());
  const key: PayloadKey = { sdkKey: 'k', kind: SPEC_V2, format: 'json' };
  memory.left('k');
  assert.ok(memory.isGood('k'));
  memory.learn(key, failed('status_500', ''));
  assert.ok(memory.isGood('k'));
  memory.learn(key, { kind: 'unauthorized', status: 401 });
  assert.ok(!memory.isGood('k'));
});

test('a client that comes last has its turn after one of each other, also where every place to wait is taken', async () => {
  const turns = new ColdTurns(FETCHES_MAX);
  const begun: string[] = [];
  let turnedAway = 0;
  const gates: (() => void)[] = [];
  const fetchOf = (client: string) => () =>
    new Promise<void>((resolve) => {
      begun.push(client);
      gates.push(resolve);
    });
  const ask = (client: string): Promise<void> | undefined =>
    turns.enter(client, async (own) => {
      await own.restore(() => Promise.resolve());
      if ((await own.fetch(fetchOf(client))) === 'turned-away') turnedAway += 1;
    });
  const waiting = (): number => turns.gauges['coldFetchesWaiting']?.entries ?? 0;
  for (let index = 0; index < 2 * QUEUE_MAX; index += 1) {
    void ask('flood');
    if (index % 100 === 0) await settle();
  }
  await settle();
  assert.equal(waiting(), QUEUE_MAX);
  assert.equal(begun.splice(0).length, FETCHES_MAX - KEPT_FOR_KNOWN);
  assert.equal(ask('flood'), undefined, 'a client takes no place from itself');
  void ask('new');
  void ask('other');
  await settle();
  assert.equal(turnedAway, 2, 'the flood gave both their places');
  assert.equal(waiting(), QUEUE_MAX);
  for (let turn = 0; turn < 3; turn += 1) {
    gates.shift()?.();
    await settle();
  }
  assert.deepEqual(begun, ['flood', 'new', 'other']);
});
