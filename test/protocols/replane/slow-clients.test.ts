// Clients of Replane's that read slowly, or not at all: what waits for one is the newest change of each config.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BodyForms } from '../../../src/bodies/body-forms.js';
import type { HeldPayload } from '../../../src/core/payload-store.js';
import { createConcurrencyLimit } from '../../../src/domain/concurrency-limit.js';
import type { Payload } from '../../../src/domain/payload.js';
import { createProjectEvents, type ProjectWire } from '../../../src/protocols/replane/http/project-events.js';
import { projectKey } from '../../../src/protocols/replane/project-kind.js';
import { changedPayload, projectPayload } from '../../../src/protocols/replane/project/project.js';
import { ClientStream } from '../../../src/streams/client-stream.js';
import { createTestLog } from '../../fakes/log-sink.js';
import { ManualClock, settle } from '../../fakes/manual-clock.js';

const TIMES = { heartbeatMs: 15_000, stallMs: 30_000 };
const LIMIT = createConcurrencyLimit(1);

/** Takes frames at once, or when it is told to. */
class SlowWire implements ProjectWire {
  readonly frames: string[] = [];
  isPaused = false;
  breaks = 0;
  #taken: (() => void) | undefined;

  writeFrames(frames: readonly Buffer[], taken: () => void): void {
    this.frames.push(...frames.map(String));
    if (this.isPaused) this.#taken = taken;
    else taken();
  }

  breakOff(): void {
    this.breaks += 1;
  }

  resume(): void {
    this.isPaused = false;
    this.#taken?.();
    this.#taken = undefined;
  }

  /** By config, the values that the client was told, the last one last. */
  get told(): ReadonlyMap<string, readonly number[]> {
    const told = new Map<string, number[]>();
    for (const frame of this.frames.filter((each) => each.startsWith('data: '))) {
      const { config, configs } = JSON.parse(frame.slice('data: '.length)) as Record<
        'config' | 'configs',
        unknown
      >;
      for (const { name, value } of (configs ?? [config]) as { name: string; value: number }[])
        told.set(name, [...(told.get(name) ?? []), value]);
    }
    return told;
  }
}

function configOf(name: string, value: number): { readonly name: string; readonly raw: Buffer } {
  return { name, raw: Buffer.from(JSON.stringify({ name, value, overrides: [] })) };
}

function held(payload: Payload): HeldPayload {
  return {
    key: projectKey('rp_key'),
    payload,
    forms: new BodyForms(payload, LIMIT),
    confirmedAtMs: 0,
    relayedMs: 0,
    askedAtMs: 0,
    source: 'origin',
  };
}

async function open(): Promise<{
  clock: ManualClock;
  wire: SlowWire;
  stream: ClientStream;
  payload: Payload;
}> {
  const [clock, wire] = [new ManualClock(), new SlowWire()];
  const stream = new ClientStream(
    clock,
    createTestLog(),
    createProjectEvents(wire, () => undefined),
    TIMES,
  );
  const payload = projectPayload(
    ['a', 'b', 'c'].map((name) => configOf(name, 0)),
    undefined,
    1,
  );
  stream.open(held(payload), 0);
  await settle();
  return { clock, wire, stream, payload };
}

test('a client that keeps up is told of every change, in the turn in which it came', async () => {
  const { wire, stream, payload } = await open();
  let now = payload;
  for (const value of [1, 2, 2, 3]) {
    now = changedPayload(now, configOf('a', value), now.version + 1);
    stream.offer(held(now));
  }
  assert.deepEqual(wire.told.get('a'), [0, 1, 2, 2, 3]);
});

test('M17: whenever a client pauses, it ends with the newest of every config, and is told nothing older or twice', async () => {
  const step = fc.oneof(
    fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd', 'e') }),
    fc.constantFrom('pause' as const, 'resume' as const),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { wire, stream, payload } = await open();
      const newest = new Map<string, number>(['a', 'b', 'c'].map((name) => [name, 0]));
      let now = payload;
      let value = 0;
      for (const each of steps) {
        if (each === 'pause') wire.isPaused = true;
        else if (each === 'resume') wire.resume();
        else {
          value += 1;
          newest.set(each.name, value);
          now = changedPayload(now, configOf(each.name, value), now.version + 1);
          stream.offer(held(now));
        }
      }
      const before = wire.frames.length;
      wire.resume();
      wire.resume();
      // What waited was one frame for each config at most.
      assert.ok(wire.frames.length - before <= newest.size);
      for (const [name, last] of newest) {
        const told = wire.told.get(name) ?? [];
        assert.equal(told.at(-1), last);
        assert.deepEqual(
          told,
          [...new Set(told)].sort((one, other) => one - other),
        );
      }
      stream.close();
    }),
  );
});

test('M6, M7, M17: a ping comes after 15 s without anything else; a client that takes nothing for 30 s is cut off', async () => {
  const { clock, wire, stream, payload } = await open();
  clock.advance(14_999);
  assert.equal(wire.frames.length, 1);
  clock.advance(1);
  assert.equal(wire.frames.at(-1), ': ping\n\n');
  wire.isPaused = true;
  stream.offer(held(changedPayload(payload, configOf('a', 1), 2)));
  clock.advance(29_999);
  assert.equal(wire.breaks, 0);
  clock.advance(1);
  assert.equal(wire.breaks, 1);
  assert.ok(stream.hasEnded);
});
