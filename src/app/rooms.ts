// Builds the rooms behind the servers and wires them: origin, store, refresher, poller, reader. Starts nothing.
import type { Config } from '../config/load-config.js';
import { OutcomeLog } from '../datastore/outcome-log.js';
import { PayloadStore, type StoreListener } from '../datastore/payload-store.js';
import { Reader } from '../datastore/reader.js';
import { Refresher } from '../datastore/refresher.js';
import type { Clock } from '../domain/clock.js';
import { createConcurrencyLimit } from '../domain/concurrency-limit.js';
import type { Logger } from '../observability/logger.js';
import { createLoggedProxyEvents, noProxyEvents, type ProxyEvents } from '../observability/proxy-events.js';
import { Readiness } from '../servers/readiness.js';
import type { Origin } from '../sources/origin.js';
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
    removed: (key) => {
      if (store.isPinned(key.sdkKey)) return;
      poller.unwatch(key);
      outcomes.forget(key);
    },
  };
  const limit = createConcurrencyLimit(FORMS_IN_MAKING_MAX);
  const store = new PayloadStore(clock, limit, listener, { sdkKeysMax: config.maximumConcurrentSdkKeys });
  const outcomes = new OutcomeLog(
    clock,
    log,
    events,
    (key) => store.peek(key) !== undefined || store.isPinned(key.sdkKey),
  );
  const refresher = new Refresher(clock, origin, store, outcomes, {
    clearOnUnauthorized: config.clearDatastoreOnUnauthorized,
  });
  const poller = new Poller(clock, (key) => refresher.refresh(key), {
    intervalMs: config.pollingIntervalS * 1000,
    inFlightMax: config.updateBatchSize,
    instanceName: config.instanceName,
  });
  const reader = new Reader(clock, store, refresher, { coldFetchesMax: config.coldFetchesMax });
  const pinned = new PinnedPayloads(store, poller, outcomes);
  return { readiness: new Readiness(), events, origin, store, outcomes, poller, reader, pinned };
}
