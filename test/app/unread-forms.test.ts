// Encodings of a spec that no client reads any more leave memory, and the answers that were prepared of them go with them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { unreadFormsFeature } from '../../src/app/unread-forms.js';
import { PayloadStore } from '../../src/core/payload-store.js';
import { createConcurrencyLimit } from '../../src/domain/concurrency-limit.js';
import type { FormEncoding } from '../../src/domain/payload.js';
import { PreparedSpecAnswers } from '../../src/protocols/statsig/http/prepared-spec-answers.js';
import type { PreparedAnswer } from '../../src/servers/http/fast-lane/prepared-answer.js';
import { RequestHeadReader } from '../../src/servers/http/fast-lane/request-head.js';
import { eventually } from '../e2e/deadline.js';
import { DEMO } from '../fakes/demo-payloads.js';
import { ManualClock } from '../fakes/manual-clock.js';

const SDK_KEY = 'secret-k';
const KEY = DEMO.v2JsonBr.keyOf(SDK_KEY);

class Scene {
  readonly clock = new ManualClock();
  readonly store = new PayloadStore(this.clock, createConcurrencyLimit(2), { sdkKeysMax: 10 });
  readonly feature = unreadFormsFeature(this.clock, [this.store]);
  readonly #answers = new PreparedSpecAnswers(
    { held: (key) => this.store.read(key) },
    { polled: () => undefined },
  );
  readonly #heads = new RequestHeadReader(this.#answers.names);

  constructor() {
    this.store.apply(KEY, DEMO.v2JsonBr.payloadOf(1));
    void this.feature.open?.();
  }

  /** What the fast lane answers with. */
  ask(encoding: string): PreparedAnswer | undefined {
    const target = `${KEY.kind.path}/${SDK_KEY}.json`;
    const head = this.#heads.read(
      Buffer.from(`GET ${target} HTTP/1.1\r\nhost: proxy\r\naccept-encoding: ${encoding}\r\n\r\n`),
    );
    assert.ok(head !== undefined);
    return this.#answers.find(head, this.clock.nowMs())?.answer;
  }

  async make(encoding: FormEncoding): Promise<void> {
    await this.store.peek(KEY)?.forms.make(encoding);
  }

  get held(): readonly string[] {
    return Object.keys(this.store.peek(KEY)?.forms.sizes ?? {});
  }
}

test('a form that nobody reads is gone after a minute, one that somebody reads stays, and so does what came', async () => {
  const scene = new Scene();
  await scene.make('gzip');
  await scene.make('identity');
  for (let second = 0; second < 60; second += 5) {
    scene.clock.advance(5_000);
    assert.ok(scene.ask('gzip'));
  }
  assert.deepEqual(scene.held, ['br', 'gzip', 'identity']);
  for (let second = 0; second < 20; second += 5) {
    scene.clock.advance(5_000);
    // At one age of the spec in whole seconds, so that the lane has the answer ready.
    scene.store.confirm(KEY);
    assert.ok(scene.ask('gzip'));
  }
  assert.deepEqual(scene.held, ['br', 'gzip']);
  for (let second = 0; second < 80; second += 5) {
    scene.clock.advance(5_000);
    scene.store.confirm(KEY);
    assert.ok(scene.ask('gzip'), 'always at the same age');
  }
  assert.deepEqual(scene.held, ['br', 'gzip']);
  for (let second = 0; second < 80; second += 5) scene.clock.advance(5_000);
  assert.deepEqual(scene.held, ['br']);
  assert.equal(scene.ask('gzip'), undefined, 'for the routes, which make it again');
});

test('what the fast lane had ready keeps no form alive', async () => {
  if (globalThis.gc === undefined) setFlagsFromString('--expose-gc');
  const gc = globalThis.gc ?? (runInNewContext('gc') as () => void);
  const scene = new Scene();
  await scene.make('gzip');
  const ready = (() => {
    const answer = scene.ask('gzip');
    assert.ok(answer);
    return new WeakRef(answer);
  })();
  assert.ok(scene.ask('br'));
  for (let second = 0; second < 80; second += 5) scene.clock.advance(5_000);
  await eventually('end of the answer', () => {
    gc();
    return Promise.resolve(ready.deref() === undefined);
  });
  assert.ok(scene.ask('br'));
});

test('once closed, nothing is looked at any more', async () => {
  const scene = new Scene();
  await scene.make('gzip');
  await scene.feature.close?.();
  for (let second = 0; second < 80; second += 5) scene.clock.advance(5_000);
  assert.deepEqual(scene.held, ['br', 'gzip']);
});

test('memory is collected once, when no more of what was let go follows, and only where it was much', () => {
  const clock = new ManualClock();
  const drops = [40, 40, 0, 0, 10, 0, 0].map((mib) => mib * 1024 * 1024);
  const collectedAfter: number[] = [];
  const store = { dropUnreadForms: () => drops.shift() ?? 0 };
  const feature = unreadFormsFeature(clock, [store], () => {
    collectedAfter.push(drops.length);
  });
  void feature.open?.();
  clock.advance(70_000);
  assert.deepEqual(collectedAfter, [4]);
});
