// Opens telemetry: sends the catalogue's events to every sink that is configured, and always to /metrics.
import type { Config } from '../config/load-config.js';
import type { OtlpConfig } from '../config/otlp-config.js';
import type { StatsigProject } from '../config/statsig-projects.js';
import type { Cancel, Clock } from '../domain/clock.js';
import { atMost } from '../domain/deadline.js';
import { createAccessLines } from '../observability/access-lines.js';
import { createEventLines } from '../observability/event-lines.js';
import { readInstruments } from '../observability/instruments.js';
import { Metrics } from '../observability/metrics.js';
import { PrometheusPage } from '../observability/prometheus-page.js';
import type { Otlp } from '../observability/otlp/otlp.js';
import { createProxyEvents, type EventSink, type ProxyEvents } from '../observability/proxy-events.js';
import { SdkKeyForms, type SdkKeyForm } from '../observability/sdk-key-forms.js';
import { SfpEvents, type SfpSink } from '../observability/sfp-events.js';
import { SfpTags } from '../observability/sfp-tags.js';
import type { StatsdSink } from '../observability/statsd/statsd-sink.js';
import { UdpSender } from '../observability/statsd/udp-sender.js';
import { openUnixSender } from '../observability/statsd/unix-sender.js';
import type { LogEventStore } from '../protocols/statsig/log-events/log-event-store.js';
import { StatsigSink } from '../protocols/statsig/log-events/statsig-sink.js';
import { REMOTE_VALUE } from '../protocols/statsig/remote-values/value-kind.js';
import type { ResourceKind } from '../domain/resource-kind.js';
import { REPLANE_PROJECT } from '../protocols/replane/project-kind.js';
import { RESOURCE_KINDS } from '../protocols/statsig/resource-kinds.js';
import type { Feature, Features } from './feature.js';
import { startGaugeEvents } from './gauge-events.js';
import { toStatsdOptions } from './room-options.js';
import type { Problem } from './problems.js';
import type { World } from './world.js';

/** Sinks that send events to a receiver. */
interface Senders {
  readonly statsd?: StatsdSink;
  readonly statsig?: StatsigSink;
  readonly otlp?: Otlp;
}

export interface Telemetry extends Senders {
  readonly events: ProxyEvents;
  readonly metrics: Metrics;
  readonly page: PrometheusPage;
}

/** Of the kinds that this process serves; and what else is asked for. */
function routesOf(kinds: readonly ResourceKind[]): readonly string[] {
  return [...kinds.map(({ path }) => path), REMOTE_VALUE.path, '/v1/log_event'];
}

/** Rejects where a sink cannot be had on this platform; a receiver that is away keeps nobody from anything. */
export async function openTelemetry(config: Config, world: World): Promise<Telemetry> {
  const kinds = config.replaneEndpoint === '' ? RESOURCE_KINDS : [...RESOURCE_KINDS, REPLANE_PROJECT];
  const metrics = new Metrics({
    api: kinds.map(({ name }) => name),
    route: routesOf(kinds),
    method: ['GET', 'POST'],
    code: [200, 503],
  });
  const sinks: EventSink[] = [metrics];
  if (config.logLevel === 'debug') sinks.push(createEventLines(world.log));
  if (config.accessLog) sinks.push(createAccessLines(world.log));
  const forms = new SdkKeyForms(config.metricsSdkKey as SdkKeyForm);
  const senders = await openSenders(config, world, metrics);
  const named = Object.entries(senders) as [string, SfpSink & { readonly dropped: number }][];
  // Keys are known before anybody shows a form of them.
  if (named.length > 0) sinks.push(forms, new SfpEvents(new SfpTags(forms), Object.values(senders)));
  for (const [name, sender] of named) {
    metrics.addReader((write) => {
      write(readInstruments.telemetryDropped, sender.dropped, name);
    });
  }
  const events = createProxyEvents(sinks);
  return {
    events,
    metrics,
    page: new PrometheusPage(metrics),
    ...senders,
  };
}

async function openSenders(config: Config, world: World, metrics: Metrics): Promise<Senders> {
  return {
    ...((config.statsdLogging || config.datadogLogging) && { statsd: await openStatsd(config, world) }),
    ...(config.statsigMetrics && { statsig: openStatsig(config.statsigMetrics, world) }),
    ...(config.otlp && { otlp: await openOtlp(config.otlp, world, metrics) }),
  };
}

/** What is still to be sent at the end gets no longer. */
const LAST_MS_MAX = 500;

/** The first in the list: closed when all others are, it sends what they had to tell of their end. */
export function telemetryFeature(clock: Clock, telemetry: Telemetry, features: Features): Feature {
  const { events, metrics, statsd, statsig, otlp } = telemetry;
  let stopGauges: Cancel = () => undefined;
  metrics.addReader((write) => {
    features.read(write);
  });
  return {
    name: 'telemetry',
    open: () => {
      const streams = (): number => features.gauges['streams']?.entries ?? 0;
      otlp?.open();
      if (statsd ?? statsig ?? otlp) stopGauges = startGaugeEvents(clock, events, streams);
    },
    drain: () => {
      stopGauges();
    },
    close: async () => {
      const closing = Promise.all([statsd?.close(), otlp?.close()]).then(() => undefined);
      await atMost(clock, LAST_MS_MAX, closing);
      otlp?.breakOff();
    },
    problems: () => problemsOf(otlp),
  };
}

function problemsOf(otlp: Otlp | undefined): readonly Problem[] {
  const sinceMs = otlp?.failingSinceMs;
  if (sinceMs === undefined) return [];
  const what = 'metrics or traces do not reach the OpenTelemetry receiver';
  return [{ reason: 'telemetry_not_delivered', what, sinceMs, count: 1 }];
}

/** Behind log events in the list: drained before them, it hands over its last batch while they still take one. */
export function statsigFeature({ statsig }: Telemetry, store: LogEventStore): Feature {
  return {
    name: 'metrics in Statsig',
    open: () => statsig?.open(store),
    drain: () => statsig?.close(),
  };
}

async function openStatsd(config: Config, { clock, log }: World): Promise<StatsdSink> {
  const { statsdHost: host, statsdPort: port, statsdSocket: path } = config;
  const sender = path === '' ? new UdpSender(clock, { host, port }) : await openUnixSender(path);
  const { StatsdSink: Opened } = await import('../observability/statsd/statsd-sink.js');
  return new Opened(clock, log, sender, toStatsdOptions(config));
}

/** Its libraries are loaded only here. */
async function openOtlp(config: OtlpConfig, { clock, log, version }: World, metrics: Metrics): Promise<Otlp> {
  const { Otlp: Opened } = await import('../observability/otlp/otlp.js');
  return new Opened(clock, log, metrics, { ...config, version });
}

function openStatsig(metrics: StatsigProject, { clock, log, version }: World): StatsigSink {
  return new StatsigSink(clock, log, { ...metrics, version });
}
