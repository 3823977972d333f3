// What /status answers: a verdict with what is wrong, facts about the process, then whatever each feature states.
import type { Config } from '../config/load-config.js';
import { shownSettings } from '../config/shown-settings.js';
import { systemClock } from '../domain/clock.js';
import { EventLoopDelay } from '../observability/event-loop-delay.js';
import type { Gauge } from '../observability/gauges.js';
import { readInstruments as to } from '../observability/instruments.js';
import type { Readiness } from '../servers/readiness.js';
import type { Feature, Features } from './feature.js';
import { toKeyFilter } from './key-rows.js';
import { judge } from './problems.js';
import { toSeconds } from './shown-times.js';
import type { World } from './world.js';

/** The verdict with what is wrong, and which process this is. */
export function describeProcess(
  config: Config,
  { clock, version }: World,
  features: Features,
  readiness: Readiness,
  startedAtMs: number,
): object {
  return {
    ...judge(features.problems),
    phase: readiness.phase,
    version,
    node: process.version,
    instance: config.instanceName,
    uptimeS: toSeconds(clock.monotonicMs() - startedAtMs),
    mode: config.mode,
    cache: config.cache,
  };
}

/** `keys`: which SDK keys to show one by one, as in the query of /status. */
export function describeStatus(
  config: Config,
  features: Features,
  describedProcess: object,
  keys: string | undefined,
): object {
  return {
    ...describedProcess,
    ...features.status(toKeyFilter(keys)),
    tables: Object.fromEntries(Object.entries(features.gauges).filter(isWorthTelling)),
    settings: shownSettings(config),
  };
}

function isWorthTelling([, { entries, reached = 0 }]: readonly [string, Gauge]): boolean {
  return entries > 0 || reached > 0;
}

/** What this process takes of its machine. */
export function processFeature({ version }: World, readiness: Readiness): Feature {
  // The event loop is late by real time, whatever clock the rooms have.
  const eventLoopDelay = new EventLoopDelay(systemClock);
  return {
    name: 'process',
    close: () => {
      eventLoopDelay.stop();
    },
    readings: (write) => {
      write(to.buildInfo, 1, version, process.version);
      write(to.ready, readiness.phase === 'serving' ? 1 : 0);
    },
    status: () => {
      const { rss, heapUsed, external } = process.memoryUsage();
      return {
        memoryBytes: { rss, heapUsed, external },
        eventLoopDelayLastMinute: eventLoopDelay.lastMinute,
      };
    },
  };
}
