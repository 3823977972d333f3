// Specs as a feature: polls, and what is held of each payload, as /status shows it.
import type { Config } from '../config/load-config.js';
import type { Clock } from '../domain/clock.js';
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import { maskSdkKey } from '../domain/sdk-key.js';
import type { Core } from './core.js';
import type { Feature } from './feature.js';

export function specFeature(config: Config, clock: Clock, core: Core): Feature {
  const { store, reader, poller, origin } = core;
  return {
    name: 'specs',
    drain: () => {
      poller.stop();
    },
    close: () => origin.close(),
    gauges: () => ({
      sdkKeys: { entries: store.sdkKeys, entriesMax: config.maximumConcurrentSdkKeys },
      ...reader.gauges,
      pollsInFlight: { entries: poller.inFlight, entriesMax: config.updateBatchSize },
    }),
    status: () => ({ specs: knownPayloads(core).map((key) => describeSpec(clock, core, key)) }),
  };
}

/** The fleet is left while this replica still answers: another one leads at once. */
export function fleetFeature(fleet: Core['fleet']): Feature {
  return { name: 'fleet', open: () => fleet?.start(), drain: () => fleet?.stop() };
}

/** What is held, and what is pinned but could not be fetched yet. */
function knownPayloads({ store, pinned }: Core): readonly PayloadKey[] {
  const keys = [...[...store.all()].map((held) => held.key), ...pinned.payloads];
  return [...new Map(keys.map((key) => [payloadId(key), key])).values()];
}

function describeSpec(clock: Clock, { store, poller, outcomes, backups }: Core, key: PayloadKey): object {
  const held = store.peek(key);
  const poll = poller.stateOf(key);
  const last = outcomes.lastOf(key);
  const nowMs = clock.monotonicMs();
  return {
    sdkKey: maskSdkKey(key.sdkKey),
    api: key.kind.name,
    format: key.format,
    pinned: store.isPinned(key.sdkKey),
    version: held?.payload.version ?? null,
    confirmedAgoS: held === undefined ? null : toSeconds(nowMs - held.confirmedAtMs),
    lastOutcome:
      last === undefined
        ? null
        : { kind: last.kind, reason: last.reason, agoS: toSeconds(nowMs - last.atMs) },
    failuresInARow: poll?.failures ?? 0,
    nextPollInS: poll?.nextPollMs === undefined ? null : toSeconds(Math.max(0, poll.nextPollMs - nowMs)),
    backups: backups.lastOf(key),
    formBytes: held?.forms.sizes ?? {},
  };
}

function toSeconds(durationMs: number): number {
  return Math.round(durationMs / 100) / 10;
}
