// The queue of log events is fair in whatever order keys come: no key, and no crowd of invented ones, takes what others need.
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { failed } from '../../../../src/domain/failure.js';
import type { DeliveryOutcome } from '../../../../src/protocols/statsig/origin/event-origin.js';
import { settle } from '../../../fakes/manual-clock.js';
import { makeBatch } from './disk/folder.js';
import {
  BROKEN,
  makeStore,
  openStore,
  pass,
  REFUSED,
  TAKEN,
  TIMED_OUT,
  type StoreScene,
} from './store-scene.js';

const HOUR_MS = 60 * 60_000;

/** Until a moment in which nothing is on its way: what ends an outage then, ends it for the first batch. */
async function untilBetweenTries(scene: StoreScene): Promise<void> {
  const quietMs = (): number => {
    const last = scene.delivered.findLast(({ sdkKey }) => sdkKey === 'a key');
    return scene.clock.monotonicMs() - (last?.atMs ?? 0);
  };
  while (quietMs() < 500 || quietMs() > 2_000) await pass(scene, 10);
}

async function sendMany({ send }: StoreScene, sdkKey: string, count: number): Promise<number> {
  let accepted = 0;
  for (let batch = 0; batch < count; batch += 1) accepted += Number(await send(sdkKey, `batch ${batch}`));
  return accepted;
}

describe('the first key that ever sends leaves most of the queue to others, and a second one gets through at once', () => {
  for (const [name, verdict] of Object.entries({ failing: BROKEN, refused: REFUSED, slow: TIMED_OUT })) {
    it(`where it is ${name}`, async () => {
      const scene = await openStore({ batchesMax: 800 });
      scene.verdict = ({ sdkKey }) => (sdkKey === 'first' ? verdict : TAKEN);
      const accepted = await sendMany(scene, 'first', 800);
      assert.equal(accepted, 44);
      assert.ok(await scene.send('second', 'hello'));
      await pass(scene, 100);
      assert.deepEqual(scene.taken('second'), ['hello']);
    });
  }
});

describe('what the first key left in an earlier process leaves most of the queue to others, too', () => {
  for (const [name, verdict] of Object.entries({ failing: BROKEN, refused: REFUSED, slow: TIMED_OUT })) {
    it(`where it is ${name}`, async () => {
      const left = Array.from({ length: 307 }, (_none, index) => ({
        ...makeBatch(`batch ${index}`),
        sdkKey: 'first',
      }));
      const scene = makeStore({ batchesMax: 800, knownKeys: ['second'], left });
      scene.verdict = ({ sdkKey }) => (sdkKey === 'first' ? verdict : TAKEN);
      await scene.store.open();
      assert.ok(!(await scene.send('first', 'one more')));
      assert.ok(await scene.send('second', 'hello'));
      await pass(scene, 100);
      assert.deepEqual(scene.taken('second'), ['hello']);
    });
  }
});

for (const [what, bytes, limits] of [
  ['batches', 0, { batchesMax: 800 }],
  ['bytes', 1_000, { batchesMax: 100_000, bytesMax: 800_000 }],
] as const) {
  test(`one known key after the other fills half of what is left, and the last of it stays for keys with little, in ${what}`, async () => {
    const keys = Array.from({ length: 100 }, (_none, key) => `key ${key}`);
    const scene = await openStore({ ...limits, knownKeys: keys });
    scene.verdict = () => BROKEN;
    const fill = async (sdkKey: string): Promise<number> => {
      let accepted = 0;
      while (await scene.send(sdkKey, 'any', bytes)) accepted += 1;
      return accepted;
    };
    const filled = [];
    for (const sdkKey of keys) filled.push(await fill(sdkKey));
    assert.deepEqual(filled.slice(0, 5), [307, 153, 77, 38, 19]);
    assert.deepEqual([filled[20], filled.at(-1)], [3, 0]);
    // The eighth for unknown keys is untouched.
    assert.ok(await scene.send('unknown', 'any', bytes));
  });
}

