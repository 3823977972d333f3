// The census against a model of it, at its bounds, by strangers, and what a poll of a known instance costs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { BodyForms } from '../../../../src/bodies/body-forms.js';
import type { HeldPayload } from '../../../../src/core/payload-store.js';
import { createConcurrencyLimit } from '../../../../src/domain/concurrency-limit.js';
import type { PayloadKey } from '../../../../src/domain/payload-key.js';
import type { ProxyEventFields } from '../../../../src/observability/event-fields.js';
import {
  ClientCensus,
  GONE_AFTER_S,
  INSTANCES_MAX,
  SWEEP_EVERY_S,
  type ListeningClient,
} from '../../../../src/protocols/statsig/clients/client-census.js';
import { pollsInAMinute } from '../../../../src/protocols/statsig/clients/spec-clients.js';
import { ID_LISTS, SPEC_V1, SPEC_V2 } from '../../../../src/protocols/statsig/resource-kinds.js';
import { ManualClock } from '../../../fakes/manual-clock.js';

const FIRST = 1_700_000_000_000;
const LIMIT = createConcurrencyLimit(1);

function keyOf(sdkKey: string, kind = SPEC_V1): PayloadKey {
  return { sdkKey, kind, format: 'json' };
}

interface Bench {
  readonly clock: ManualClock;
  readonly census: ClientCensus;
  /** Delays of updates, as they were told. */
  readonly delaysMs: (number | undefined)[];
  readonly hold: (key: PayloadKey, version: number) => HeldPayload;
  readonly poll: (
    held: HeldPayload,
    session: string | undefined,
    sinceTime: number,
    more?: Record<string, string>,
  ) => void;
  /** Session and version of each instance of the key; a stream is `~`. */
  held(sdkKey: string): readonly string[];
}

function createBench(instancesMax?: number): Bench {
  const clock = new ManualClock();
  const delaysMs: (number | undefined)[] = [];
  const record = (_name: string, { latencyMs }: ProxyEventFields): void => {
    delaysMs.push(latencyMs);
  };
  const census = new ClientCensus(clock, { record }, instancesMax);
  return {
    clock,
    census,
    delaysMs,
    hold: (key, version) => {
      const originForm = { encoding: 'identity', bytes: Buffer.from('{}'), etag: '"x"' } as const;
      const payload = { format: 'json', version, originForm, identityBytes: 2 } as const;
      const forms = new BodyForms(payload, LIMIT);
      const held = {
        key,
        payload,
        forms,
        confirmedAtMs: 0,
        askedAtMs: 0,
        relayedMs: 0,
        source: 'origin' as const,
      };
      census.updated(held);
      return held;
    },
    poll: (held, session, sinceTime, more = {}) => {
      held.askedAtMs = clock.monotonicMs();
      const isSentWhole = sinceTime < held.payload.version;
      census.polled(held, sinceTime, isSentWhole, session, more['statsig-sdk-type'], undefined);
    },
    held: (sdkKey) =>
      census.specs
        .filter(({ key }) => key.sdkKey === sdkKey)
        .flatMap(({ instances }) => [...instances.values()])
        .map(({ session = '~', holds }) => `${session}:${holds}`)
        .sort(),
  };
}

type Which = 0 | 1;

type Step =
  | { readonly do: 'poll'; readonly key: Which; readonly session: number; readonly behind: number }
  | { readonly do: 'update'; readonly key: Which }
  | { readonly do: 'remove'; readonly key: Which }
  | { readonly do: 'listen'; readonly key: Which }
  | { readonly do: 'take'; readonly stream: number }
  | { readonly do: 'leave'; readonly stream: number }
  | { readonly do: 'wait'; readonly s: number };

const KEYS = ['first', 'second'] as const;
const which = fc.constantFrom<Which>(0, 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('poll' as const),
    key: which,
    session: fc.nat(5),
    behind: fc.integer({ min: -1, max: 3 }),
  }),
  fc.record({ do: fc.constantFrom('update' as const, 'remove' as const, 'listen' as const), key: which }),
  fc.record({ do: fc.constantFrom('take' as const, 'leave' as const), stream: fc.nat(5) }),
  fc.record({ do: fc.constant('wait' as const), s: fc.integer({ min: 1, max: 2 * GONE_AFTER_S }) }),
);

interface ModelInstance {
  readonly key: Which;
  readonly name: string;
  holds: number;
  seenS: number;
}

interface OpenStream {
  readonly client: ListeningClient;
  readonly instance: ModelInstance;
}

