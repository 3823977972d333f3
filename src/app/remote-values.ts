// Builds what remote values need: a store, a reader and backups like those of specs, and the places of specs that wait for them.
import { join } from 'node:path';
import type { Config } from '../config/load-config.js';
import { Backups, type BackupPlace } from '../core/backups.js';
import { ColdMemory } from '../core/cold-memory.js';
import type { Origin } from '../core/origin.js';
import { PayloadStore } from '../core/payload-store.js';
import { Reader, type Restore } from '../core/reader.js';
import { Refresher } from '../core/refresher.js';
import type { Clock } from '../domain/clock.js';
import { createConcurrencyLimit } from '../domain/concurrency-limit.js';
import type { SharedConnections } from '../http-client/upstream-pool.js';
import type { Gauges } from '../observability/gauges.js';
import { readInstruments as to } from '../observability/instruments.js';
import type { ProxyEvents } from '../observability/proxy-events.js';
import { createRemoteValueClient } from '../protocols/statsig/origin/remote-value-client.js';
import type { UpstreamOptions } from '../protocols/statsig/origin/upstream-client.js';
import { Namings } from '../protocols/statsig/remote-values/naming.js';
import { withProof } from '../protocols/statsig/remote-values/proved-place.js';
import { RemoteValues } from '../protocols/statsig/remote-values/remote-values.js';
import { withNamedValues } from '../protocols/statsig/remote-values/spec-place.js';
import { ValueLog } from '../protocols/statsig/remote-values/value-log.js';
import { openDiskSnapshots, type DiskSnapshots, type OnDisk } from '../storage/disk/disk-snapshots.js';
import type { Feature } from './feature.js';
import { toRemoteValuesOptions, toUpstreamOptions, toValueFileOptions } from './room-options.js';
import { finishBackups } from './shutdown.js';
import type { World } from './world.js';

/** Fetches from the origin at one time; a quarter of them is for values that specs name. */
const FETCHES_MAX = 32;
/** Bodies compressed at one time: besides those of specs, and still one of zlib's threads is left for DNS. */
const FORMS_IN_MAKING_MAX = 1;

export interface BuiltRemoteValues {
  readonly remoteValues: RemoteValues;
  readonly remoteValueOrigin: Origin;
  readonly remoteValueFeature: Feature;
  readonly remoteValueStore: PayloadStore;
  /** The places of specs, where each waits for the values that it names. */
  readonly places: readonly BackupPlace[];
}

/** Undefined where specs are kept in no folder. */
export async function openValueFolder(
  config: Config,
  { clock, log, user }: World,
  disk: OnDisk,
): Promise<DiskSnapshots | undefined> {
  if (config.specDir === undefined) return undefined;
  const folder = join(config.specDir, 'remote-values');
  return await openDiskSnapshots(clock, log, { ...disk, folder, user, ...toValueFileOptions(config) });
}