test('a batch is counted for its key while it is being looked at and written', async () => {
  const { send } = await openStore({ batchesMax: 800, knownKeys: ['a key'] });
  const accepted = await Promise.all(Array.from({ length: 800 }, () => send('a key')));
  assert.equal(accepted.filter(Boolean).length, 307);
});

test('a queue with room for one batch takes one, of any size that fits', async () => {
  for (const bytesMax of [100, 1_000]) {
    const scene = await openStore({ batchesMax: 1, bytesMax });
    assert.ok(await scene.send('a key', 'first', 100));
    await pass(scene, 100);
    assert.ok(await scene.send('a key', 'second', 100));
    assert.ok(!(await scene.send('another', 'third', 100)));
  }
});

test('a batch that is larger than its part of the queue gets in where it is empty', async () => {
  const scene = await openStore({ bytesMax: 1_000 });
  assert.ok(await scene.send('a key', 'large', 900));
  await pass(scene, 100);
  assert.deepEqual(scene.taken('a key'), ['large']);
});

test('invented keys fill an eighth of the queue, and give way to a key that has nothing waiting', async () => {
  const scene = await openStore({ batchesMax: 800, knownKeys: ['known'] });
  scene.verdict = ({ sdkKey }) => (sdkKey.startsWith('invented') ? REFUSED : TAKEN);
  for (let key = 0; key < 300; key += 1) {
    await scene.send(`invented ${key}`);
    await pass(scene, 100);
  }
  assert.equal(scene.store.room.batches, 100);
  assert.equal(await sendMany(scene, 'known', 20), 20);
  assert.ok(await scene.send('new', 'hello'));
  await pass(scene, 100);
  assert.deepEqual(scene.taken('new'), ['hello']);
  assert.ok(scene.dead.every(({ death }) => death.reason === 'refused'));
});

test('during an outage invented keys leave seven eighths of the queue to known ones', async () => {
  const scene = await openStore({ batchesMax: 800 });
  await scene.send('honest', 'before');
  await pass(scene, 100);
  scene.verdict = () => BROKEN;
  for (let key = 0; key < 300; key += 1) await scene.send(`invented ${key}`);
  assert.equal(scene.store.room.batches, 100);
  assert.equal(await sendMany(scene, 'honest', 800), 307);
  assert.equal(scene.dead.length, 0);
});

test('4,000 batches under invented keys cost the origin five requests a second at most, fewer and fewer', async () => {
  const scene = await openStore({ batchesMax: 40_000 });
  scene.verdict = () => REFUSED;
  for (let key = 0; key < 4_000; key += 1) assert.ok(await scene.send(`invented ${key}`));
  await pass(scene, 60_000);
  const requests = async (durationMs: number): Promise<number> => {
    const before = scene.delivered.length;
    await scene.clock.advanceInSteps(durationMs, 1_000);
    return scene.delivered.length - before;
  };
  const firstMinuteEach = await requests(10 * 60_000);
  assert.ok(firstMinuteEach <= 10 * 60 * 5 + 5, `${firstMinuteEach} in ten minutes`);
  await requests(2 * HOUR_MS);
  // By then each is tried about once in 45 minutes: 4,000 of them 1.5 times a second.
  const anHour = await requests(HOUR_MS);
  assert.ok(anHour < 2.5 * 60 * 60, `${anHour} in an hour`);
  assert.equal(scene.store.room.batches, 4_000);
});

test('a key that was taken before is asked for again after 30 s, then less and less often, whoever else is refused', async () => {
  const scene = await openStore({ batchesMax: 10_000, knownKeys: ['known'] });
  scene.verdict = () => REFUSED;
  for (let key = 0; key < 1_000; key += 1) await scene.send(`invented ${key}`);
  await pass(scene, 1_000);
  await scene.send('known');
  await pass(scene, 3 * HOUR_MS);
  const times = scene.delivered.filter(({ sdkKey }) => sdkKey === 'known').map(({ atMs }) => atMs);
  const waits = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0));
  for (const [index, waitMs] of waits.entries()) {
    const wholeMs = Math.min(30_000 * 2 ** index, HOUR_MS);
    assert.ok(waitMs >= wholeMs / 2 && waitMs <= wholeMs + 2_000, `${waitMs} ms after ${index + 1}`);
  }
  assert.ok(waits.length >= 7 && waits.length <= 12, `${waits.length} waits`);
});

