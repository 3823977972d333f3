// What operators see of specs: a page of the list, one spec with its polls and backups, and who has it.
import type { Clock } from '../domain/clock.js';
import { hashSdkKey, maskSdkKey } from '../domain/sdk-key.js';
import type { PayloadKey } from '../domain/payload-key.js';
import { ageMs, type HeldPayload } from '../core/payload-store.js';
import type { OutcomeRun } from '../core/outcome-history.js';
import type { ClientCensus } from '../protocols/statsig/clients/client-census.js';
import {
  pollsInAMinute,
  type Instance,
  type SpecClients,
} from '../protocols/statsig/clients/spec-clients.js';
import { timesOfUpdate, type UpdateTimes } from '../protocols/statsig/clients/update-times.js';
import type { PageQuery } from '../servers/admin/operator-api.js';
import {
  countBySdk,
  countByVersion,
  countHoldings,
  holdingOf,
  instancesOf,
  SDKS_SHOWN_MAX,
  timesInS,
  type Holding,
} from './client-counts.js';
import type { Core } from './core.js';
import { describeHold } from './operator-orders.js';
import { toIso, toSeconds } from './shown-times.js';
import { listSpecs, pageOfSpecs, type ListedSpec } from './spec-list.js';

/** Of one spec, those that most clients hold. */
const VERSIONS_SHOWN_MAX = 10;
/** Of the id of an SDK instance: enough to find it in its service's log. */
const SESSION_CHARACTERS_SHOWN = 8;

export interface SpecViewRooms extends Pick<
  Core,
  'store' | 'pinned' | 'outcomes' | 'holds' | 'poller' | 'backups' | 'feed' | 'intervalMs'
> {
  readonly census: ClientCensus;
}

export class SpecViews {
  readonly #clock: Clock;
  readonly #rooms: SpecViewRooms;

  constructor(clock: Clock, rooms: SpecViewRooms) {
    this.#clock = clock;
    this.#rooms = rooms;
  }

