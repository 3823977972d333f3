// What every place for snapshots keeps to, whatever it is made of: run by each implementation's test with its own place.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Payload } from '../../src/domain/payload.js';
import type { Confirming, Snapshots } from '../../src/storage/snapshots.js';
import { within } from '../e2e/deadline.js';
import { DEMO, DEMO_PAYLOADS, type DemoPayloads } from '../fakes/demo-payloads.js';
import { anyOrderOfSteps } from './snapshots-model.js';
import { apartFromEachOther, hostileKeys } from './snapshots-names.js';
import {
  A_MINUTE_MS,
  assertHolds,
  holds,
  KEY,
  ownKey,
  TIME,
  type SnapshotsPlace,
  plain,
} from './snapshots-place.js';

type Keeping = (snapshots: Snapshots, place: SnapshotsPlace) => Promise<void>;

/** `create` gives a place in which nothing is stored, and takes it down after the test. */
export function snapshotsContract(name: string, create: (t: TestContext) => Promise<SnapshotsPlace>): void {
  const promise = (sentence: string, run: Keeping): void => {
    test(`${name}: ${sentence}`, async (t) => {
      const place = closingAfter(t, await create(t));
      await run(await place.open(), place);
    });
  };
  for (const demo of DEMO_PAYLOADS) {
    promise(`${demo.name} comes back as it was stored`, (snapshots, place) =>
      roundTrip(snapshots, place, demo),
    );
  }
  promise('what was never stored is missing', neverStored);
  promise('a body of a megabyte comes back as it was stored', largeBody);
  promise('a newer version takes the place of the one stored', newerReplaces);
  promise('an older version is told of the newer one, and changes nothing', olderIsRefused);
  promise('versions are exact from 0 to the largest there is', exactVersions);
  promise('a version in the future replaces no other, and gives way to any', futureGivesWay);
  promise('the version stored may be stored again, in whatever encoding', sameVersionAgain);
  promise('whatever order saves are asked for in, the newest stays', savesAtOnce);
  promise('confirming the version stored makes it young again, and so does saving it', confirmingRenews);
  promise('confirming what is not stored tells how it stands', confirmingElse);
  promise('what was removed is missing, and may be stored again', removing);
  promise('payloads of one SDK key, and of two, do not touch each other', apartFromEachOther);
  promise('every SDK key there may be has a place of its own', hostileKeys);
  promise('two handles see what each other wrote', twoHandles);
  promise('two handles in any order of steps never lose the newest version', anyOrderOfSteps);
  promise('a closed handle does nothing more, and leaves the other alone', closing);
}

function closingAfter(t: TestContext, place: SnapshotsPlace): SnapshotsPlace {
  return {
    open: async () => {
      const snapshots = await place.open();
      t.after(() => within(snapshots.close(), 'end of a handle'));
      return snapshots;
    },
    age: (durationMs) => place.age(durationMs),
  };
}

async function neverStored(snapshots: Snapshots): Promise<void> {
  for (const demo of DEMO_PAYLOADS) {
    const key = demo.keyOf(KEY);
    assert.deepEqual(await snapshots.load(key), { kind: 'missing' });
    assert.deepEqual(await snapshots.confirm(key, TIME), { kind: 'behind' });
    assert.deepEqual(await snapshots.remove(key), { kind: 'missing' });
  }
}

async function roundTrip(snapshots: Snapshots, place: SnapshotsPlace, demo: DemoPayloads): Promise<void> {
  const [key, payload] = [demo.keyOf(KEY), demo.payloadOf(TIME)];
  assert.deepEqual(await snapshots.save(key, payload, 0), { kind: 'stored' });
  const { confirmedAgoMs } = assertHolds(await snapshots.load(key), payload);
  assert.ok(confirmedAgoMs < A_MINUTE_MS, `stored just now, and ${confirmedAgoMs} ms old`);
  const other = await place.open();
  assertHolds(await other.load(key), payload);
}

async function largeBody(snapshots: Snapshots): Promise<void> {
  for (const demo of DEMO_PAYLOADS) {
    const [key, payload] = [demo.keyOf(KEY), demo.payloadOf(TIME + DEMO_PAYLOADS.indexOf(demo), 2500)];
    assert.deepEqual(await snapshots.save(key, payload, 0), { kind: 'stored' });
    assertHolds(await snapshots.load(key), payload);
  }
}