describe('one batch that the origin never takes', () => {
  it('keeps back none behind it, and is given up after an hour while they are taken', async () => {
    const scene = await openStore({ knownKeys: ['a key'] });
    scene.verdict = ({ name }) => (name === 'poison' ? BROKEN : TAKEN);
    await scene.send('a key', 'before');
    await scene.send('a key', 'poison');
    for (let batch = 0; batch < 30; batch += 1) await scene.send('a key', `good ${batch}`);
    await scene.clock.advanceInSteps(5_000, 10);
    assert.equal(scene.taken('a key').length, 31);
    for (let batch = 30; batch < 110; batch += 1) {
      await scene.send('a key', `good ${batch}`);
      await pass(scene, 60_000);
      // It stepped aside within the first minute.
      if (batch < 88) assert.equal(scene.dead.length, 0);
    }
    const good = Array.from({ length: 110 }, (_none, batch) => `good ${batch}`);
    assert.deepEqual(scene.taken('a key'), ['before', ...good]);
    assert.deepEqual(
      scene.dead.map(({ name, death }) => [name, death.reason, death.detail]),
      [['poison', 'failed', 'HTTP status 500']],
    );
    assert.equal(scene.store.room.batches, 0);
    assert.equal(scene.logs.withMessage('log events are given up').length, 1);
    const aside = 'a batch of log events keeps failing while later ones are accepted: they overtake it';
    assert.equal(scene.logs.withMessage(aside).length, 1);
  });

  it('goes like any other when the origin takes it at last', async () => {
    const scene = await openStore({ knownKeys: ['a key'] });
    scene.verdict = ({ name }) => (name === 'batch 0' ? BROKEN : TAKEN);
    await sendMany(scene, 'a key', 3);
    await pass(scene, 10 * 60_000);
    scene.verdict = () => TAKEN;
    await pass(scene, 60_000);
    assert.deepEqual(scene.taken('a key'), ['batch 1', 'batch 2', 'batch 0']);
    assert.deepEqual([scene.dead.length, scene.store.room.batches], [0, 0]);
  });

  it('keeps back none behind it where every third is like it, nor where several stand in a row', async () => {
    for (const isBad of [(batch: number) => batch % 3 === 0, (batch: number) => batch < 8]) {
      const scene = await openStore({ batchesMax: 400, knownKeys: ['a key'] });
      scene.verdict = ({ name }) => (isBad(Number(name.slice(6))) ? BROKEN : TAKEN);
      await sendMany(scene, 'a key', 60);
      await scene.clock.advanceInSteps(2 * 60_000, 20);
      const good = Array.from({ length: 60 }, (_none, batch) => batch).filter((batch) => !isBad(batch));
      assert.deepEqual(new Set(scene.taken('a key')), new Set(good.map((batch) => `batch ${batch}`)));
    }
  });

  it('that only times out holds no place of others', async () => {
    const scene = await openStore({ batchesMax: 1_000, knownKeys: ['a key', 'another'] });
    scene.verdict = ({ sdkKey, name }) =>
      sdkKey === 'a key' && Number(name.slice(6)) % 2 === 0 ? TIMED_OUT : TAKEN;
    await sendMany(scene, 'a key', 200);
    for (let minute = 0; minute < 300; minute += 1) await pass(scene, 60_000);
    assert.ok(scene.taken('a key').length > 80, `${scene.taken('a key').length} taken`);
    await scene.send('another', 'hello');
    await pass(scene, 100);
    assert.deepEqual(scene.taken('another'), ['hello']);
  });

  it('is not given up by an origin that sheds nine tenths of its load for ten minutes', async () => {
    const scene = await openStore({ batchesMax: 1_000, knownKeys: ['a key'] });
    let deliveries = 0;
    scene.verdict = () => {
      deliveries += 1;
      return scene.clock.monotonicMs() < 10 * 60_000 && deliveries % 10 > 0 ? BROKEN : TAKEN;
    };
    await sendMany(scene, 'a key', 200);
    await pass(scene, 30 * 60_000);
    assert.deepEqual([scene.dead.length, scene.taken('a key').length], [0, 200]);
  });

  it('is not suspected while nobody can be reached: the order stays as it was', async () => {
    for (const reason of ['connection_refused', 'connect_timeout', 'dns_failed', 'tls_failed']) {
      const scene = await openStore({ knownKeys: ['a key'] });
      scene.verdict = () => failed(reason, 'no connection');
      await sendMany(scene, 'a key', 3);
      await pass(scene, 10 * 60_000);
      assert.deepEqual(new Set(scene.delivered.map(({ name }) => name)), new Set(['batch 0']));
    }
  });

  it('is not suspected for one failure after a long time in which nobody could be reached', async () => {
    const scene = await openStore({ knownKeys: ['a key'] });
    scene.verdict = () => failed('connection_refused', 'no connection');
    await sendMany(scene, 'a key', 3);
    await pass(scene, 10 * 60_000);
    await untilBetweenTries(scene);
    let deliveries = 0;
    scene.verdict = () => ((deliveries += 1) === 1 ? BROKEN : TAKEN);
    await pass(scene, 60_000);
    assert.deepEqual(scene.taken('a key'), ['batch 0', 'batch 1', 'batch 2']);
  });

  it('is kept while nothing else of its key is taken', async () => {
    const scene = await openStore();
    scene.verdict = ({ sdkKey }) => (sdkKey === 'a key' ? BROKEN : TAKEN);
    await sendMany(scene, 'a key', 5);
    for (let minute = 0; minute < 30; minute += 1) {
      await scene.send('another');
      await pass(scene, 60_000);
    }
    assert.deepEqual([scene.dead.length, scene.store.room.batches], [0, 5]);
    await untilBetweenTries(scene);
    scene.verdict = () => TAKEN;
    await pass(scene, 60_000);
    assert.deepEqual(scene.taken('a key'), ['batch 0', 'batch 1', 'batch 2', 'batch 3', 'batch 4']);
  });

  it('costs an outage none of its order', async () => {
    const scene = await openStore({ knownKeys: ['a key'] });
    scene.verdict = () => BROKEN;
    await sendMany(scene, 'a key', 10);
    await pass(scene, 10 * 60_000);
    await untilBetweenTries(scene);
    scene.verdict = () => TAKEN;
    await pass(scene, 60_000);
    assert.deepEqual(
      scene.taken('a key'),
      Array.from({ length: 10 }, (_none, batch) => `batch ${batch}`),
    );
  });
});

