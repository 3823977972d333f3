// Counts clients of specs: by what they hold as against what is held here, by their SDK, and by version.
import { hasNewsFor } from '../domain/version.js';
import type { ClientSdk } from '../protocols/statsig/clients/client-sdks.js';
import type { Instance, SpecClients } from '../protocols/statsig/clients/spec-clients.js';
import type { UpdateTimes } from '../protocols/statsig/clients/update-times.js';
import { toSeconds } from './shown-times.js';

/** Of one spec, those with most instances. */
export const SDKS_SHOWN_MAX = 10;

/** What an instance holds, as against what is held here. */
export const HOLDINGS = ['newest', 'older', 'none'] as const;

export type Holding = (typeof HOLDINGS)[number];

export type Counts = { readonly [name in Holding]: number } & { readonly instances: number };

export function holdingOf({ spec, holds }: Instance, nowMs: number): Holding {
  if (holds === 0) return 'none';
  return hasNewsFor(spec.version, holds, nowMs) ? 'older' : 'newest';
}

export function countHoldings(instances: Iterable<Instance>, nowMs: number): Counts {
  const counts = { instances: 0, newest: 0, older: 0, none: 0 };
  for (const instance of instances) {
    counts.instances += 1;
    counts[holdingOf(instance, nowMs)] += 1;
  }
  return counts;
}

export function groupBySdk(instances: Iterable<Instance>): ReadonlyMap<ClientSdk, Instance[]> {
  const bySdk = new Map<ClientSdk, Instance[]>();
  for (const instance of instances) {
    const same = bySdk.get(instance.sdk);
    if (same === undefined) bySdk.set(instance.sdk, [instance]);
    else same.push(instance);
  }
  return bySdk;
}

/** Those with most instances come first. */
export function countBySdk(instances: Iterable<Instance>, nowMs: number): object[] {
  const rows = [...groupBySdk(instances)].map(([{ type, version }, same]) => ({
    sdk: type,
    version,
    ...countHoldings(same, nowMs),
  }));
  return rows.sort((left, right) => right.instances - left.instances);
}

/** How many hold which version, 0 for none; those with most instances come first. */
export function countByVersion(instances: Iterable<Instance>): object[] {
  const byVersion = new Map<number, number>();
  for (const { holds } of instances) byVersion.set(holds, (byVersion.get(holds) ?? 0) + 1);
  return [...byVersion]
    .map(([version, count]) => ({ version, instances: count }))
    .sort((left, right) => right.instances - left.instances);
}

export function instancesOf(specs: readonly SpecClients[]): Instance[] {
  return specs.flatMap(({ instances }) => [...instances.values()]);
}

/** Until so many of those that were here before the version had it; null where they are too few yet. */
export function timesInS({
  p50Ms,
  p90Ms,
  p99Ms,
}: UpdateTimes): Readonly<Record<'p50' | 'p90' | 'p99', number | null>> {
  const inS = (ms: number | null): number | null => (ms === null ? null : toSeconds(ms));
  return { p50: inS(p50Ms), p90: inS(p90Ms), p99: inS(p99Ms) };
}
