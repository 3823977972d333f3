// A gate by Statsig's own SDK on specs that are held: at every update, the newest only, and nothing of it reaches a network.
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { demoV1, type DemoProject } from '../../../../scripts/demo-specs.js';
import type { HeldPayload } from '../../../../src/core/payload-store.js';
import { systemClock } from '../../../../src/domain/clock.js';
import { failed, type Failure } from '../../../../src/domain/failure.js';
import { encodeBody } from '../../../../src/bodies/body-forms.js';
import { evaluateGate } from '../../../../src/protocols/statsig/gates/evaluate-gate.js';
import { GateWatch, gateSpecKey } from '../../../../src/protocols/statsig/gates/gate-watch.js';
import { askThread, GATE_MS_MAX } from '../../../../src/protocols/statsig/gates/threaded-gate.js';
import { SPEC_V2 } from '../../../../src/protocols/statsig/resource-kinds.js';
import { eventually, within } from '../../../e2e/deadline.js';
import { createTestLog, LogSink } from '../../../fakes/log-sink.js';
import { ManualClock } from '../../../fakes/manual-clock.js';

const SDK_KEY = 'secret-gatekey0123456789';
const GATE = { sdkKey: SDK_KEY, gate: 'demo_gate', customIds: { podID: 'pod-1' } };
const PROJECT: DemoProject = { time: 1_750_000_000_000, isGateOpen: true, greeting: 'hello' };

function specOf(isGateOpen: boolean): Buffer {
  return Buffer.from(JSON.stringify(demoV1({ ...PROJECT, isGateOpen })));
}

test('the SDK evaluates the gate, and asks and tells nobody', async () => {
  const dialled: unknown[] = [];
  const note = (message: unknown): void => {
    dialled.push(message);
  };
  subscribe('net.client.socket', note);
  try {
    for (const isGateOpen of [true, false]) {
      assert.equal(await evaluateGate({ ...GATE, spec: specOf(isGateOpen) }), isGateOpen);
    }
    assert.equal(await evaluateGate({ ...GATE, gate: 'no_such_gate', spec: specOf(true) }), false);
    for (const spec of ['{}', '{"has_updates":false}', '[]']) {
      await assert.rejects(
        evaluateGate({ ...GATE, spec: Buffer.from(spec) }),
        /makes nothing of this spec/,
        spec,
      );
    }
  } finally {
    unsubscribe('net.client.socket', note);
  }
  assert.deepEqual(dialled, []);
});

test('a gate that is open for single pods is open for those', async () => {
  const spec = {
    has_updates: true,
    time: 1,
    feature_gates: [
      {
        name: 'demo_gate',
        type: 'feature_gate',
        salt: 'salt',
        enabled: true,
        defaultValue: false,
        idType: 'podID',
        entity: 'feature_gate',
        rules: [
          {
            name: 'these pods',
            id: 'rule',
            salt: 'salt',
            passPercentage: 100,
            returnValue: true,
            idType: 'podID',
            conditions: [
              {
                type: 'unit_id',
                targetValue: ['pod-1'],
                operator: 'any',
                field: null,
                additionalValues: {},
                isDeviceBased: false,
                idType: 'podID',
              },
            ],
          },
        ],
      },
    ],
    dynamic_configs: [],
    layer_configs: [],
  };
  const bytes = Buffer.from(JSON.stringify(spec));
  assert.equal(await evaluateGate({ ...GATE, spec: bytes }), true);
  assert.equal(await evaluateGate({ ...GATE, customIds: { podID: 'pod-2' }, spec: bytes }), false);
});

test('a thread gives the same answer, or says why it has none', async () => {
  assert.equal(await askThread(systemClock, { ...GATE, spec: specOf(true) }), true);
  assert.equal(await askThread(systemClock, { ...GATE, spec: specOf(false) }), false);
  for (const spec of ['{}', 'nonsense', '']) {
    assert.deepEqual(await askThread(systemClock, { ...GATE, spec: Buffer.from(spec) }), {
      kind: 'failed',
      reason: 'gate_unknown',
      detail: 'Error: the SDK makes nothing of this spec',
    });
  }
  // What cannot be handed to a thread is a failure like any other.
  const unsendable = { ...GATE, customIds: { podID: (() => 'x') as unknown as string }, spec: specOf(true) };
  const answer = await askThread(systemClock, unsendable);
  assert.ok(typeof answer === 'object' && /could not be cloned/.test(answer.detail));
});

test('a thread that takes too long is ended', async () => {
  const clock = new ManualClock();
  const asking = askThread(clock, { ...GATE, spec: specOf(true) });
  clock.advance(GATE_MS_MAX);
  assert.deepEqual(await within(asking, 'answer'), {
    kind: 'failed',
    reason: 'gate_unknown',
    detail: 'not evaluated within 60000 ms',
  });
});

