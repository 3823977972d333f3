// Builds the rooms behind the servers and wires them: origin, store, refresher, poller, reader. Starts nothing.
import type { Config } from '../config/load-config.js';
import { BackupLog } from '../datastore/backup-log.js';
import { Backups, type BackupListener, type BackupPlace } from '../datastore/backups.js';
import { ColdMemory } from '../datastore/cold-memory.js';
import { FleetMember } from '../datastore/fleet-member.js';
import { OutcomeLog } from '../datastore/outcome-log.js';
import { PayloadStore, type StoreListener } from '../datastore/payload-store.js';
import { Reader, type Restore } from '../datastore/reader.js';
import { Refresher, type OutcomeListener } from '../datastore/refresher.js';
import { Turns } from '../datastore/turns.js';
import { UpdateFeed } from '../datastore/update-feed.js';
import { createConcurrencyLimit } from '../domain/concurrency-limit.js';
import { eventFields, type ProxyEvents } from '../observability/proxy-events.js';
import type { Readiness } from '../servers/readiness.js';
import type { FleetLink } from '../sources/fleet-link.js';
import type { Origin } from '../sources/origin.js';
import type { PayloadKey } from '../domain/payload-key.js';
import { Poller } from '../sources/upstream/poller.js';
import { buildManifests, type IdListRooms, type KnownFiles, type ManifestRooms } from './id-lists.js';
import type { EventRooms } from './log-events.js';
import { PinnedPayloads } from './pinned-payloads.js';
import { toFleetOptions, toPollerOptions } from './room-options.js';
import type { World } from './world.js';

/** Bodies compressed at one time: zlib has four threads, and DNS needs one of them. */
const FORMS_IN_MAKING_MAX = 2;

export interface Rooms extends ManifestRooms {
  readonly events: ProxyEvents;
  readonly origin: Origin;
  readonly store: PayloadStore;
  readonly feed: UpdateFeed;
  readonly outcomes: OutcomeLog;
  readonly poller: Poller;
  readonly reader: Reader;
  readonly pinned: PinnedPayloads;
  readonly backups: Backups;
  /** Undefined without Redis. */
  readonly fleet: FleetMember | undefined;
}

/** Everything behind the servers. */
export interface AllRooms extends Rooms, IdListRooms, EventRooms {
  readonly readiness: Readiness;
}

/** Where specs come from: the origin, and the places where they outlive the process. */
export interface Sources {
  readonly origin: Origin;
  /** In the order in which they are asked. */
  readonly places: readonly BackupPlace[];
  /** Undefined without Redis. */
  readonly link: FleetLink | undefined;
  /** Told of the files that manifests list, and asked what of them can be had. */
  readonly idListFiles: KnownFiles;
}

export function buildRooms(config: Config, world: World, events: ProxyEvents, sources: Sources): Rooms {
  const { clock, log } = world;
  const { origin, places, link, idListFiles } = sources;
  // What is held is polled; what is pinned is polled whether it is held or not.
  const listener: StoreListener = {
    added: (key) => {
      poller.watch(key);
      fleet?.know(key);
      manifestRooms.manifests.added(key);
    },
    updated: (held) => {
      manifestRooms.manifests.updated(held);
      const streams = feed.publish(held);
      if (streams === 0 || !events.isWatched) return;
      const fields = { ...eventFields(held.key), streams, lcut: held.payload.version };
      events.record('StreamingChannelGotNewData', fields);
    },
    removed: (key) => {
      feed.remove(key);
      backups.forget(key);
      fleet?.forget(key);
      manifestRooms.manifests.removed(key);
      if (store.isPinned(key.sdkKey)) return;
      poller.unwatch(key);
      outcomes.forget(key);
    },
  };
  const feed = new UpdateFeed();
  const limit = createConcurrencyLimit(FORMS_IN_MAKING_MAX);
  const store = new PayloadStore(clock, limit, listener, { sdkKeysMax: config.maximumConcurrentSdkKeys });
  const outcomes = new OutcomeLog(clock, log, events, (key) => {
    if (store.peek(key) !== undefined) return 'held';
    return store.isPinned(key.sdkKey) ? 'pinned' : 'unknown';
  });
  const memory = new ColdMemory(clock);
  const backupLog = new BackupLog(clock, log, events);
  const backups = new Backups(
    clock,
    store,
    places,
    toBackupListener(backupLog, () => fleet),
  );
  const refresher = new Refresher(clock, origin, { store, memory }, toOutcomeListener(outcomes, backups), {
    clearOnUnauthorized: config.clearDatastoreOnUnauthorized,
  });
  const poller: Poller = new Poller(clock, (key) => turns.poll(key), toPollerOptions(config));
  const isRefused = (key: PayloadKey): boolean =>
    config.clearDatastoreOnUnauthorized &&
    store.peek(key) === undefined &&
    outcomes.lastOf(key)?.kind === 'unauthorized';
  const shared = { store, poller, backups, outcomes, isRefused };
  const fleet: FleetMember | undefined =
    link && new FleetMember(clock, log, link, shared, toFleetOptions(config));
  const turns = new Turns(clock, { store, refresher, backups, isRefused }, fleet);
  const restore: Restore = (key) => turns.restore(key, poller);
  const reader = new Reader(clock, { store, memory }, refresher, places.length > 0 ? restore : undefined, {
    coldFetchesMax: config.coldFetchesMax,
  });
  const pinned = new PinnedPayloads(store, poller, outcomes);
  const manifestSource = { read: reader.read.bind(reader), refresh: refresher.refresh.bind(refresher) };
  const manifestRooms = buildManifests(clock, limit, manifestSource, idListFiles);
  const common = { events, origin, store, feed, outcomes, poller, reader, pinned, backups, fleet };
  return { ...common, ...manifestRooms };
}

function toOutcomeListener(outcomes: OutcomeLog, backups: Backups): OutcomeListener {
  return {
    fetched: (key, outcome, effect, latencyMs) => {
      outcomes.fetched(key, outcome, effect, latencyMs);
      backups.fetched(key, outcome, effect);
    },
  };
}

/** People are told of everything; the fleet of what others have written in Redis. */
function toBackupListener(log: BackupLog, fleet: () => FleetMember | undefined): BackupListener {
  return {
    restored: log.restored.bind(log),
    unusable: log.unusable.bind(log),
    confirmedByOthers: (key, place, agoMs) => {
      if (place === 'redis') fleet()?.confirmedByOthers(key, agoMs);
    },
    newer: (key, place, version) => {
      if (place === 'redis') fleet()?.heard(key, version);
    },
  };
}
