// ConfigSpecCurrentLcut: each spec held, once an interval, in short turns of the event loop.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { versionEventFeature } from '../../src/app/version-events.js';
import type { PayloadStore } from '../../src/core/payload-store.js';
import type { ProxyEvents } from '../../src/observability/proxy-events.js';
import { idListsKey } from '../../src/protocols/statsig/resource-kinds.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { heldVersion } from '../fakes/stream-harness.js';

interface Scene {
  readonly clock: ManualClock;
  readonly told: string[];
}

function start(specs: number, everyMs: number): Scene & { readonly stop: () => void } {
  const clock = new ManualClock();
  const held = Array.from({ length: specs }, (_none, index) => heldVersion(index + 1));
  const manifest = { ...heldVersion(7), key: idListsKey('secret-key') };
  const store = { all: () => [manifest, ...held].values() } as unknown as PayloadStore;
  const told: string[] = [];
  const events: ProxyEvents = {
    record: (name, { path, value }) => told.push(`${name} ${path} ${value}`),
  };
  const feature = versionEventFeature(clock, events, store, everyMs);
  void feature.open?.();
  return { clock, told, stop: () => void feature.drain?.() };
}

test('each spec is told once an interval, ID lists are not, until the stop', () => {
  const { clock, told, stop } = start(2, 60_000);
  clock.advance(59_999);
  assert.deepEqual(told, []);
  clock.advance(1);
  const round = [1, 2].map((version) => `ConfigSpecCurrentLcut /v2/download_config_specs ${version}`);
  assert.deepEqual(told, round);
  clock.advance(60_000);
  assert.deepEqual(told, [...round, ...round]);
  stop();
  clock.advance(600_000);
  assert.equal(told.length, 4);
  assert.equal(clock.scheduled, 0);
});

test('many specs are told in several turns', () => {
  const { clock, told } = start(450, 1_000);
  clock.advance(1_000);
  assert.equal(told.length, 450);
});

test('0 is never', () => {
  const { clock, told } = start(2, 0);
  clock.advance(600_000);
  assert.deepEqual(told, []);
  assert.equal(clock.scheduled, 0);
});
