// A store of log events in memory, by a hand-turned clock, before an origin that is a function: thousands of batches in a moment.
import assert from 'node:assert/strict';
import { EventJournal } from '../../../../src/protocols/statsig/log-events/event-journal.js';
import type { Batch, KeptBatch, LocalKeeper } from '../../../../src/protocols/statsig/log-events/batch.js';
import type { Death } from '../../../../src/protocols/statsig/log-events/dead-letters.js';
import { LogEventStore } from '../../../../src/protocols/statsig/log-events/log-event-store.js';
import { memoryKeeper } from '../../../../src/protocols/statsig/log-events/memory-keeper.js';
import { createLogger } from '../../../../src/observability/logger.js';
import { noProxyEvents } from '../../../fakes/proxy-events.js';
import type {
  DeliveryOutcome,
  EventDelivery,
} from '../../../../src/protocols/statsig/origin/event-origin.js';
import { failed } from '../../../../src/domain/failure.js';
import { LogSink } from '../../../fakes/log-sink.js';
import { ManualClock, settle } from '../../../fakes/manual-clock.js';

export const TAKEN: DeliveryOutcome = { kind: 'taken' };
export const REFUSED: DeliveryOutcome = { kind: 'refused', status: 401 };
export const BROKEN: DeliveryOutcome = failed('status_500', 'HTTP status 500');
export const TIMED_OUT: DeliveryOutcome = failed('request_timeout', 'no whole answer within 30000 ms');
const TIMEOUT_MS = 30_000;
const LATENCY_MS = 20;

export interface Delivered {
  readonly sdkKey: string;
  readonly name: string;
  readonly atMs: number;
  readonly outcome: DeliveryOutcome;
}

export interface StoreScene {
  readonly clock: ManualClock;
  readonly store: LogEventStore;
  readonly logs: LogSink;
  /** Decides about each delivery; everything is taken at first. */
  verdict: (delivery: Pick<Delivered, 'sdkKey' | 'name'>) => DeliveryOutcome;
  /** Every delivery that was answered, oldest first. */
  readonly delivered: readonly Delivered[];
  readonly dead: readonly { readonly sdkKey: string; readonly name: string; readonly death: Death }[];
  /** Whether the batch was accepted. */
  readonly send: (sdkKey: string, name?: string, bytes?: number) => Promise<boolean>;
  readonly taken: (sdkKey: string) => readonly string[];
}

export interface StoreSceneOptions {
  readonly batchesMax?: number;
  readonly bytesMax?: number;
  readonly knownKeys?: readonly string[];
  /** What an earlier process left. */
  readonly left?: readonly Batch[];
}

export function makeStore(options: StoreSceneOptions = {}): StoreScene {
  const { batchesMax = 100, bytesMax = 1_000_000, knownKeys = [], left = [] } = options;
  const clock = new ManualClock();
  const logs = new LogSink();
  const delivered: Delivered[] = [];
  const dead: { sdkKey: string; name: string; death: Death }[] = [];
  const log = createLogger(logs, { level: 'info', instanceName: 'test', version: '0.0.0' });
  const origin = {
    deliver: ({ sdkKey, body }: EventDelivery): Promise<DeliveryOutcome> =>
      new Promise((resolve) => {
        const name = Buffer.from(body).toString().trimEnd();
        const outcome = scene.verdict({ sdkKey, name });
        clock.schedule(outcome === TIMED_OUT ? TIMEOUT_MS : LATENCY_MS, () => {
          delivered.push({ sdkKey, name, atMs: clock.monotonicMs(), outcome });
          resolve(outcome);
        });
      }),
    close: async () => undefined,
  };
  const inspector = {
    inspect: async () => ({
      inspection: { kind: 'batch' as const, dropped: 0, rest: undefined },
      settle: () => undefined,
    }),
    remembered: 0,
    rememberedMax: 0,
    close: async () => undefined,
  };
  const deadLetters = {
    add: async (kept: KeptBatch, batch: { readonly body: Uint8Array } | undefined, death: Death) => {
      const name = Buffer.from(batch?.body ?? '')
        .toString()
        .trimEnd();
      dead.push({ sdkKey: kept.sdkKey, name, death });
    },
    close: async () => undefined,
  };
  const journal = new EventJournal(clock, log, noProxyEvents, 'events.example');
  const isKnownKey = (sdkKey: string): boolean => knownKeys.includes(sdkKey);
  const keeper: LocalKeeper = {
    ...memoryKeeper,
    open: () => Promise.all(left.map((batch) => memoryKeeper.keep(batch))),
  };
  const parts = { keeper, inspector, origin, deadLetters, journal, isKnownKey };
  const store = new LogEventStore(clock, log, parts, { batchesMax, bytesMax, flushMs: 0 });
  const send: StoreScene['send'] = async (sdkKey, name = 'a batch', bytes = 0) => {
    const body = Buffer.from(name.padEnd(bytes));
    const acceptance = await store.accept({ sdkKey, headers: {}, query: '', coding: '', body });
    assert.ok(acceptance.kind === 'accepted' || acceptance.kind === 'full', acceptance.kind);
    return acceptance.kind === 'accepted';
  };
  const taken: StoreScene['taken'] = (sdkKey) =>
    delivered.filter((each) => each.sdkKey === sdkKey && each.outcome === TAKEN).map(({ name }) => name);
  const scene: StoreScene = { clock, store, logs, verdict: () => TAKEN, delivered, dead, send, taken };
  return scene;
}

export async function openStore(options: StoreSceneOptions = {}): Promise<StoreScene> {
  const scene = makeStore(options);
  await scene.store.open();
  return scene;
}

/** Moves the clock in steps of 10 ms for a second at most, then of a second: short waits are seen, long ones cost little. */
export async function pass({ clock }: StoreScene, durationMs: number): Promise<void> {
  await clock.advanceInSteps(Math.min(durationMs, 1_000), 10);
  await clock.advanceInSteps(Math.max(0, durationMs - 1_000), 1_000);
  await settle();
}
