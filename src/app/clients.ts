// What the fleet's clients have, as a feature: a census of SDK instances, for /metrics and /status.
import type { Cancel, Clock } from '../domain/clock.js';
import { maskSdkKey } from '../domain/sdk-key.js';
import { hasNewsFor } from '../domain/version.js';
import { readInstruments as to } from '../observability/instruments.js';
import type { WriteReading } from '../observability/metrics.js';
import type { ClientCensus, Instance, SpecClients } from '../protocols/statsig/clients/client-census.js';
import type { ClientSdk } from '../protocols/statsig/clients/client-sdks.js';
import type { Feature } from './feature.js';
import { keyRows, type KeyFilter } from './key-rows.js';

const SWEEP_EVERY_MS = 10_000;
/** Of one spec, those with most instances. */
const SDKS_SHOWN_MAX = 10;

export function clientFeature(clock: Clock, census: ClientCensus): Feature {
  let cancel: Cancel = () => undefined;
  const open = (): void => {
    cancel = clock.schedule(SWEEP_EVERY_MS, () => {
      census.sweep();
      open();
    });
  };
  return {
    name: 'clients',
    open,
    drain: () => {
      cancel();
    },
    gauges: () => ({ clients: census.gauge }),
    readings: (write) => {
      readClients(write, census, clock.nowMs());
    },
    status: (shows) => ({ clients: describeClients(clock, census, shows) }),
  };
}

/** What an instance holds, as against what is held here. */
const HOLDINGS = ['newest', 'older', 'none'] as const;

type Holding = (typeof HOLDINGS)[number];

type Counts = { readonly [name in Holding]: number } & { readonly instances: number };

function holdingOf({ spec, holds }: Instance, nowMs: number): Holding {
  if (holds === 0) return 'none';
  return hasNewsFor(spec.version, holds, nowMs) ? 'older' : 'newest';
}

function readClients(write: WriteReading, { specs }: ClientCensus, nowMs: number): void {
  for (const [{ type }, instances] of groupBySdk(instancesOf(specs))) {
    const counts = count(instances, nowMs);
    for (const holding of HOLDINGS) write(to.clients, counts[holding], type, holding);
  }
}

function describeClients(clock: Clock, census: ClientCensus, shows: KeyFilter | undefined): object {
  const { specs, unnamedPolls } = census;
  const nowMs = clock.nowMs();
  const all = instancesOf(specs);
  return {
    ...count(all, nowMs),
    unnamedPolls,
    bySdk: countBySdk(all, nowMs),
    ...(shows && keyRows(specRows(clock, specs, shows))),
  };
}

/** Those with most clients that are behind come first. */
function specRows(clock: Clock, specs: readonly SpecClients[], shows: KeyFilter): object[] {
  const shown = specs.filter(({ key, instances }) => instances.size > 0 && shows(key.sdkKey));
  const rows = shown.map((spec) => {
    const instances = [...spec.instances.values()];
    return { spec, instances, counts: count(instances, clock.nowMs()) };
  });
  rows.sort((left, right) => right.counts.older - left.counts.older);
  return rows.map(({ spec, instances, counts }) => ({
    sdkKey: maskSdkKey(spec.key.sdkKey),
    api: spec.key.kind.name,
    format: spec.key.format,
    version: spec.version,
    heldForS: toSeconds(clock.monotonicMs() - spec.heldSinceMs),
    ...counts,
    updatedAfterS: describeUpdate(spec, instances),
    bySdk: countBySdk(instances, clock.nowMs()).slice(0, SDKS_SHOWN_MAX),
  }));
}

/** How long it took until so many of those that were here before the version had it; null where they are too few yet. */
function describeUpdate(
  { version, heldSinceMs }: SpecClients,
  instances: readonly Instance[],
): Readonly<Record<'p50' | 'p90' | 'p99', number | null>> {
  const before = instances.filter(({ firstSeenMs }) => firstSeenMs < heldSinceMs);
  const tookMs = before
    .filter(({ has }) => has === version)
    .map(({ hasSinceMs }) => Math.max(0, hasSinceMs - heldSinceMs))
    .sort((left, right) => left - right);
  const after = (share: number): number | null => {
    const took = tookMs[Math.ceil(share * before.length) - 1];
    return took === undefined ? null : toSeconds(took);
  };
  return { p50: after(0.5), p90: after(0.9), p99: after(0.99) };
}

function instancesOf(specs: readonly SpecClients[]): Instance[] {
  return specs.flatMap(({ instances }) => [...instances.values()]);
}

function groupBySdk(instances: readonly Instance[]): ReadonlyMap<ClientSdk, Instance[]> {
  const bySdk = new Map<ClientSdk, Instance[]>();
  for (const instance of instances) {
    const same = bySdk.get(instance.sdk);
    if (same === undefined) bySdk.set(instance.sdk, [instance]);
    else same.push(instance);
  }
  return bySdk;
}

function countBySdk(instances: readonly Instance[], nowMs: number): object[] {
  const rows = [...groupBySdk(instances)].map(([{ type, version }, same]) => ({
    sdk: type,
    version,
    ...count(same, nowMs),
  }));
  return rows.sort((left, right) => right.instances - left.instances);
}

function count(instances: readonly Instance[], nowMs: number): Counts {
  const counts = { instances: instances.length, newest: 0, older: 0, none: 0 };
  for (const instance of instances) counts[holdingOf(instance, nowMs)] += 1;
  return counts;
}

function toSeconds(durationMs: number): number {
  return Math.round(durationMs / 100) / 10;
}