/** Does each step with the census, and with a list of instances that is searched from end to end. */
class Model {
  instances: ModelInstance[] = [];
  readonly #bench: Bench;
  readonly #held: { [key in Which]?: HeldPayload | undefined } = {};
  readonly #streams: OpenStream[] = [];
  #version = FIRST;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  do(each: Step): void {
    const { clock, census } = this.#bench;
    switch (each.do) {
      case 'poll':
        this.#poll(each.key, `s${each.session}`, each.behind);
        return;
      case 'update':
        this.#held[each.key] = this.#bench.hold(keyOf(KEYS[each.key]), (this.#version += 1000));
        return;
      case 'remove':
        this.#held[each.key] = undefined;
        census.removed(keyOf(KEYS[each.key]));
        this.#keep(({ key }) => key !== each.key);
        return;
      case 'listen':
        this.#listen(each.key);
        return;
      case 'take':
        this.#take(this.#streams[each.stream]);
        return;
      case 'leave':
        this.#streams[each.stream]?.client.left();
        this.#keep((instance) => instance !== this.#streams[each.stream]?.instance);
        return;
      case 'wait':
        clock.advance(each.s * 1000);
        census.sweep();
        this.#keep(({ seenS }) => seenS + GONE_AFTER_S >= clock.monotonicMs() / 1000);
    }
  }

  #poll(key: Which, name: string, behind: number): void {
    const held = this.#held[key];
    if (held === undefined) return;
    const holds = behind < 0 ? 0 : held.payload.version - behind * 1000;
    this.#bench.poll(held, name, holds);
    this.#keep((instance) => instance.key !== key || instance.name !== name);
    this.instances.push({ key, name, holds, seenS: this.#bench.clock.monotonicMs() / 1000 });
  }

  #listen(key: Which): void {
    if (this.#held[key] === undefined) return;
    const instance = { key, name: '~', holds: FIRST, seenS: Infinity };
    const client = this.#bench.census.listens(keyOf(KEYS[key]), FIRST, 'tonic/0.12.3');
    this.#streams.push({ client, instance });
    this.instances.push(instance);
  }

  #take(stream: OpenStream | undefined): void {
    const version = stream && this.#held[stream.instance.key]?.payload.version;
    if (stream === undefined || version === undefined) return;
    stream.client.took(version);
    stream.instance.holds = version;
  }

  #keep(isKept: (instance: ModelInstance) => boolean): void {
    this.instances = this.instances.filter(isKept);
  }
}

test('whatever clients, streams and updates do, the census has what a list of them would have', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const bench = createBench();
      const model = new Model(bench);
      for (const each of steps) model.do(each);
      for (const [at, sdkKey] of KEYS.entries()) {
        const expected = model.instances.filter((instance) => instance.key === at);
        assert.deepEqual(bench.held(sdkKey), expected.map(({ name, holds }) => `${name}:${holds}`).sort());
      }
      assert.equal(bench.census.gauge.entries, model.instances.length);
    }),
  );
});

test('whatever clients do, there are never more than the limit, and each place is that of one instance', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 4 }), (steps, max) => {
      const bench = createBench(max);
      const model = new Model(bench);
      for (const each of steps) model.do(each);
      const { entries } = bench.census.gauge;
      assert.ok(entries <= max);
      assert.equal(KEYS.flatMap((sdkKey) => bench.held(sdkKey)).length, entries);
    }),
  );
});

test('an instance that had an older version tells when it is sent the newer one, once', () => {
  const bench = createBench();
  const first = bench.hold(keyOf('k'), FIRST);
  bench.poll(first, 'a', 0);
  bench.poll(first, 'a', FIRST);
  bench.poll(first, 'b', FIRST);
  bench.clock.advance(60_000);
  const second = bench.hold(keyOf('k'), FIRST + 1);
  bench.clock.advance(4_000);
  bench.poll(second, 'a', FIRST);
  bench.poll(second, 'new', FIRST);
  bench.clock.advance(5_000);
  bench.poll(second, 'a', FIRST);
  bench.poll(second, 'b', FIRST + 1);
  assert.deepEqual(bench.delaysMs, [4_000], 'b has it from another replica, at a time unknown here');
  assert.deepEqual(bench.held('k'), [`a:${FIRST}`, `b:${FIRST + 1}`, `new:${FIRST}`]);
});

test('a stream tells when it took an update, and not when it took its first message', () => {
  const bench = createBench();
  bench.hold(keyOf('k'), FIRST);
  const client = bench.census.listens(keyOf('k'), 0, 'tonic/0.12.3 more');
  client.took(FIRST);
  bench.clock.advance(1_000_000);
  bench.census.sweep();
  bench.hold(keyOf('k'), FIRST + 1);
  bench.clock.advance(70);
  client.took(FIRST + 1);
  assert.deepEqual(bench.delaysMs, [70]);
  assert.deepEqual(bench.held('k'), [`~:${FIRST + 1}`]);
  const sdks = bench.census.specs.flatMap(({ instances }) => [...instances.values()].map(({ sdk }) => sdk));
  assert.deepEqual(sdks, [{ type: 'tonic', version: '0.12.3' }]);
});

test('what names no session is a poll of nobody, and manifests of ID lists have no census', () => {
  const bench = createBench();
  const held = bench.hold(keyOf('k'), FIRST);
  for (const session of [undefined, '', 'x'.repeat(65)]) bench.poll(held, session, 0);
  bench.poll(bench.hold(keyOf('k', ID_LISTS), FIRST), 'a', 0);
  assert.equal(bench.census.unnamedPolls, 3);
  assert.equal(bench.census.gauge.entries, 0);
});