async function newerReplaces(snapshots: Snapshots): Promise<void> {
  for (const demo of DEMO_PAYLOADS) {
    const key = ownKey(demo);
    // The first body is the longer one: nothing of it may stay behind the second.
    for (const payload of [demo.payloadOf(TIME, 50), demo.payloadOf(TIME + 1)]) {
      assert.deepEqual(await snapshots.save(key, payload, 0), { kind: 'stored' });
      assertHolds(await snapshots.load(key), payload);
    }
  }
}

async function olderIsRefused(snapshots: Snapshots): Promise<void> {
  for (const demo of DEMO_PAYLOADS) {
    const key = ownKey(demo);
    const newest = demo.payloadOf(TIME + 1);
    await snapshots.save(key, newest, 0);
    assert.deepEqual(await snapshots.save(key, demo.payloadOf(TIME), 0), {
      kind: 'newer',
      version: TIME + 1,
    });
    assertHolds(await snapshots.load(key), newest);
  }
}

async function exactVersions(snapshots: Snapshots): Promise<void> {
  for (const demo of DEMO_PAYLOADS) {
    const key = ownKey(demo);
    let before: number | undefined;
    // The neighbours are equal to who reads 32 bits only, or no more than 14 digits. Those in the future come first.
    for (const version of [2 ** 53 - 2, 2 ** 53 - 1, 0, 1, 2 ** 32, 2 ** 32 + 1]) {
      assert.deepEqual(await snapshots.confirm(key, version), { kind: 'behind' });
      const payload = demo.payloadOf(version);
      assert.deepEqual(await snapshots.save(key, payload, 0), { kind: 'stored' });
      assert.deepEqual(await snapshots.confirm(key, version), { kind: 'stored' });
      assertHolds(await snapshots.load(key), payload);
      if (before !== undefined) {
        assert.deepEqual(await snapshots.save(key, demo.payloadOf(before), 0), { kind: 'newer', version });
        assert.deepEqual(await snapshots.confirm(key, before), { kind: 'newer', version });
      }
      before = version;
    }
  }
}

async function futureGivesWay(snapshots: Snapshots): Promise<void> {
  const future = 2 ** 53 - 1;
  for (const demo of DEMO_PAYLOADS) {
    const key = ownKey(demo);
    assert.deepEqual(await snapshots.save(key, demo.payloadOf(future), 0), { kind: 'stored' });
    assert.deepEqual(await snapshots.confirm(key, TIME), { kind: 'behind' });
    assert.deepEqual(await snapshots.save(key, demo.payloadOf(TIME), 0), { kind: 'stored' });
    assert.deepEqual(await snapshots.confirm(key, future), { kind: 'newer', version: TIME });
    assert.deepEqual(await snapshots.save(key, demo.payloadOf(future), 0), { kind: 'newer', version: TIME });
    assertHolds(await snapshots.load(key), demo.payloadOf(TIME));
  }
}

async function sameVersionAgain(snapshots: Snapshots): Promise<void> {
  const forms = [DEMO.v2Json, DEMO.v2JsonGzip, DEMO.v2JsonBr];
  const saved: Payload[] = [];
  for (const demo of [...forms, ...forms]) {
    const [key, payload] = [demo.keyOf(KEY), demo.payloadOf(TIME)];
    saved.push(payload);
    assert.deepEqual(await snapshots.save(key, payload, 0), { kind: 'stored' });
    const loaded = await snapshots.load(key);
    assert.ok(
      saved.some((form) => holds(loaded, form)),
      'one of the forms that were saved',
    );
  }
}

async function savesAtOnce(snapshots: Snapshots): Promise<void> {
  for (const demo of DEMO_PAYLOADS) {
    const key = ownKey(demo);
    const versions = [3, 1, 4, 5, 2].map((step) => TIME + step);
    const outcomes = await Promise.all(
      versions.map((version) => snapshots.save(key, demo.payloadOf(version), 0)),
    );
    for (const outcome of outcomes) assert.ok(['stored', 'newer'].includes(outcome.kind), outcome.kind);
    assertHolds(await snapshots.load(key), demo.payloadOf(TIME + 5));
  }
}

