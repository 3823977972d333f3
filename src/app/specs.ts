// Specs as a feature: polls, what is held of each payload, and what is wrong with any of them.
import type { Config } from '../config/load-config.js';
import type { Clock } from '../domain/clock.js';
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import { maskSdkKey } from '../domain/sdk-key.js';
import type { LastOutcome } from '../core/outcome-log.js';
import { ageMs, type HeldPayload } from '../core/payload-store.js';
import { readInstruments as to } from '../observability/instruments.js';
import type { WriteReading } from '../observability/metrics.js';
import type { Core } from './core.js';
import type { Feature } from './feature.js';
import { keyRows, type KeyFilter } from './key-rows.js';
import type { Problem, ProblemReason } from './problems.js';
import { toHostOf } from './room-options.js';
import { toSeconds } from './shown-times.js';

const MS_PER_S = 1000;

/** A payload that is held, or pinned and not fetched yet. */
export interface Known {
  readonly key: PayloadKey;
  readonly held: HeldPayload | undefined;
  readonly last: LastOutcome | undefined;
}

export function specFeature(config: Config, clock: Clock, core: Core): Feature {
  const { store, reader, poller, origin, pushed } = core;
  return {
    name: 'specs',
    drain: () => {
      poller.stop();
      pushed?.stop();
    },
    close: () => origin.close(),
    gauges: () => ({
      sdkKeys: { entries: store.sdkKeys, entriesMax: config.maximumConcurrentSdkKeys },
      ...reader.gauges,
      pollsInFlight: { entries: poller.inFlight, entriesMax: config.updateBatchSize },
    }),
    readings: (write) => {
      readSpecs(write, clock, core);
    },
    problems: () => problemsOf(config, clock, knownPayloads(core)),
    status: (shows) => ({
      specs: describeSpecs(clock, core, shows),
      ...(pushed && { upstreamStreams: pushed.counts }),
    }),
  };
}

function readSpecs(write: WriteReading, clock: Clock, { store, keyPolicy, intervalMs, pushed }: Core): void {
  let held = 0;
  for (const spec of store.all()) {
    const { key, payload, forms } = spec;
    held += 1;
    const labels = [maskSdkKey(key.sdkKey), key.kind.name, key.format] as const;
    if (key.kind.versions === 'stated') write(to.specVersion, payload.version / MS_PER_S, ...labels);
    const confirmedAtMs = clock.nowMs() - ageMs(spec, clock.monotonicMs());
    write(to.specConfirmed, confirmedAtMs / MS_PER_S, ...labels);
    write(to.pollInterval, intervalMs(key) / MS_PER_S, ...labels);
    const bytes = Object.values(forms.sizes).reduce((sum, size) => sum + size, 0);
    write(to.specBytes, bytes, ...labels);
  }
  write(to.specsHeld, held);
  if (pushed !== undefined) write(to.upstreamStreams, pushed.counts.live);
  write(to.keysNotPinned, keyPolicy.refused);
}

/** The fleet is left while this replica still answers: another one leads at once. */
export function fleetFeature(fleet: Core['fleet']): Feature {
  return { name: 'fleet', open: () => fleet?.start(), drain: () => fleet?.stop() };
}

export function knownPayloads({
  store,
  pinned,
  outcomes,
}: Pick<Core, 'store' | 'pinned' | 'outcomes'>): readonly Known[] {
  const keys = [...[...store.all()].map((held) => held.key), ...pinned.payloads];
  const unique = [...new Map(keys.map((key) => [payloadId(key), key])).values()];
  return unique.map((key) => ({ key, held: store.peek(key), last: outcomes.lastOf(key) }));
}

function problemsOf(config: Config, clock: Clock, known: readonly Known[]): readonly Problem[] {
  const hostOf = toHostOf(config);
  const failing = known.filter(isFailing);
  const missing = failing.filter(({ held }) => held === undefined);
  const refused = known.filter(isRefused);
  const problem = (reason: ProblemReason, what: string, affected: readonly Known[]): Problem[] => {
    if (affected.length === 0) return [];
    const sinceMs = Math.min(...affected.map(({ last }) => last?.sinceMs ?? Infinity));
    return [{ reason, what, sinceMs: clock.nowMs() - clock.monotonicMs() + sinceMs, count: affected.length }];
  };
  const hosts = [...new Set(failing.map(({ key }) => hostOf(key)))];
  return [
    ...problem(
      'spec_missing',
      'Payloads of pinned SDK keys were never fetched: there is nothing to serve.',
      missing,
    ),
    ...hosts.flatMap((host) => {
      const affected = failing.filter(({ key }) => hostOf(key) === host);
      return problem('origin_failing', `${host} fails: ${affected[0]?.last?.reason ?? ''}.`, affected);
    }),
    ...problem('key_refused', 'The origin refuses SDK keys of payloads that are held or pinned.', refused),
  ];
}

function isFailing({ last }: Known): boolean {
  return last?.kind === 'failed';
}

function isRefused({ last }: Known): boolean {
  return last?.kind === 'unauthorized';
}

function describeSpecs(clock: Clock, core: Core, shows: KeyFilter | undefined): object {
  const known = knownPayloads(core);
  const nowMs = clock.monotonicMs();
  const ages = known.flatMap(({ held }) => (held === undefined ? [] : ageMs(held, nowMs)));
  const oldestFirst = (left: Known, right: Known): number => confirmedAtMs(left) - confirmedAtMs(right);
  return {
    oldestConfirmedAgoS:
      ages.length === 0 ? null : toSeconds(ages.reduce((one, other) => Math.max(one, other))),
    sdkKeys: core.store.sdkKeys,
    pinnedSdkKeys: new Set(core.pinned.payloads.map(({ sdkKey }) => sdkKey)).size,
    payloads: known.length,
    held: ages.length,
    failing: known.filter(isFailing).length,
    refused: known.filter(isRefused).length,
    notPinned: core.keyPolicy.refused,
    ...(shows &&
      keyRows(
        known
          .filter(({ key }) => shows(key.sdkKey))
          .sort(oldestFirst)
          .map((each) => describeSpec(nowMs, core, each)),
      )),
  };
}

function confirmedAtMs({ held }: Known): number {
  return held === undefined ? -Infinity : held.confirmedAtMs - held.relayedMs;
}

function describeSpec(nowMs: number, { store, poller, backups }: Core, { key, held, last }: Known): object {
  const poll = poller.stateOf(key);
  return {
    sdkKey: maskSdkKey(key.sdkKey),
    api: key.kind.name,
    format: key.format,
    pinned: store.isPinned(key.sdkKey),
    version: held?.payload.version ?? null,
    confirmedAgoS: held === undefined ? null : toSeconds(ageMs(held, nowMs)),
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