  page(query: PageQuery): object {
    const { specs, next = null, ...counts } = pageOfSpecs(this.#rooms, this.#clock.nowMs(), query);
    return { specs: specs.map((spec) => this.#describe(spec)), ...counts, next };
  }

  /** Undefined for a spec that this replica does not hold and need not hold. */
  one(keyHash: string, api: string, format: string): object | undefined {
    const spec = listSpecs(this.#rooms, this.#clock.nowMs()).find(
      (each) => each.keyHash === keyHash && each.key.kind.name === api && each.key.format === format,
    );
    if (spec === undefined) return undefined;
    const { poller, backups, intervalMs } = this.#rooms;
    const { key, held } = spec;
    const poll = poller.stateOf(key);
    const nextInMs = poll?.nextPollMs === undefined ? undefined : poll.nextPollMs - this.#clock.monotonicMs();
    return {
      ...this.#describe(spec),
      polls: {
        intervalS: intervalMs(key) / 1000,
        nextInS: nextInMs === undefined ? null : toSeconds(Math.max(0, nextInMs)),
        failuresInARow: poll?.failures ?? 0,
        outcomes: this.#rooms.outcomes.history.of(key).map((run) => this.#describeRun(run)),
      },
      backups: backups.statesOf(key).map(({ place, state }) => ({
        place,
        last: state?.last ?? null,
        lastAt: state === undefined ? null : toIso(state.lastAtMs),
        storedAt: state?.storedAtMs === undefined ? null : toIso(state.storedAtMs),
        failures: state?.failures ?? 0,
      })),
      formBytes: held?.forms.sizes ?? {},
    };
  }

  /** Who has this spec: those that are behind first, then those that hold nothing. */
  clientsOf(key: PayloadKey, limit: number): object {
    const spec = this.#rooms.census.of(key);
    const nowMs = this.#clock.nowMs();
    const rank = (instance: Instance): number => ORDER.indexOf(holdingOf(instance, nowMs));
    const all = [...(spec?.instances.values() ?? [])].sort((left, right) => rank(left) - rank(right));
    return {
      version: spec?.version ?? null,
      clients: all.slice(0, limit).map((instance) => this.#describeInstance(instance, nowMs)),
      leftOut: Math.max(0, all.length - limit),
    };
  }

  /** Clients of all specs; of single specs those with most that are behind first. */
  clients(limit: number): object {
    const { specs, unnamedPolls } = this.#rooms.census;
    const nowMs = this.#clock.nowMs();
    const all = instancesOf(specs);
    const counted = specs
      .filter(({ instances }) => instances.size > 0)
      .map((spec) => ({ spec, counts: countHoldings(spec.instances.values(), nowMs) }))
      .sort((left, right) => right.counts.older - left.counts.older);
    return {
      ...countHoldings(all, nowMs),
      unnamedPolls,
      bySdk: countBySdk(all, nowMs),
      specs: counted.slice(0, limit).map(({ spec, counts }) => ({
        sdkKey: maskSdkKey(spec.key.sdkKey),
        keyHash: hashSdkKey(spec.key.sdkKey),
        api: spec.key.kind.name,
        format: spec.key.format,
        version: spec.version,
        heldForS: this.#heldForS(spec),
        ...counts,
        ...namedTimes(timesOfUpdate(spec)),
        ...this.#describeGroups(spec, nowMs),
      })),
      leftOut: Math.max(0, counted.length - limit),
    };
  }

  #describe({ key, held, shown, keyHash, hold, state }: ListedSpec): object {
    const { store, outcomes } = this.#rooms;
    const lastRun = outcomes.history.of(key).at(-1);
    return {
      sdkKey: shown,
      keyHash,
      api: key.kind.name,
      format: key.format,
      isPinned: store.isPinned(key.sdkKey),
      state,
      ...(held === undefined ? NOT_HELD : this.#describeHeld(held)),
      lastPoll: lastRun === undefined ? null : this.#describeRun(lastRun),
      ...this.#describeClients(key),
      hold: hold === undefined ? null : describeHold(hold, this.#clock.nowMs(), held?.payload.version),
    };
  }

  #describeHeld(held: HeldPayload): Readonly<Record<keyof typeof NOT_HELD, unknown>> {
    const { payload, source, from } = held;
    const spec = this.#rooms.census.of(held.key);
    return {
      version: payload.version,
      versionAt: toIso(payload.version),
      heldForS: spec === undefined ? null : this.#heldForS(spec),
      bytes: payload.originForm.bytes.length,
      identityBytes: payload.identityBytes,
      confirmedAgoS: toSeconds(ageMs(held, this.#clock.monotonicMs())),
      source,
      from: from ?? null,
    };
  }

  #describeClients(key: PayloadKey): object {
    const spec = this.#rooms.census.of(key);
    const nowMs = this.#clock.nowMs();
    return {
      streams: this.#rooms.feed.countOf(key),
      requestsPerMinute: spec === undefined ? 0 : pollsInAMinute(spec),
      clients: countHoldings(spec?.instances.values() ?? [], nowMs),
      ...this.#describeGroups(spec, nowMs),
      updates: spec === undefined ? [] : this.#describeUpdates(spec),
    };
  }

  #describeGroups(spec: SpecClients | undefined, nowMs: number): object {
    const instances = [...(spec?.instances.values() ?? [])];
    return {
      bySdk: countBySdk(instances, nowMs).slice(0, SDKS_SHOWN_MAX),
      byVersion: countByVersion(instances).slice(0, VERSIONS_SHOWN_MAX),
    };
  }

  /** The oldest first; the last one is that of the version in force. */
  #describeUpdates(spec: SpecClients): readonly object[] {
    return [...spec.pastUpdates, timesOfUpdate(spec)].map((update) => ({
      version: update.version,
      at: this.#toIso(update.heldSinceMs),
      clients: update.clients,
      ...namedTimes(update),
    }));
  }

  #describeRun({ kind, reason, sinceMs, untilMs, count }: OutcomeRun): object {
    const of = { kind, reason: reason ?? null };
    return { ...of, since: this.#toIso(sinceMs), until: this.#toIso(untilMs), count };
  }

  #describeInstance(instance: Instance, nowMs: number): object {
    const { session, sdk, holds, firstSeenMs, seenAtS } = instance;
    const monotonicMs = this.#clock.monotonicMs();
    return {
      session: session?.slice(0, SESSION_CHARACTERS_SHOWN) ?? null,
      isStream: session === undefined,
      sdk: sdk.type,
      sdkVersion: sdk.version,
      holds,
      holding: holdingOf(instance, nowMs),
      firstSeenAgoS: toSeconds(monotonicMs - firstSeenMs),
      seenAgoS: toSeconds(Math.max(0, monotonicMs - seenAtS * 1000)),
    };
  }

  #heldForS({ heldSinceMs }: SpecClients): number {
    return toSeconds(this.#clock.monotonicMs() - heldSinceMs);
  }

  #toIso(monotonicMs: number): string | null {
    return toIso(this.#clock.nowMs() - this.#clock.monotonicMs() + monotonicMs);
  }
}

const NOT_HELD = {
  version: null,
  versionAt: null,
  heldForS: null,
  bytes: null,
  identityBytes: null,
  confirmedAgoS: null,
  source: null,
  from: null,
};

const ORDER: readonly Holding[] = ['older', 'none', 'newest'];

function namedTimes(update: UpdateTimes): Readonly<Record<'p50S' | 'p90S' | 'p99S', number | null>> {
  const { p50: p50S, p90: p90S, p99: p99S } = timesInS(update);
  return { p50S, p90S, p99S };
}
