// Batches of log events of a wished size, each different: half of their events are exposures.
import { gzipSync } from 'node:zlib';

export function makeEvents(count: number, seed: number): object[] {
  let state = seed + 1;
  const next = (): number => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648);
  return Array.from({ length: count }, (_none, index) => {
    const user = { userID: `user-${next()}`, email: `${next()}@example.com`, custom: { plan: next() % 7 } };
    const time = 1_800_000_000_000 + index;
    if (index % 2 === 0)
      return { eventName: 'purchase', value: next(), metadata: { item: `${next()}` }, user, time };
    const metadata = {
      gate: `gate_${next() % 50}`,
      gateValue: 'true',
      ruleID: `rule_${next() % 9}`,
      reason: 'Network',
    };
    return { eventName: 'statsig::gate_exposure', value: null, metadata, user, time, secondaryExposures: [] };
  });
}

export function makeBody(count: number, seed: number): Buffer {
  return Buffer.from(
    JSON.stringify({ events: makeEvents(count, seed), statsigMetadata: { sdkType: 'bench' } }),
  );
}

/** The number of events whose batch is about so large as gzip. */
export function eventsFor(gzipBytes: number): number {
  const perEvent = gzipSync(makeBody(1000, 1)).length / 1000;
  return Math.round(gzipBytes / perEvent);
}
