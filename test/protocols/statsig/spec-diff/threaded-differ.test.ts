// Comparing in a thread: bodies in any encoding, one pair at a time, and no fault or delay of the thread reaches who asks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DETAIL_CHARACTERS_MAX, NAMES_MAX } from '../../../../src/protocols/statsig/spec-diff/spec-diff.js';
import { ThreadedDiffer } from '../../../../src/protocols/statsig/spec-diff/threaded-differ.js';
import { TIME } from '../../../contracts/snapshots-place.js';
import { DEMO } from '../../../fakes/demo-payloads.js';
import { ManualClock } from '../../../fakes/manual-clock.js';

function create(): {
  readonly clock: ManualClock;
  readonly differ: ThreadedDiffer;
  readonly faults: unknown[];
} {
  const [clock, faults]: [ManualClock, unknown[]] = [new ManualClock(), []];
  return { clock, faults, differ: new ThreadedDiffer(clock, (error) => faults.push(error)) };
}

test('bodies of every encoding and format are compared, JSON with protobuf as well', async () => {
  const { differ, faults } = create();
  const before = DEMO.v2Json.payloadOf(TIME);
  for (const demo of [DEMO.v2JsonGzip, DEMO.v2JsonBr, DEMO.v1Json, DEMO.protobuf]) {
    const differing = await differ.compare(before, demo.payloadOf(TIME + 1, 1));
    assert.ok(differing.kind === 'diff', String(faults[0]));
    assert.deepEqual(differing.diff.gates.added, { count: 1, names: ['filler_gate_0'] });
  }
  assert.deepEqual(faults, []);
});

test('a second pair at the same time is turned away; one that takes too long is given up, and the next is compared', async () => {
  const { clock, differ, faults } = create();
  const [before, after] = [DEMO.v2Json.payloadOf(TIME), DEMO.v2Json.payloadOf(TIME + 1)];
  const first = differ.compare(before, after);
  assert.deepEqual(await differ.compare(before, after), { kind: 'busy' });
  clock.advance(60_000);
  assert.deepEqual(await first, { kind: 'failed' });
  assert.match(String(faults[0]), /too long/);
  assert.equal((await differ.compare(before, after)).kind, 'diff');
  assert.equal(clock.scheduled, 0);
});

test('a body that is no spec fails, and so does a comparison that is under way when the proxy stops', async () => {
  const { differ, faults } = create();
  const good = DEMO.v2Json.payloadOf(TIME);
  const bytes = Buffer.from('no JSON');
  const bad = { ...good, originForm: { ...good.originForm, bytes } };
  assert.deepEqual(await differ.compare(good, bad), { kind: 'failed' });
  assert.match(String(faults[0]), /SyntaxError|JSON/);
  const underWay = differ.compare(good, good);
  await differ.close();
  assert.deepEqual(await underWay, { kind: 'failed' });
});

/** Of the event loop, until the returned function is called. */
function countTurns(): () => number {
  let turns = 0;
  let next: NodeJS.Immediate;
  const count = (): void => {
    turns += 1;
    next = setImmediate(count);
  };
  count();
  return () => {
    clearImmediate(next);
    return turns;
  };
}

test('large specs that differ in everything are compared beside the event loop, and the answer stays within its bounds', async () => {
  const { differ, faults } = create();
  for (const demo of [DEMO.v2Json, DEMO.protobuf]) {
    const [before, after] = [demo.payloadOf(TIME, 3_000), demo.payloadOf(TIME + 1)];
    const stopCounting = countTurns();
    const differing = await differ.compare(before, after);
    const turns = stopCounting();
    assert.ok(differing.kind === 'diff', String(faults[0]));
    const { count, names } = differing.diff.gates.removed;
    assert.deepEqual([count, names.length], [3_000, NAMES_MAX]);
    assert.ok(JSON.stringify(differing.diff).length < 2 * DETAIL_CHARACTERS_MAX);
    assert.ok(turns > 50, `${turns} turns of the event loop`);
  }
});

test('a pair that needs too much memory fails, and nothing else does', async () => {
  const faults: unknown[] = [];
  const differ = new ThreadedDiffer(new ManualClock(), (error) => faults.push(error), 16);
  const large = DEMO.v2Json.payloadOf(TIME, 12_000);
  assert.deepEqual(await differ.compare(large, large), { kind: 'failed' });
  assert.match(String(faults[0]), /memory/);
  const small = DEMO.v2Json.payloadOf(TIME);
  assert.equal((await differ.compare(small, small)).kind, 'diff');
});
