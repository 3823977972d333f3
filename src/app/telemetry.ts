// Opens what is told of this process: the catalogue's events into every sink that is asked for, and /metrics always.
import type { Config } from '../config/load-config.js';
import type { Cancel, Clock } from '../domain/clock.js';
import { atMost } from '../domain/deadline.js';
import { createEventLines } from '../observability/event-lines.js';
import { readInstruments } from '../observability/instruments.js';
import { Metrics } from '../observability/metrics.js';
import { PrometheusPage } from '../observability/prometheus-page.js';
import { createProxyEvents, type EventSink, type ProxyEvents } from '../observability/proxy-events.js';
import { SdkKeyForms } from '../observability/sdk-key-forms.js';
import { SfpTags } from '../observability/sfp-tags.js';
import { StatsdSink } from '../observability/statsd/statsd-sink.js';
import { UdpSender } from '../observability/statsd/udp-sender.js';
import { openUnixSender } from '../observability/statsd/unix-sender.js';
import { RESOURCE_KINDS } from '../protocols/statsig/resource-kinds.js';
import type { Core } from './core.js';
import type { Feature, Features } from './feature.js';
import { startGaugeEvents } from './gauge-events.js';
import { toStatsdOptions } from './room-options.js';
import type { World } from './world.js';

export interface Telemetry {
  readonly events: ProxyEvents;
  readonly metrics: Metrics;
  readonly page: PrometheusPage;
  /** Whether values are sent to somebody, rather than read. */
  readonly sends: boolean;
  /** Sends what waits. */
  close(): Promise<void>;
}

const ROUTES = [...RESOURCE_KINDS.map(({ path }) => path), '/v1/log_event'];

/** Rejects where a sink cannot be had on this platform; a receiver that is away keeps nobody from anything. */
export async function openTelemetry(config: Config, world: World): Promise<Telemetry> {
  const metrics = new Metrics({
    api: RESOURCE_KINDS.map(({ name }) => name),
    route: ROUTES,
    method: ['GET', 'POST'],
    code: [200, 503],
  });
  const sinks: EventSink[] = [metrics];
  if (config.debugLogging) sinks.push(createEventLines(world.log));
  const statsd = config.statsdLogging || config.datadogLogging ? await openStatsd(config, world) : undefined;
  if (statsd !== undefined) {
    sinks.push(...statsd.sinks);
    metrics.addReader((write) => {
      write(readInstruments.telemetryDropped, statsd.sink.dropped, 'statsd');
    });
  }
  const events = createProxyEvents(sinks);
  return {
    events,
    metrics,
    page: new PrometheusPage(metrics),
    sends: statsd !== undefined,
    close: async () => {
      await statsd?.sink.close();
    },
  };
}

/** What is still to be sent at the end gets no longer. */
const LAST_MS_MAX = 500;

/** The first in the list: closed when all others are, it sends what they had to tell of their end. */
export function telemetryFeature(
  clock: Clock,
  telemetry: Telemetry,
  features: Features,
  { store }: Core,
): Feature {
  const { events, metrics, sends } = telemetry;
  let stopGauges: Cancel = () => undefined;
  metrics.addReader((write) => {
    features.read(write);
  });
  return {
    name: 'telemetry',
    open: () => {
      const streams = (): number => features.gauges['streams']?.entries ?? 0;
      if (sends) stopGauges = startGaugeEvents(clock, events, store, streams);
    },
    drain: () => {
      stopGauges();
    },
    close: () => atMost(clock, LAST_MS_MAX, telemetry.close()),
  };
}

async function openStatsd(
  config: Config,
  { clock, log }: World,
): Promise<{ readonly sink: StatsdSink; readonly sinks: readonly EventSink[] }> {
  const forms = new SdkKeyForms(config.metricsSdkKey === 'masked' ? 'masked' : 'sfp');
  const { statsdHost: host, statsdPort: port, statsdSocket: path } = config;
  const sender = path === '' ? new UdpSender(clock, { host, port }) : await openUnixSender(path);
  const sink = new StatsdSink(clock, log, new SfpTags(forms), sender, toStatsdOptions(config));
  return { sink, sinks: [forms, sink] };
}