async function held(isGateOpen: boolean, key = gateSpecKey(SDK_KEY)): Promise<HeldPayload> {
  const bytes = specOf(isGateOpen);
  const originForm = await encodeBody(bytes, 'br');
  const payload = { format: 'json' as const, version: 1, originForm, identityBytes: bytes.length };
  return { key, payload } as HeldPayload;
}

interface Scene {
  readonly watch: GateWatch;
  readonly changes: readonly boolean[];
  /** Specs that are being asked about, and how to answer. */
  readonly asked: { readonly text: string; readonly answer: (answer: boolean | Failure) => void }[];
  readonly logs: LogSink;
}

function scripted(): Scene {
  const changes: boolean[] = [];
  const asked: { readonly text: string; readonly answer: (answer: boolean | Failure) => void }[] = [];
  const logs = new LogSink();
  const watch = new GateWatch(
    createTestLog(logs),
    GATE,
    ({ spec }) =>
      new Promise((answer) => {
        asked.push({ text: Buffer.from(spec).toString(), answer });
      }),
    (isOpen) => {
      changes.push(isOpen);
    },
  );
  return { watch, changes, asked, logs };
}

test('each update is evaluated, one at a time and the newest only; who listens hears of changes', async () => {
  const { watch, changes, asked, logs } = scripted();
  watch.updated(await held(false));
  await eventually('first question', () => asked.length === 1);
  // Two come while the first is evaluated: its answer is of the past, and so is the second.
  watch.updated(await held(false));
  watch.updated(await held(true));
  asked[0]?.answer(true);
  await eventually('second question', () => asked.length === 2);
  assert.equal(watch.isOpen, undefined);
  const [, second] = asked;
  assert.equal(second?.text, specOf(true).toString());
  second.answer(true);
  await eventually('opening', () => watch.isOpen === true);
  watch.updated(await held(true));
  await eventually('third question', () => asked.length === 3);
  asked[2]?.answer(true);
  watch.updated(await held(false));
  await eventually('fourth question', () => asked.length === 4);
  asked[3]?.answer(false);
  await eventually('closing', () => watch.isOpen === false);
  assert.deepEqual(changes, [true, false]);
  assert.deepEqual(
    logs.lines.map(({ msg, gate }) => [msg, gate]),
    [
      ['gate is open', 'demo_gate'],
      ['gate is closed', 'demo_gate'],
    ],
  );
});

test('other specs are of no concern; a key that is refused closes the gate, and so late answers count no more', async () => {
  const { watch, changes, asked } = scripted();
  watch.updated(await held(true, { ...gateSpecKey(SDK_KEY), kind: SPEC_V2 }));
  watch.updated(await held(true, gateSpecKey('secret-other')));
  watch.updated(await held(true));
  await eventually('question', () => asked.length === 1);
  asked[0]?.answer(true);
  await eventually('opening', () => watch.isOpen === true);
  watch.updated(await held(true));
  await eventually('second question', () => asked.length === 2);
  watch.removed({ ...gateSpecKey(SDK_KEY), kind: SPEC_V2 });
  assert.deepEqual(changes, [true]);
  watch.removed(gateSpecKey(SDK_KEY));
  assert.deepEqual(changes, [true, false]);
  asked[1]?.answer(true);
  watch.updated(await held(true));
  await eventually('third question', () => asked.length === 3);
  assert.deepEqual([watch.isOpen, changes], [false, [true, false]]);
  watch.stop();
  asked[2]?.answer(true);
  watch.updated(await held(true));
  watch.removed(gateSpecKey(SDK_KEY));
  assert.deepEqual([watch.isOpen, asked.length], [false, 3]);
});

test('a gate that cannot be evaluated stays as it was, and one line says so until it can be', async () => {
  const { watch, changes, asked, logs } = scripted();
  const answers = [true, failed('gate_unknown', 'no SDK'), failed('gate_unknown', 'no SDK'), true];
  for (const [index, answer] of answers.entries()) {
    watch.updated(await held(true));
    await eventually('question', () => asked.length === index + 1);
    asked[index]?.answer(answer);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(watch.isOpen, true);
  }
  assert.deepEqual(changes, [true]);
  assert.deepEqual(
    logs.lines.filter(({ level }) => level === 'warn').map(({ msg, detail }) => [msg, detail]),
    [['gate not evaluated: nothing changes until it is', 'no SDK']],
  );
});

test('a spec that cannot be decompressed is a gate that cannot be evaluated', async () => {
  const { watch, logs } = scripted();
  const broken = await held(true);
  const originForm = { ...broken.payload.originForm, bytes: Buffer.from('nonsense') };
  watch.updated({ ...broken, payload: { ...broken.payload, originForm } });
  await logs.waitFor(({ msg }) => String(msg).startsWith('gate not evaluated'));
  assert.equal(watch.isOpen, undefined);
});
