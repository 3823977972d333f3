// Builds the core: the store, its readers and pollers, and the places that outlive the process. Starts nothing.
import type { Config } from '../config/load-config.js';
import { HoldEnforcer } from '../core/holds/hold-enforcer.js';
import { Holds } from '../core/holds/holds.js';
import type { VersionHistory } from '../core/versions/version-history.js';
import { BackupLog } from '../core/backup-log.js';
import { Backups, type BackupPlace } from '../core/backups.js';
import { ColdMemory } from '../core/cold-memory.js';
import { FleetMember } from '../core/fleet-member.js';
import { KeyPolicy } from '../core/key-policy.js';
import { OutcomeLog, type Standing } from '../core/outcome-log.js';
import { PayloadStore, type PayloadStoreOptions } from '../core/payload-store.js';
import type { PushSource } from '../core/push-source.js';
import { PushedUpdates } from '../core/pushed-updates.js';
import { Reader, type Restore } from '../core/reader.js';
import { Refresher, type Arriving } from '../core/refresher.js';
import { Turns } from '../core/turns.js';
import { UpdateFeed } from '../core/update-feed.js';
import type { Clock } from '../domain/clock.js';
import { createConcurrencyLimit, type ConcurrencyLimit } from '../domain/concurrency-limit.js';
import type { PayloadKey } from '../domain/payload-key.js';
import { eventFields } from '../observability/event-fields.js';
import type { ProxyEvents } from '../observability/proxy-events.js';
import type { FleetLink } from '../storage/fleet-link.js';
import type { Origin } from '../core/origin.js';
import { Poller, type PollerOptions } from '../core/poller.js';
import { PinnedPayloads } from './pinned-payloads.js';
import {
  toFleetOptions,
  toIntervalMs,
  toNeededIntervalMs,
  toPollerOptions,
  toUnpushedMs,
} from './poll-options.js';
import { toHostOf, toOwnPayloads, toPinnedPayloadNames } from './room-options.js';
import type { World } from './world.js';

/** Bodies compressed at one time: zlib has four threads, and DNS needs one of them. */
const FORMS_IN_MAKING_MAX = 2;

export interface Core {
  readonly origin: Origin;
  readonly keyPolicy: KeyPolicy;
  readonly store: PayloadStore;
  readonly feed: UpdateFeed;
  readonly outcomes: OutcomeLog;
  readonly refresher: Refresher;
  readonly poller: Poller;
  readonly intervalMs: PollerOptions['intervalMs'];
  readonly reader: Reader;
  readonly pinned: PinnedPayloads;
  readonly backups: Backups;
  readonly holds: Holds;
  readonly enforcer: HoldEnforcer;
  /** Undefined without Redis. */
  readonly fleet: FleetMember | undefined;
  /** Undefined where the origin is not asked to push. */
  readonly pushed: PushedUpdates | undefined;
  /** Bounds how many body forms are made at one time. */
  readonly formsLimit: ConcurrencyLimit;
}

/** Where payloads come from: the origin, and the places where they outlive the process. */
export interface Sources {
  readonly origin: Origin;
  /** In the order in which they are asked. */
  readonly places: readonly BackupPlace[];
  /** Undefined without Redis. */
  readonly link: FleetLink | undefined;
  /** Undefined where the origin is not asked to push. */
  readonly push: PushSource | undefined;
  /** What a new version waits for before it is held. */
  readonly arriving?: Arriving;
  readonly history: VersionHistory;
  /** Undefined where no origin pushes what it has. */
  readonly feeds: Feeds | undefined;
}

/** Streams of an origin that pushes what it has. */
export interface Feeds {
  isFed(key: PayloadKey): boolean;
  standDown(key: PayloadKey): void;
}