/** `specPlaces`: values are kept where specs are; `disk`: in a folder of their own. */
export function buildRemoteValues(
  config: Config,
  { clock, log, version }: World,
  events: ProxyEvents,
  { connections, path }: Pick<UpstreamOptions, 'path'> & { readonly connections: SharedConnections },
  specPlaces: readonly BackupPlace[],
  disk: DiskSnapshots | undefined,
): BuiltRemoteValues {
  const namings = new Namings();
  const upstream = { ...toUpstreamOptions(config, version, connections), path };
  const origin = createRemoteValueClient(clock, upstream, (sha256) => namings.sdkKeyFor(sha256));
  const options = toRemoteValuesOptions(config);
  const bounds = { sdkKeysMax: Infinity, bytesMax: options.bytesMax };
  const store = new PayloadStore(clock, createConcurrencyLimit(FORMS_IN_MAKING_MAX), bounds);
  const memory = new ColdMemory(clock);
  const valuePlaces = specPlaces.map(({ name, snapshots }) => ({
    name,
    snapshots: withProof(name === 'disk' && disk !== undefined ? disk : snapshots),
  }));
  const backups = new Backups(clock, log, store, valuePlaces);
  const refresher = new Refresher(clock, origin, { store, memory }, false);
  const valueLog = new ValueLog(clock, log, events);
  refresher.subscribe(backups);
  refresher.subscribe(valueLog);
  backups.subscribe(valueLog);
  // One that was found in Redis is written to the folder as well, and the other way round.
  backups.subscribe({
    restored: ({ held, place }) => {
      backups.saveElsewhere(place, held.key);
    },
  });
  store.subscribe({
    removed: (key) => {
      backups.forget(key);
    },
  });
  const restore: Restore = async (key) => (await backups.restore(key))?.held;
  const isKept = valuePlaces.length > 0;
  const reader = new Reader(clock, { store, memory }, refresher, isKept ? restore : undefined, {
    coldFetchesMax: FETCHES_MAX,
    // A value belongs to no SDK key: every client may have it.
    admits: () => true,
  });
  const remoteValues = new RemoteValues(clock, { log, events }, namings, { store, reader, backups }, options);
  const places = specPlaces.map(({ name, snapshots }, index) => ({
    name,
    snapshots: withNamedValues(snapshots, valuePlaces[index]?.snapshots ?? snapshots, remoteValues),
  }));
  return {
    remoteValues,
    remoteValueOrigin: origin,
    places,
    remoteValueStore: store,
    remoteValueFeature: toFeature(clock, { remoteValues, origin, store, reader, backups, valueLog, disk }),
  };
}

interface Parts {
  readonly remoteValues: RemoteValues;
  readonly origin: Origin;
  readonly store: PayloadStore;
  readonly reader: Reader;
  readonly backups: Backups;
  readonly valueLog: ValueLog;
  readonly disk: DiskSnapshots | undefined;
}

function toFeature(
  clock: Clock,
  { remoteValues, origin, store, reader, backups, valueLog, disk }: Parts,
): Feature {
  return {
    name: 'remote values',
    open: () => {
      remoteValues.start();
    },
    drain: () => {
      remoteValues.stop();
    },
    close: async () => {
      await origin.close();
      // Redis is closed with the backups of specs.
      await finishBackups(clock, {
        stop: backups.stop.bind(backups),
        idle: backups.idle.bind(backups),
        close: async () => disk?.close(),
      });
    },
    readings: (write) => {
      write(to.remoteValueBytes, store.bytes);
    },
    gauges: () => gaugesOf(store, reader, remoteValues.bytesMax),
    problems: () => {
      const { missing } = remoteValues;
      if (missing === undefined) return [];
      const what = 'Values that specs name cannot be fetched.';
      const sinceMs = clock.nowMs() - missing.forMs;
      return [{ reason: 'remote_values_missing', what, sinceMs, count: missing.values }];
    },
    status: () => ({
      remoteValues: {
        ...remoteValues.describe(),
        ...valueLog.describe(),
        ...(disk && { disk: disk.describe() }),
      },
    }),
  };
}

/** Of the tables of its reader those that clients can fill. */
function gaugesOf(store: PayloadStore, reader: Reader, bytesMax: number): Gauges {
  const of = new Map(Object.entries(reader.gauges));
  const rows = [
    ['remoteValueFetchesInFlight', of.get('coldFetchesInFlight')],
    ['remoteValueFetchesWaiting', of.get('coldFetchesWaiting')],
    ['namedValueFetchesWaiting', of.get('coldFetchesOfKnownKeysWaiting')],
    ['remoteValueFailuresRemembered', of.get('failuresRemembered')],
  ] as const;
  return {
    remoteValueBytes: { entries: store.bytes, entriesMax: bytesMax, reached: store.evictionsForBytes },
    ...Object.fromEntries(rows.flatMap(([name, gauge]) => (gauge === undefined ? [] : [[name, gauge]]))),
  };
}