describe('an answer that says "never", but may be that of something in between', () => {
  const doubtful = { kind: 'rejected', status: 404, detail: 'no such path', isDoubtful: true } as const;

  it('is tried again for an hour, then the batch is given up', async () => {
    const scene = await openStore();
    scene.verdict = () => doubtful;
    await scene.send('a key', 'first');
    await pass(scene, HOUR_MS - 60_000);
    assert.deepEqual([scene.dead.length, scene.store.room.batches], [0, 1]);
    await pass(scene, 2 * 60_000);
    assert.deepEqual(
      scene.dead.map(({ death }) => death),
      [{ reason: 'rejected', status: 404, detail: 'no such path' }],
    );
  });

  it('costs nothing where it is over before', async () => {
    const scene = await openStore();
    scene.verdict = () => doubtful;
    await scene.send('a key', 'first');
    await scene.send('a key', 'second');
    await pass(scene, 30 * 60_000);
    scene.verdict = () => TAKEN;
    await pass(scene, 60_000);
    assert.deepEqual(scene.taken('a key'), ['first', 'second']);
    // The hour begins anew.
    scene.verdict = () => doubtful;
    await scene.send('a key', 'third');
    await pass(scene, 50 * 60_000);
    assert.equal(scene.dead.length, 0);
  });
});

/** From when it is sent, or an outage is over, until it is taken; SDKs that are turned away try again every 5 s. */
const THROUGH_MS_MAX = 90_000;
const SDK_RETRY_MS = 5_000;