export function buildCore(config: Config, world: World, events: ProxyEvents, sources: Sources): Core {
  const { clock, log } = world;
  const { origin, places, link, push, arriving, history, feeds } = sources;
  const formsLimit = createConcurrencyLimit(FORMS_IN_MAKING_MAX);
  const feed = new UpdateFeed();
  const holds = new Holds(clock);
  const store = buildStore(config, clock, formsLimit, {
    holds,
    beforeForms: () => reader.firstFetchesFirst(),
  });
  const keyPolicy = new KeyPolicy(clock, log, store.takes.bind(store));
  const versionOf = (key: PayloadKey): number | undefined => store.peek(key)?.payload.version;
  const outcomes = new OutcomeLog(clock, log, events, standingIn(store), toHostOf(config), versionOf);
  const memory = new ColdMemory(clock);
  const backups = new Backups(clock, log, store, places);
  const refresher = new Refresher(
    clock,
    origin,
    { store, memory, holds },
    config.clearDatastoreOnUnauthorized,
    arriving,
  );
  const isFed = (key: PayloadKey): boolean => feeds?.isFed(key) ?? true;
  const facts = {
    // Without its stream, what is held gets older unseen: that is tried again as soon as what is not held.
    isHeld: (key: PayloadKey): boolean => store.peek(key) !== undefined && isFed(key),
    isFed,
    isIdle: (key: PayloadKey): boolean => store.isIdle(key) && !feed.has(key) && !pinned.needs(key),
    isPushed: (key: PayloadKey): boolean => pushed?.isCurrent(key) ?? false,
  };
  const poller = new Poller(clock, log, toPollerOptions(config, facts));
  const pushed = push && new PushedUpdates(clock, push, { store, poller }, toUnpushedMs(config, facts));
  const named = toPinnedPayloadNames(config);
  const pinned = new PinnedPayloads(store, poller, outcomes, named, toOwnPayloads(config));
  const isRefused = refusedIn(config, store, outcomes);
  const enforcer = new HoldEnforcer(clock, log, { holds, store, history, backups, poller });
  const isDemanded = holds.demands.bind(holds);
  const standDown = (key: PayloadKey): void => feeds?.standDown(key);
  const shared = { store, poller, backups, outcomes, isRefused, isDemanded, standDown };
  const fleet = link && new FleetMember(clock, log, link, shared, toFleetOptions(config, facts));
  const enforce = enforcer.enforce.bind(enforcer);
  const turns = new Turns(clock, { store, refresher, backups, isRefused, enforce }, fleet);
  const restore: Restore = (key) => turns.restore(key, poller);
  const reader = new Reader(clock, { store, memory }, refresher, places.length > 0 ? restore : undefined, {
    coldFetchesMax: config.coldFetchesMax,
    admits: keyPolicy.admits.bind(keyPolicy),
  });
  const common = {
    origin,
    keyPolicy,
    store,
    feed,
    outcomes,
    refresher,
    poller,
    reader,
    pinned,
    backups,
    holds,
    enforcer,
    fleet,
    pushed,
  };
  const core: Core = { ...common, intervalMs: toIntervalMs(config, facts), formsLimit };
  poller.start((key) => turns.poll(key));
  connect(core, clock, memory, new BackupLog(clock, log), events);
  pollAgainWhenAsked(core, clock, config);
  return core;
}

/** Whether the origin refuses the payload's key, so that it was dropped. */
function refusedIn(
  { clearDatastoreOnUnauthorized }: Config,
  store: PayloadStore,
  outcomes: OutcomeLog,
): (key: PayloadKey) => boolean {
  return (key) =>
    clearDatastoreOnUnauthorized &&
    store.peek(key) === undefined &&
    outcomes.lastOf(key)?.kind === 'unauthorized';
}

function standingIn(store: PayloadStore): (key: PayloadKey) => Standing {
  return (key) => {
    if (store.peek(key) !== undefined) return 'held';
    return store.isPinned(key.sdkKey) ? 'pinned' : 'unknown';
  };
}

function buildStore(
  config: Config,
  clock: Clock,
  formsLimit: ConcurrencyLimit,
  more: Pick<PayloadStoreOptions, 'holds' | 'beforeForms'>,
): PayloadStore {
  const store = new PayloadStore(clock, formsLimit, {
    ...more,
    sdkKeysMax: config.maximumConcurrentSdkKeys,
    pinnedOnly: config.sdkKeysPolicy === 'pinned',
  });
  // Before the ports open: no pinned key may be refused at the start.
  store.pin(config.pinnedSdkKeys);
  return store;
}

/** At once, unless it was fetched a moment ago. */
function pollAgainWhenAsked({ store, poller }: Core, clock: Clock, config: Config): void {
  store.subscribe({
    askedAgain: ({ key, confirmedAtMs }) => {
      poller.postpone(key, Math.max(clock.monotonicMs(), confirmedAtMs + toNeededIntervalMs(config, key)));
    },
  });
}

/** Connects events to their listeners, which are called in the order in which they stand here. */
function connect(
  core: Core,
  clock: Clock,
  memory: ColdMemory,
  backupLog: BackupLog,
  events: ProxyEvents,
): void {
  const { store, refresher, backups, outcomes, feed, poller, fleet, pushed, enforcer } = core;
  store.subscribe({
    removed: ({ sdkKey }) => {
      memory.left(sdkKey);
    },
  });
  refresher.subscribe(outcomes);
  refresher.subscribe(backups);
  backups.subscribe(backupLog);
  backups.subscribe(enforcer);
  store.subscribe(outcomes);
  if (pushed !== undefined) store.subscribe(pushed);
  if (fleet !== undefined) {
    backups.subscribe(fleet.ofRedis);
    store.subscribe(fleet);
  }
  store.subscribe({
    updated: (held, replaced) => {
      const streams = feed.publish(held);
      const lcut = held.payload.version;
      const fields = { ...eventFields(held.key), acceptEncoding: 'none', lcut };
      events.record('ConfigSpecStoreGotData', fields);
      // Only a version that the body states is the time of its last change.
      if (replaced !== undefined && held.key.kind.versions === 'stated') {
        // Clocks differ: a sum that falls looks like a restart to Prometheus.
        const latencyMs = Math.max(0, clock.nowMs() - lcut);
        events.record('UpdateConfigSpecStorePropagationDelayMs', { ...fields, latencyMs });
      }
      if (streams > 0) events.record('StreamingChannelGotNewData', { ...fields, streams });
    },
    removed: (key) => {
      feed.remove(key);
      backups.forget(key);
    },
  });
  // What is held is polled; what is pinned is polled whether it is held or not.
  store.subscribe({
    added: (key) => {
      poller.watch(key);
    },
    removed: (key) => {
      if (store.isPinned(key.sdkKey)) return;
      poller.unwatch(key);
      outcomes.forget(key);
    },
  });
}