test('one session that asks for two specs is one instance of each', () => {
  const bench = createBench();
  bench.poll(bench.hold(keyOf('k', SPEC_V1), FIRST), 'a', FIRST);
  bench.poll(bench.hold(keyOf('k', SPEC_V2), FIRST), 'a', 0);
  assert.deepEqual(bench.held('k'), ['a:0', `a:${FIRST}`]);
});

test('a key that fills the table takes no place from another, and SDK names are bounded', () => {
  const bench = createBench(100);
  const [loud, calm] = [bench.hold(keyOf('loud'), FIRST), bench.hold(keyOf('calm'), FIRST)];
  for (let at = 0; at < 5_000; at += 1) bench.poll(loud, `loud${at}`, 0, { 'statsig-sdk-type': `sdk${at}` });
  for (let at = 0; at < 20; at += 1) bench.poll(calm, `calm${at}`, FIRST, { 'statsig-sdk-type': 'mine' });
  for (let at = 5_000; at < 9_000; at += 1)
    bench.poll(loud, `loud${at}`, 0, { 'statsig-sdk-type': `sdk${at}` });
  assert.equal(bench.held('calm').length, 20);
  assert.equal(bench.census.gauge.entries, 100);
  assert.ok((bench.census.gauge.reached ?? 0) > 8_000);
});

test('a full table of the longest sessions takes less than 20 MB', () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;

  const bench = createBench();
  const held = bench.hold(keyOf('k'), FIRST);
  gc();
  const before = process.memoryUsage().heapUsed;
  for (let at = 0; at < INSTANCES_MAX + 5_000; at += 1)
    bench.poll(held, Buffer.from(String(at).padEnd(64, 'x')).toString('latin1'), FIRST);
  gc();
  const bytes = process.memoryUsage().heapUsed - before;
  assert.equal(bench.census.gauge.entries, INSTANCES_MAX);
  assert.ok(bytes < 20e6, `${(bytes / INSTANCES_MAX).toFixed(0)} bytes each`);
  bench.clock.advance((GONE_AFTER_S + 1) * 1000);
  bench.census.sweep();
  assert.equal(bench.census.gauge.entries, 0);
});

test('a poll of a known instance makes no object', () => {
  const bench = createBench();
  const held = bench.hold(keyOf('k'), FIRST);
  held.askedAtMs = 123_456.789;
  const round = 50_000;
  const record = (): number => {
    const before = process.memoryUsage().heapUsed;
    for (let index = 0; index < round; index += 1)
      bench.census.polled(held, FIRST, false, 'a-session', 'node', '1');
    return (process.memoryUsage().heapUsed - before) / round;
  };
  // The first rounds are not compiled yet, and a collection makes one less than 0; a boxed number has 16 bytes.
  const perPoll = Array.from({ length: 20 }, record).filter((bytes) => bytes >= 0);
  assert.ok(Math.min(...perPoll) < 12, perPoll.join());
});

test('polls of the last minute are counted, whoever sends them', () => {
  const { clock, census, hold, poll } = createBench();
  const key = keyOf('polled');
  const held = hold(key, FIRST);
  const inAMinute = (): number => pollsInAMinute(census.of(key) ?? assert.fail('not held'));
  const pass = (s: number, pollsPer10S: number): void => {
    for (let passed = 0; passed < s; passed += SWEEP_EVERY_S) {
      for (let polls = 0; polls < pollsPer10S; polls += 1)
        poll(held, polls % 2 === 0 ? 'one' : undefined, FIRST);
      clock.advance(SWEEP_EVERY_S * 1000);
      census.sweep();
    }
  };
  census.polledUnnamed(key);
  census.polledUnnamed(keyOf('nobody holds it'));
  assert.equal(inAMinute(), 1);
  pass(20, 10);
  assert.equal(inAMinute(), 21);
  pass(100, 10);
  assert.equal(inAMinute(), 60);
  pass(60, 0);
  assert.equal(inAMinute(), 0);
});

test('how versions reached clients is kept of the last ones, and a client that came later counts for none', () => {
  const { clock, census, hold, poll } = createBench();
  const key = keyOf('updated');
  let held = hold(key, FIRST);
  for (let client = 0; client < 10; client += 1) poll(held, `client-${client}`, FIRST);
  for (let version = FIRST + 1; version <= FIRST + 20; version += 1) {
    clock.advance(10_000);
    held = hold(key, version);
    for (let client = 0; client < 9; client += 1) {
      clock.advance(100);
      poll(held, `client-${client}`, version - 1);
    }
    poll(held, 'newcomer', 0);
    census.removed({ ...key, sdkKey: 'another' });
  }
  const { pastUpdates, version } = census.of(key) ?? assert.fail('not held');
  assert.equal(version, FIRST + 20);
  assert.equal(pastUpdates.length, 15);
  const last = pastUpdates.at(-1);
  assert.equal(last?.version, FIRST + 19);
  // Ten and, of later versions, the newcomer of the first one.
  assert.equal(last.clients, 11);
  assert.deepEqual([last.p50Ms, last.p90Ms, last.p99Ms], [600, 900, null]);
});
