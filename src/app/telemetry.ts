// Opens what is told of this process: the catalogue's events into every sink that is asked for, and /metrics always.
import type { Config } from '../config/load-config.js';
import { createEventLines } from '../observability/event-lines.js';
import { Metrics } from '../observability/metrics.js';
import { PrometheusPage } from '../observability/prometheus-page.js';
import { createProxyEvents, type EventSink, type ProxyEvents } from '../observability/proxy-events.js';
import { RESOURCE_KINDS } from '../protocols/statsig/resource-kinds.js';
import type { World } from './world.js';

export interface Telemetry {
  readonly events: ProxyEvents;
  readonly metrics: Metrics;
  readonly page: PrometheusPage;
}

const ROUTES = [...RESOURCE_KINDS.map(({ path }) => path), '/v1/log_event'];

export function openTelemetry(config: Config, { log }: World): Telemetry {
  const metrics = new Metrics({
    api: RESOURCE_KINDS.map(({ name }) => name),
    route: ROUTES,
    method: ['GET', 'POST'],
    code: [200, 503],
  });
  const sinks: EventSink[] = [metrics];
  if (config.debugLogging) sinks.push(createEventLines(log));
  return { events: createProxyEvents(sinks), metrics, page: new PrometheusPage(metrics) };
}
