// What /status answers: facts about the process, then whatever each feature states.
import type { Config } from '../config/load-config.js';
import { startEventLoopDelay } from '../observability/event-loop-delay.js';
import type { Readiness } from '../servers/readiness.js';
import type { Feature, Features } from './feature.js';
import type { World } from './world.js';

export function describeStatus(
  config: Config,
  { clock, version }: World,
  features: Features,
  readiness: Readiness,
  startedAtMs: number,
): object {
  return {
    version,
    instance: config.instanceName,
    node: process.version,
    phase: readiness.phase,
    unusable: features.unusable,
    uptimeS: Math.round((clock.monotonicMs() - startedAtMs) / 100) / 10,
    tables: features.gauges,
    cache: config.cache,
    ...features.status,
  };
}

/** What this process takes of its machine. */
export function processFeature(): Feature {
  const eventLoopDelay = startEventLoopDelay();
  return {
    name: 'process',
    close: () => {
      eventLoopDelay.stop();
    },
    status: () => {
      const { rss, heapUsed, external } = process.memoryUsage();
      return {
        eventLoopDelaySinceLastStatus: eventLoopDelay.take(),
        memoryBytes: { rss, heapUsed, external },
      };
    },
  };
}
