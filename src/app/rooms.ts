// Builds the rooms behind the servers and wires them: origin, store, refresher, poller, reader. Starts nothing.
import type { Config } from '../config/load-config.js';
import { ColdMemory } from '../datastore/cold-memory.js';
import { OutcomeLog } from '../datastore/outcome-log.js';
import { PayloadStore, type StoreListener } from '../datastore/payload-store.js';
import { Reader } from '../datastore/reader.js';
import { Refresher } from '../datastore/refresher.js';
import { UpdateFeed } from '../datastore/update-feed.js';
import { maskSdkKey } from '../domain/sdk-key.js';
import type { Clock } from '../domain/clock.js';
import { createConcurrencyLimit } from '../domain/concurrency-limit.js';
import type { Logger } from '../observability/logger.js';
import { createLoggedProxyEvents, noProxyEvents, type ProxyEvents } from '../observability/proxy-events.js';
import { Readiness } from '../servers/readiness.js';
import type { FetchOutcome, Origin } from '../sources/origin.js';
import { specPath, type PayloadKey } from '../domain/payload-key.js';
import { Poller } from '../sources/upstream/poller.js';
import { createUpstreamClient } from '../sources/upstream/upstream-client.js';
import { PinnedPayloads } from './pinned-payloads.js';
import { toUpstreamOptions } from './room-options.js';

/** Bodies compressed at one time: zlib has four threads, and DNS needs one of them. */
const FORMS_IN_MAKING_MAX = 2;

/** What the process is given instead of reaching for it. */
export interface World {
  readonly clock: Clock;
  readonly log: Logger;
  /** This program's release. */
  readonly version: string;
}

export interface Rooms {
  readonly readiness: Readiness;
  readonly events: ProxyEvents;
  readonly origin: Origin;
  readonly store: PayloadStore;
  readonly feed: UpdateFeed;
  readonly outcomes: OutcomeLog;
  readonly poller: Poller;
  readonly reader: Reader;
  readonly pinned: PinnedPayloads;
}

export function buildRooms(config: Config, { clock, log, version }: World): Rooms {
  const events = config.debugLogging ? createLoggedProxyEvents(log) : noProxyEvents;
  const origin = createUpstreamClient(clock, toUpstreamOptions(config, version));
  // What is held is polled; what is pinned is polled whether it is held or not.
  const listener: StoreListener = {
    added: (key) => {
      poller.watch(key);
    },
    updated: (held) => {
      const streams = feed.publish(held);
      if (streams === 0 || !events.isWatched) return;
      const sdkKey = maskSdkKey(held.key.sdkKey);
      const path = specPath(held.key.api);
      events.record('StreamingChannelGotNewData', { path, sdkKey, streams, lcut: held.payload.version });
    },
    removed: (key) => {
      feed.remove(key);
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
  const refresher = new Refresher(clock, origin, { store, memory }, outcomes, {
    clearOnUnauthorized: config.clearDatastoreOnUnauthorized,
  });
  const refresh = async (key: PayloadKey): Promise<FetchOutcome> => (await refresher.refresh(key)).outcome;
  const poller = new Poller(clock, refresh, {
    intervalMs: config.pollingIntervalS * 1000,
    inFlightMax: config.updateBatchSize,
    instanceName: config.instanceName,
  });
  const reader = new Reader(clock, { store, memory }, refresher, { coldFetchesMax: config.coldFetchesMax });
  const pinned = new PinnedPayloads(store, poller, outcomes);
  return { readiness: new Readiness(), events, origin, store, feed, outcomes, poller, reader, pinned };
}