async function confirmingRenews(snapshots: Snapshots, place: SnapshotsPlace): Promise<void> {
  const other = await place.open();
  for (const demo of DEMO_PAYLOADS) {
    const key = ownKey(demo);
    const payload = demo.payloadOf(TIME);
    await snapshots.save(key, payload, 0);
    const renewals: (() => Promise<Confirming>)[] = [
      () => snapshots.confirm(key, TIME),
      () => other.confirm(key, TIME),
      () => snapshots.save(key, payload, 0),
    ];
    for (const renew of renewals) {
      await place.age(A_MINUTE_MS);
      const old = assertHolds(await snapshots.load(key), payload);
      assert.ok(old.confirmedAgoMs >= A_MINUTE_MS, `a minute ago, and ${old.confirmedAgoMs} ms old`);
      assert.deepEqual(plain(await renew()), { kind: 'stored' });
      for (const handle of [snapshots, other]) {
        const young = assertHolds(await handle.load(key), payload);
        assert.ok(
          young.confirmedAgoMs < A_MINUTE_MS,
          `confirmed just now, and ${young.confirmedAgoMs} ms old`,
        );
      }
    }
  }
}

async function confirmingElse(snapshots: Snapshots, place: SnapshotsPlace): Promise<void> {
  for (const demo of DEMO_PAYLOADS) {
    const key = ownKey(demo);
    const payload = demo.payloadOf(TIME);
    await snapshots.save(key, payload, 0);
    await place.age(A_MINUTE_MS);
    assert.deepEqual(await snapshots.confirm(key, TIME + 1), { kind: 'behind' });
    assert.deepEqual(await snapshots.confirm(key, TIME - 1), { kind: 'newer', version: TIME });
    const { confirmedAgoMs } = assertHolds(await snapshots.load(key), payload);
    assert.ok(confirmedAgoMs >= A_MINUTE_MS, 'neither of the two has confirmed what is stored');
  }
}

async function removing(snapshots: Snapshots): Promise<void> {
  for (const demo of DEMO_PAYLOADS) {
    const key = demo.keyOf(KEY);
    await snapshots.save(key, demo.payloadOf(TIME + 1), 0);
    assert.deepEqual(await snapshots.remove(key), { kind: 'removed' });
    assert.deepEqual(await snapshots.confirm(key, TIME + 1), { kind: 'behind' });
    assert.deepEqual(await snapshots.load(key), { kind: 'missing' });
    assert.deepEqual(await snapshots.remove(key), { kind: 'missing' });
    // What was removed has no say over what comes after it.
    assert.deepEqual(await snapshots.save(key, demo.payloadOf(TIME), 0), { kind: 'stored' });
    assertHolds(await snapshots.load(key), demo.payloadOf(TIME));
    await snapshots.remove(key);
  }
}

async function twoHandles(first: Snapshots, place: SnapshotsPlace): Promise<void> {
  const second = await place.open();
  for (const demo of DEMO_PAYLOADS) {
    const key = ownKey(demo);
    const [older, newer] = [demo.payloadOf(TIME), demo.payloadOf(TIME + 1)];
    await first.save(key, older, 0);
    assertHolds(await second.load(key), older);
    await second.save(key, newer, 0);
    assertHolds(await first.load(key), newer);
    assert.deepEqual(await first.save(key, older, 0), { kind: 'newer', version: TIME + 1 });
    await place.age(A_MINUTE_MS);
    assert.deepEqual(await first.confirm(key, TIME), { kind: 'newer', version: TIME + 1 });
    assert.deepEqual(plain(await first.confirm(key, TIME + 1)), { kind: 'stored' });
    assert.deepEqual(await first.remove(key), { kind: 'removed' });
    assert.deepEqual(await second.load(key), { kind: 'missing' });
    assert.deepEqual(await second.remove(key), { kind: 'missing' });
    await place.age(A_MINUTE_MS);
    assert.deepEqual(await second.confirm(key, TIME + 1), { kind: 'behind' });
  }
}

async function closing(snapshots: Snapshots, place: SnapshotsPlace): Promise<void> {
  const other = await place.open();
  for (const demo of DEMO_PAYLOADS) await snapshots.save(ownKey(demo), demo.payloadOf(TIME), 0);
  await within(snapshots.close(), 'end of the handle');
  await within(snapshots.close(), 'second end of the handle');
  const closed = { kind: 'failed', reason: 'closed' };
  for (const demo of DEMO_PAYLOADS) {
    const key = ownKey(demo);
    assert.deepEqual(await snapshots.load(key), closed);
    assert.deepEqual(await snapshots.save(key, demo.payloadOf(TIME + 1), 0), closed);
    assert.deepEqual(await snapshots.confirm(key, TIME), closed);
    assert.deepEqual(await snapshots.remove(key), closed);
    assertHolds(await other.load(key), demo.payloadOf(TIME));
  }
}
