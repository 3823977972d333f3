// What the fleet's clients have, as a feature: a census of SDK instances, for /metrics and /status.
import type { Cancel, Clock } from '../domain/clock.js';
import { maskSdkKey } from '../domain/sdk-key.js';
import { readInstruments as to } from '../observability/instruments.js';
import type { WriteReading } from '../observability/metrics.js';
import { SWEEP_EVERY_S, type ClientCensus } from '../protocols/statsig/clients/client-census.js';
import type { SpecClients } from '../protocols/statsig/clients/spec-clients.js';
import { timesOfUpdate } from '../protocols/statsig/clients/update-times.js';
import {
  countBySdk,
  countHoldings,
  groupBySdk,
  HOLDINGS,
  instancesOf,
  SDKS_SHOWN_MAX,
  timesInS,
} from './client-counts.js';
import type { Feature } from './feature.js';
import { keyRows, type KeyFilter } from './key-rows.js';
import { toSeconds } from './shown-times.js';

export function clientFeature(clock: Clock, census: ClientCensus): Feature {
  let cancel: Cancel = () => undefined;
  const open = (): void => {
    cancel = clock.schedule(SWEEP_EVERY_S * 1000, () => {
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

function readClients(write: WriteReading, { specs }: ClientCensus, nowMs: number): void {
  for (const [{ type }, instances] of groupBySdk(instancesOf(specs))) {
    const counts = countHoldings(instances, nowMs);
    for (const holding of HOLDINGS) write(to.clients, counts[holding], type, holding);
  }
}

function describeClients(clock: Clock, census: ClientCensus, shows: KeyFilter | undefined): object {
  const { specs, unnamedPolls } = census;
  const nowMs = clock.nowMs();
  const all = instancesOf(specs);
  return {
    ...countHoldings(all, nowMs),
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
    return { spec, instances, counts: countHoldings(instances, clock.nowMs()) };
  });
  rows.sort((left, right) => right.counts.older - left.counts.older);
  return rows.map(({ spec, instances, counts }) => ({
    sdkKey: maskSdkKey(spec.key.sdkKey),
    api: spec.key.kind.name,
    format: spec.key.format,
    version: spec.version,
    heldForS: toSeconds(clock.monotonicMs() - spec.heldSinceMs),
    ...counts,
    updatedAfterS: timesInS(timesOfUpdate(spec)),
    bySdk: countBySdk(instances, clock.nowMs()).slice(0, SDKS_SHOWN_MAX),
  }));
}
