// Bodies looked into by a thread: what it remembers and when, and that its troubles lose no batch.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ThreadedInspector } from '../../../../../src/protocols/statsig/log-events/inspection/threaded-inspector.js';
import type { InspectionRequest } from '../../../../../src/protocols/statsig/log-events/inspection/inspection.js';
import { eventually, within } from '../../../../e2e/deadline.js';
import { ManualClock } from '../../../../fakes/manual-clock.js';
import { batchText, configExposure, customEvent, gateExposure } from '../event-bodies.js';

interface Scene {
  readonly clock: ManualClock;
  readonly inspector: ThreadedInspector;
  readonly broke: unknown[];
  readonly forgotten: number[];
}

/** `extra` goes to the thread as well: one that cannot be copied keeps it from being started. */
function startInspector(t: TestContext, exposuresMax = 100, extra?: unknown): Scene {
  const clock = new ManualClock();
  const broke: unknown[] = [];
  const forgotten: number[] = [];
  const listener = {
    threadBroke: (error: unknown) => void broke.push(error),
    exposuresForgotten: (exposures: number) => void forgotten.push(exposures),
  };
  const options = { decodedBytesMax: 100 * 1024 * 1024, exposuresMax, extra };
  const inspector = new ThreadedInspector(clock, listener, options);
  t.after(() => inspector.close());
  return { clock, inspector, broke, forgotten };
}

function request(events: readonly unknown[]): InspectionRequest {
  return { sdkKey: 'secret-a', body: Buffer.from(batchText(events)), coding: '' };
}

async function droppedOf({ inspector }: Scene, events: readonly unknown[], isKept = true): Promise<number> {
  const { inspection, settle } = await within(inspector.inspect(request(events)), 'look into a body');
  settle(isKept);
  return inspection.kind === 'batch' ? inspection.dropped : NaN;
}

test('an exposure counts as sent once its batch is kept, and not before', async (t) => {
  const scene = startInspector(t);
  assert.equal(await droppedOf(scene, [gateExposure(), customEvent()], false), 0);
  assert.equal(await droppedOf(scene, [gateExposure(), customEvent()]), 0);
  assert.equal(await droppedOf(scene, [gateExposure(), configExposure()]), 1);
  await eventually('word of what is remembered', () => scene.inspector.remembered === 2);
});

test('what is forgotten is told', async (t) => {
  const scene = startInspector(t, 2);
  for (let user = 0; user < 4; user += 1) await droppedOf(scene, [gateExposure({ user: { userID: user } })]);
  await eventually('word of what was forgotten', () => scene.forgotten.length === 2);
  assert.deepEqual(scene.forgotten, [1, 1]);
});

test('who waited five seconds goes on unread, and what is found later is not remembered', async (t) => {
  const scene = startInspector(t);
  const waiting = scene.inspector.inspect(request([gateExposure()]));
  scene.clock.advance(5_000);
  const { inspection, settle } = await waiting;
  assert.deepEqual(inspection, { kind: 'unread', reason: 'busy' });
  settle(true);
  assert.equal(await droppedOf(scene, [gateExposure()]), 0);
});

test('who comes while too many wait goes on unread at once', async (t) => {
  const { inspector } = startInspector(t);
  const first = Array.from({ length: 128 }, (_none, index) =>
    inspector.inspect({ ...request([customEvent()]), sdkKey: `secret-${index % 8}` }),
  );
  const late = await inspector.inspect(request([customEvent()]));
  assert.deepEqual(late.inspection, { kind: 'unread', reason: 'busy' });
  for (const { inspection } of await within(Promise.all(first), 'all answers')) {
    assert.equal(inspection.kind, 'batch');
  }
  assert.equal((await inspector.inspect(request([customEvent()]))).inspection.kind, 'batch');
});

test('a key that floods goes on unread beyond 16, and others are looked into', async (t) => {
  const { inspector } = startInspector(t);
  const first = Array.from({ length: 16 }, () => inspector.inspect(request([customEvent()])));
  assert.deepEqual((await inspector.inspect(request([customEvent()]))).inspection, {
    kind: 'unread',
    reason: 'busy',
  });
  const other = inspector.inspect({ ...request([customEvent()]), sdkKey: 'secret-b' });
  for (const { inspection } of await within(Promise.all([...first, other]), 'all answers')) {
    assert.equal(inspection.kind, 'batch');
  }
  assert.equal((await inspector.inspect(request([customEvent()]))).inspection.kind, 'batch');
});

test('a thread that breaks is replaced, and what it had in hand goes on unread', async (t) => {
  const scene = startInspector(t);
  // No body that a server hands over is like this: the thread has no defence against it.
  const poison = { sdkKey: 'secret-a', body: undefined, coding: '' } as unknown as InspectionRequest;
  const first = scene.inspector.inspect(poison);
  const second = scene.inspector.inspect(request([gateExposure()]));
  for (const { inspection } of await within(Promise.all([first, second]), 'both answers')) {
    assert.deepEqual(inspection, { kind: 'unread', reason: 'broken' });
  }
  assert.equal(scene.broke.length, 1);
  assert.equal(await droppedOf(scene, [gateExposure()]), 0);
  assert.equal(await droppedOf(scene, [gateExposure()]), 1);
});

test('where there is no thread to be had batches go on unread, and the next one tries again', async (t) => {
  const { inspector, broke } = startInspector(t, 100, () => 'no thread takes this');
  for (let tries = 1; tries <= 2; tries += 1) {
    const { inspection } = await within(inspector.inspect(request([gateExposure()])), 'word of it');
    assert.deepEqual(inspection, { kind: 'unread', reason: 'broken' });
    assert.equal(broke.length, tries);
  }
});

test('a batch that cannot be handed over goes on unread, and takes no place of others', async (t) => {
  const { inspector, broke } = startInspector(t);
  const uncopied = { ...request([]), body: () => undefined } as unknown as InspectionRequest;
  for (let batch = 0; batch < 20; batch += 1) {
    assert.deepEqual((await inspector.inspect(uncopied)).inspection, { kind: 'unread', reason: 'broken' });
  }
  assert.equal(broke.length, 20);
  assert.equal((await inspector.inspect(request([customEvent()]))).inspection.kind, 'batch');
});

test('what is in hand when it is closed goes on unread', async (t) => {
  const { inspector } = startInspector(t);
  const waiting = inspector.inspect(request([gateExposure()]));
  await inspector.close();
  assert.deepEqual((await waiting).inspection, { kind: 'unread', reason: 'broken' });
});
