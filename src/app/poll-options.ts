// How often each payload is asked for: by this replica, by one among others, when it is needed, idle or pushed.
import type { Config } from '../config/load-config.js';
import type { FleetMemberOptions } from '../core/fleet-member.js';
import type { PollerOptions } from '../core/poller.js';
import type { PayloadKey } from '../domain/payload-key.js';
import { CONFIRM_EVERY_MS } from '../protocols/replane/origin/project-feeds.js';
import { REPLANE_PROJECT } from '../protocols/replane/project-kind.js';
import { ID_LISTS } from '../protocols/statsig/resource-kinds.js';

/** What the polls of a payload depend on. */
export interface PollFacts extends Pick<PollerOptions, 'isHeld'>, Pick<FleetMemberOptions, 'isFed'> {
  /** Nobody needs the newest of it now. */
  readonly isIdle: (key: PayloadKey) => boolean;
  /** The origin would tell of a newer one. */
  readonly isPushed: (key: PayloadKey) => boolean;
}

export function toPollerOptions(config: Config, facts: PollFacts): PollerOptions {
  return {
    intervalMs: toIntervalMs(config, facts),
    inFlightMax: config.updateBatchSize,
    isHeld: facts.isHeld,
    instanceName: config.instanceName,
  };
}

export function toFleetOptions(config: Config, facts: PollFacts): FleetMemberOptions {
  const intervalMs = toIntervalMs(config, facts);
  return {
    lookMs: config.pollingIntervalS * 1000,
    // Whoever has the stream of a project confirms it more often than it is polled: at least every 15 s, of twice this.
    intervalMs: (key) => (key.kind === REPLANE_PROJECT ? CONFIRM_EVERY_MS : intervalMs(key)),
    isFed: facts.isFed,
    instanceName: config.instanceName,
    clearOnUnauthorized: config.clearDatastoreOnUnauthorized,
  };
}

/** Between two polls of an idle payload: often enough to be useful in an outage and to the first client that asks. */
const IDLE_INTERVAL_MS = 600_000;

/** Between two polls of a payload whose newer versions the origin would tell of: in case it does not after all. */
const PUSHED_INTERVAL_MS = 60_000;

/** Between two polls of a payload, as it is needed now. */
export function toIntervalMs(
  config: Config,
  { isIdle, isPushed }: Omit<PollFacts, 'isHeld'>,
): PollerOptions['intervalMs'] {
  return (key) => {
    const intervalMs = toNeededIntervalMs(config, key);
    if (isIdle(key)) return Math.max(intervalMs, IDLE_INTERVAL_MS);
    return isPushed(key) ? Math.max(intervalMs, PUSHED_INTERVAL_MS) : intervalMs;
  };
}

/** The same where the origin tells of nothing. */
export function toUnpushedMs(config: Config, facts: PollFacts): PollerOptions['intervalMs'] {
  return toIntervalMs(config, { ...facts, isPushed: () => false });
}

/** The same of one that is needed. */
export function toNeededIntervalMs(config: Config, { kind }: PayloadKey): number {
  if (kind === REPLANE_PROJECT) return config.replaneResyncIntervalS * 1000;
  return (kind === ID_LISTS ? config.idListsPollingIntervalS : config.pollingIntervalS) * 1000;
}
