// Records SFP's events for what is done with Redis, as a wrapper around its snapshots.
import type { Clock } from '../../domain/clock.js';
import type { PayloadKey } from '../../domain/payload-key.js';
import type { ProxyEventName } from '../../observability/catalogue.js';
import { eventFields } from '../../observability/event-fields.js';
import type { ProxyEvents } from '../../observability/proxy-events.js';
import type { Confirming, Failing, Loading, Removing, Snapshots, Storing } from '../snapshots.js';

interface Telling {
  readonly name: ProxyEventName;
  readonly lcut?: number;
  readonly reason?: string;
}

export function withRedisEvents(clock: Clock, events: ProxyEvents, snapshots: Snapshots): Snapshots {
  async function told<Outcome>(
    key: PayloadKey,
    doing: Promise<Outcome>,
    tell: (outcome: Outcome) => Telling,
  ): Promise<Outcome> {
    const startMs = clock.monotonicMs();
    const outcome = await doing;
    const { name, ...fields } = tell(outcome);
    const latencyMs = clock.monotonicMs() - startMs;
    events.record(name, { ...eventFields(key), acceptEncoding: 'none', latencyMs, ...fields });
    return outcome;
  }

  return {
    load: (key, patience) => told(key, snapshots.load(key, patience), tellLoading),
    save: (key, payload, confirmedAgoMs) =>
      told(key, snapshots.save(key, payload, confirmedAgoMs), (outcome) =>
        tellSaving(outcome, payload.version),
      ),
    confirm: (key, version) =>
      told(key, snapshots.confirm(key, version), (outcome) => tellConfirming(outcome, version)),
    remove: (key) => told(key, snapshots.remove(key), tellRemoving),
    close: () => snapshots.close(),
  };
}

function tellLoading(outcome: Loading): Telling {
  switch (outcome.kind) {
    case 'found':
      return { name: 'RedisCacheReadSucceed', lcut: outcome.snapshot.payload.version };
    case 'missing':
      return { name: 'RedisCacheReadMiss' };
    default:
      return { name: 'RedisCacheReadFailed', reason: reasonOf(outcome) };
  }
}

function tellSaving(outcome: Storing, version: number): Telling {
  switch (outcome.kind) {
    case 'stored':
      return { name: 'RedisCacheWriteSucceed', lcut: version };
    case 'newer':
      return { name: 'RedisCacheWriteSkipped', lcut: outcome.version, reason: 'newer' };
    default:
      return { name: 'RedisCacheWriteFailed', lcut: version, reason: reasonOf(outcome) };
  }
}

function tellConfirming(outcome: Confirming, version: number): Telling {
  switch (outcome.kind) {
    case 'stored':
      return { name: 'RedisCacheTtlRefreshed', lcut: version };
    case 'newer':
      return { name: 'RedisCacheWriteSkipped', lcut: outcome.version, reason: 'newer' };
    case 'behind':
      return { name: 'RedisCacheTtlRefreshMissed', lcut: version };
    default:
      return { name: 'RedisCacheTtlRefreshFailed', lcut: version, reason: reasonOf(outcome) };
  }
}

function tellRemoving(outcome: Removing): Telling {
  if (outcome.kind === 'removed' || outcome.kind === 'missing') return { name: 'RedisCacheDeleteSucceed' };
  return { name: 'RedisCacheDeleteFailed', reason: reasonOf(outcome) };
}

function reasonOf(failing: Failing): string {
  return failing.kind === 'failed' ? failing.reason : failing.fault;
}
