// Features start in order, stop in reverse, and a failure in one of them keeps no other from closing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Features, type Feature } from '../../src/app/feature.js';
import { ManualClock, settle } from '../fakes/manual-clock.js';

const PROBLEM = { reason: 'origin_failing', sinceMs: 0, count: 1 } as const;

interface Scene {
  readonly clock: ManualClock;
  readonly features: Features;
  /** What was called, in its order. */
  readonly calls: string[];
}

/** Each step of a feature is called `step name`, and does what `steps` says under that name. */
function start(names: readonly string[], steps: Readonly<Record<string, () => Promise<void>>> = {}): Scene {
  const [clock, calls] = [new ManualClock(), [] as string[]];
  const call = async (step: string): Promise<void> => {
    calls.push(step);
    await steps[step]?.();
  };
  const toFeature = (name: string): Feature => ({
    name,
    prepare: () => call(`prepare ${name}`),
    open: () => call(`open ${name}`),
    drain: () => call(`drain ${name}`),
    close: () => call(`close ${name}`),
    gauges: () => ({ [name]: { entries: 1, entriesMax: 2 } }),
    unusable: () => [{ ...PROBLEM, what: `${name} is off` }],
    problems: () => [{ ...PROBLEM, what: `${name} fails` }],
    status: (shows) => ({ [`${name}Status`]: shows?.(name) ?? null }),
  });
  const features = new Features(clock);
  features.add(...names.map(toFeature));
  return { clock, features, calls };
}

const broken = (): Promise<void> => Promise.reject(new Error('broken'));
const never = (): Promise<void> => new Promise(() => undefined);

test('features prepare at once, open in order, drain at once and close in reverse', async () => {
  let prepared = (): void => undefined;
  const preparing = new Promise<void>((resolve) => (prepared = resolve));
  const { features, calls } = start(['a', 'b'], { 'prepare a': () => preparing });
  const opening = features.open();
  await settle();
  assert.deepEqual(calls.splice(0), ['prepare a', 'prepare b'], 'none opens before all are prepared');
  prepared();
  await opening;
  assert.deepEqual(calls.splice(0), ['open a', 'open b']);
  await features.close();
  assert.deepEqual(calls, ['drain b', 'drain a', 'close b', 'close a']);
});

test('a feature that takes too long to prepare does not delay the start beyond five seconds', async () => {
  const { clock, features, calls } = start(['a', 'b'], { 'prepare a': never });
  const opening = features.open();
  await settle();
  clock.advance(4_999);
  await settle();
  assert.deepEqual(calls.slice(2), []);
  clock.advance(1);
  await opening;
  assert.deepEqual(calls.slice(2), ['open a', 'open b']);
  assert.equal(clock.scheduled, 0);
});

test('a start that fails opens nothing more', async () => {
  const { features, calls } = start(['a', 'b', 'c'], { 'open b': broken });
  await assert.rejects(features.open(), /broken/);
  assert.ok(!calls.includes('open c'));
});

for (const step of ['drain b', 'close b']) {
  test(`all features close though one fails to ${step.slice(0, 5)}, and the failure is told`, async () => {
    const { features, calls } = start(['a', 'b', 'c'], { [step]: broken });
    await assert.rejects(features.close(), /broken/);
    assert.deepEqual(calls.slice(3), ['close c', 'close b', 'close a']);
  });
}

test('what features state is read as one', () => {
  const { features } = start(['a', 'b']);
  assert.deepEqual(features.gauges, { a: { entries: 1, entriesMax: 2 }, b: { entries: 1, entriesMax: 2 } });
  assert.deepEqual(features.unusable, ['a is off', 'b is off']);
  const told = features.problems.map(({ what }) => what);
  assert.deepEqual(told, ['a is off', 'b is off', 'a fails', 'b fails']);
  assert.deepEqual(Object.entries(features.status(undefined)), [
    ['bStatus', null],
    ['aStatus', null],
  ]);
  assert.deepEqual(
    features.status((sdkKey) => sdkKey === 'a'),
    { aStatus: true, bStatus: false },
  );
});
