// Other encodings of what is held are made when no first fetch waits for its turn any more, or after a second.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ColdMemory } from '../../src/core/cold-memory.js';
import type { FetchOutcome, Origin } from '../../src/core/origin.js';
import { PayloadStore } from '../../src/core/payload-store.js';
import { Reader } from '../../src/core/reader.js';
import { Refresher } from '../../src/core/refresher.js';
import { createConcurrencyLimit } from '../../src/domain/concurrency-limit.js';
import { DEMO } from '../fakes/demo-payloads.js';
import { eventually } from '../e2e/deadline.js';
import { ManualClock, settle } from '../fakes/manual-clock.js';

const HELD = DEMO.v2JsonBr.keyOf('secret-held');

class Scene {
  readonly clock = new ManualClock();
  readonly store = new PayloadStore(this.clock, createConcurrencyLimit(2), {
    sdkKeysMax: 10,
    beforeForms: () => this.reader.firstFetchesFirst(),
  });
  readonly reader: Reader;
  readonly #answers: (() => void)[] = [];

  constructor() {
    const origin: Origin = { fetch: () => this.#fetch(), close: () => Promise.resolve() };
    const rooms = { store: this.store, memory: new ColdMemory(this.clock) };
    const refresher = new Refresher(this.clock, origin, rooms, false);
    this.reader = new Reader(this.clock, rooms, refresher, undefined, {
      coldFetchesMax: 1,
      admits: () => true,
    });
    this.store.apply(HELD, DEMO.v2JsonBr.payloadOf(1));
  }

  async #fetch(): Promise<FetchOutcome> {
    await new Promise<void>((resolve) => this.#answers.push(resolve));
    return { kind: 'updated', payload: DEMO.v2JsonBr.payloadOf(1) };
  }

  ask(sdkKey: string): void {
    void this.reader.read(DEMO.v2JsonBr.keyOf(sdkKey));
  }

  async answerOne(): Promise<void> {
    this.#answers.shift()?.();
    await settle();
  }

  makeGzip(): void {
    void this.store.peek(HELD)?.forms.make('gzip');
  }

  get hasGzip(): boolean {
    return this.store.peek(HELD)?.forms.sizes.gzip !== undefined;
  }
}

test('an encoding is not made while a first fetch waits for its turn, and then at once', async () => {
  const scene = new Scene();
  scene.ask('secret-a');
  scene.ask('secret-b');
  scene.makeGzip();
  await scene.clock.advanceInSteps(900, 25);
  assert.equal(scene.hasGzip, false);
  assert.equal(scene.clock.scheduled, 1, 'it waits');
  // One is fetched yet, and none waits.
  await scene.answerOne();
  assert.equal(scene.clock.scheduled, 0, 'it waits no more');
  await eventually('gzip', () => scene.hasGzip);
});

test('it waits for a second at most: strangers can keep first fetches waiting', async () => {
  const scene = new Scene();
  scene.ask('secret-a');
  scene.ask('secret-b');
  scene.makeGzip();
  await scene.clock.advanceInSteps(975, 25);
  assert.equal(scene.clock.scheduled, 1, 'it still waits');
  await scene.clock.advanceInSteps(25, 25);
  assert.equal(scene.clock.scheduled, 0);
  await eventually('gzip', () => scene.hasGzip);
});

test('where no first fetch waits, nothing is waited for', async () => {
  const scene = new Scene();
  scene.ask('secret-a');
  scene.makeGzip();
  assert.equal(scene.clock.scheduled, 0);
  await eventually('gzip', () => scene.hasGzip);
});