/** Of what kind a key is, and what the origin says of its batch of this number. */
const VERDICTS: Readonly<Record<string, (batch: number) => DeliveryOutcome>> = {
  invented: () => REFUSED,
  refused: () => REFUSED,
  slow: () => TIMED_OUT,
  fails: () => BROKEN,
  'turns bad': (batch) => (batch < 2 ? TAKEN : BROKEN),
  'refused later': (batch) => (batch < 2 ? TAKEN : REFUSED),
  poison: (batch) => (batch % 5 === 4 ? BROKEN : TAKEN),
};

test('whatever others do, every batch of an honest key is taken within 90 s', async () => {
  const troubled = fc.record({
    trouble: fc.constantFrom('fails', 'refused', 'slow', 'turns bad', 'refused later', 'poison'),
    batches: fc.integer({ min: 1, max: 600 }),
    fromS: fc.nat(60),
  });
  const honest = fc.record({ times: fc.array(fc.nat(120), { minLength: 1, maxLength: 6 }) });
  const walk = fc.record({
    batchesMax: fc.constantFrom(1_000, 2_000),
    troubled: fc.array(troubled, { maxLength: 12 }),
    honest: fc.array(honest, { minLength: 1, maxLength: 4 }),
    invented: fc.nat(200),
    outage: fc.record({ fromS: fc.nat(100), lastsS: fc.constantFrom(0, 0, 20, 90) }),
  });
  await fc.assert(
    fc.asyncProperty(walk, async (plan) => {
      const scene = await openStore({ batchesMax: plan.batchesMax });
      const { clock } = scene;
      const outageEndsMs = (plan.outage.fromS + plan.outage.lastsS) * 1_000;
      scene.verdict = ({ sdkKey, name }) => {
        const nowMs = clock.monotonicMs();
        if (nowMs >= plan.outage.fromS * 1_000 && nowMs < outageEndsMs) return BROKEN;
        return VERDICTS[sdkKey.split(':')[0] ?? '']?.(Number(name.slice(6))) ?? TAKEN;
      };
      const due = new Map<string, number>();
      const open: { readonly sdkKey: string; readonly name: string; nextMs: number }[] = [];
      plan.honest.forEach(({ times }, key) => {
        times.forEach((atS, batch) => {
          const [sdkKey, name, nextMs] = [`honest:${key}`, `batch ${batch}`, atS * 1_000];
          open.push({ sdkKey, name, nextMs });
          const fromMs =
            nextMs < plan.outage.fromS * 1_000 - 30_000 ? nextMs : Math.max(nextMs, outageEndsMs);
          due.set(`${sdkKey} ${name}`, fromMs + THROUGH_MS_MAX);
        });
      });
      for (let second = 0; second < 400; second += 1) {
        for (const [key, { trouble, batches, fromS }] of plan.troubled.entries()) {
          // As many in a second as it can.
          for (let batch = 0; second >= fromS && batch < Math.ceil(batches / 10); batch += 1) {
            const number = (second - fromS) * Math.ceil(batches / 10) + batch;
            if (number < batches) await scene.send(`${trouble}:${key}`, `batch ${number}`);
          }
        }
        if (second < plan.invented) await scene.send(`invented:${second}`);
        for (const each of open.filter(({ nextMs }) => nextMs <= clock.monotonicMs())) {
          each.nextMs = (await scene.send(each.sdkKey, each.name))
            ? Infinity
            : clock.monotonicMs() + SDK_RETRY_MS;
        }
        await clock.advanceInSteps(1_000, 250);
        await settle();
      }
      const takenAt = new Map(
        scene.delivered
          .filter(({ outcome }) => outcome === TAKEN)
          .map(({ sdkKey, name, atMs }) => [`${sdkKey} ${name}`, atMs]),
      );
      for (const [batch, byMs] of due) {
        const atMs = takenAt.get(batch) ?? Infinity;
        assert.ok(atMs <= byMs, `${batch} was taken at ${atMs} instead of by ${byMs}`);
      }
      const lost = scene.dead.filter(({ sdkKey }) => sdkKey.startsWith('honest'));
      assert.deepEqual(lost, []);
    }),
    { numRuns: 25 },
  );
});
