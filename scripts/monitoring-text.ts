// docs/monitoring.md as text, made from the catalogue of events and the table of instruments.
import { catalogue, type CatalogueRow, type Operation } from '../src/observability/catalogue.js';
import type { Instrument } from '../src/observability/instrument.js';
import { instruments } from '../src/observability/instruments.js';
import { otelNameOf } from '../src/observability/otel-names.js';
import { SFP_EVENTS, type SfpEvent } from './sfp-events.js';

const HEAD = `# Monitoring

This page is made from the catalogue of events (\`src/observability/catalogue.ts\`) and the table of instruments
(\`src/observability/instruments.ts\`) by \`npm run docs\`; a test holds them equal.

\`GET /metrics\` on the admin port (8001, on loopback unless \`--admin-host\` says otherwise) answers in Prometheus' text format,
always. Recording an event costs 0.1 to 0.2 µs and makes no object.

## Five to watch

| what | Prometheus | when to worry |
| --- | --- | --- |
| specs are fresh | \`time() - sfp_spec_confirmed_timestamp_seconds\` | beyond six of \`sfp_poll_interval_seconds\`: the origin, or the way to it, has been failing for that long. SDKs go on with the last good specs |
| clients get answers | \`sum(rate(sfp_http_request_duration_seconds_count{code=~"5.."}[5m]))\` | over 1 % of all: keys that were never fetched while the origin fails, or a full queue of log events |
| answers are fast | \`histogram_quantile(0.99, sum by (le) (rate(sfp_http_request_duration_seconds_bucket{route=~".*download_config_specs"}[5m])))\` | over 0.25 s: the process has too little CPU, or first fetches wait for the origin |
| changes get here | \`histogram_quantile(0.99, sum by (le) (rate(sfp_spec_propagation_delay_seconds_bucket[15m])))\` | over three polling intervals |
| log events leave | \`sfp_log_event_queue_oldest_age_seconds\` | over 300 s: Statsig takes none, or refuses a key |

## Boards and alerts

- \`deploy/grafana/spec-forward-proxy.json\`: import it into Grafana, and choose the data source and the job.
- \`deploy/grafana/spec-forward-proxy-statsd.json\`: the same for who has \`--statsd-logging\` and statsd_exporter (without a mapping) before
  Prometheus. Its panels have SFP's names: it shows SFP and this proxy alike.
- \`deploy/datadog/spec-forward-proxy.json\`: a Datadog board with the same panels.
- \`deploy/prometheus/rules.yaml\`: alerts, for a job that is called \`spec-forward-proxy\`; each names the place in
  these documents that says what to do. \`promtool test rules rules.test.yaml\` shows when each fires.

\`\`\`yaml
scrape_configs:
  - job_name: spec-forward-proxy
    static_configs:
      - targets: ['HOST:8001'] # with SFP_ADMIN_HOST=0.0.0.0: keep that port inside the cluster
\`\`\`

## Metrics

Labels are bounded: \`sdk_key\` is the key's name, or masked (\`secret-abcd***\`), routes are those of the proxy (anything else is \`none\`), and each label
has at most 200 values; what comes beyond counts as \`other\`. Keys whose masked forms are the same share a series, which shows the
worse of them. Label sets that are known beforehand are there from the start, at zero. The number of series is some 700, and 4
for each spec held, whatever clients send. Beside these there are \`process_*\` and \`nodejs_*\`, as prom-client has them by default; they count from the first scrape on.

`;

const CLIENTS = `
### Clients

\`sfp_clients\` and \`clients\` of [\`/status\`](endpoints.md#status) say which versions the fleet's SDKs hold; \`sfp_client_update_delay_seconds\`
how long after the proxy they were sent a new one: its quantiles are the time until 50, 90 and 99 % of them had it.

- An instance is a session of an SDK (\`statsig-server-session-id\`) that asks for one spec. A poll says which version it holds
  (\`sinceTime\`): \`none\` until its second poll, \`older\` until it says that it has what it was sent. What stays \`older\` while it polls
  cannot use what it is sent; what stays \`none\` cannot keep it. It is gone three minutes after its last poll.
- A stream is an instance while it is open, and holds what it took. On streams SDKs name neither session nor SDK: they are listed by their gRPC
  library (\`tonic\` is that of core SDKs).
- Polls without a session cannot be told apart: the SDKs for Elixir, Erlang and PHP, the legacy one for Rust, those in browsers, and
  \`getConfigSpec\`. They are counted as \`unnamedPolls\`, and are no instances.
- Each replica knows its own clients only. A client whose polls reach several replicas is an instance at each of them, and \`older\` where it has not
  asked since the change: add up replicas only where connections stay with one.
- 20,000 instances at most, some 8 MB; a client on its own fills the places of its own SDK key only.

`;

const EVENTS_HEAD = `
## Events

Under the names of Statsig's forward proxy, with its types and tags. They feed the metrics above, [statsd and
Datadog](#statsd-and-datadog), [Statsig](#statsig) and [OpenTelemetry](#opentelemetry); \`--debug-logging\` writes a log line for each.

`;

const TAIL = `
## statsd and Datadog

\`--statsd-logging\` sends every event of the table to a statsd receiver, \`--datadog-logging\` to Datadog's agent (latencies as
distributions); with both, as in SFP, distributions are sent. A name is \`statsig.forward_proxy.<event>.latency\`, \`.count\` or \`.gauge\`;
the unit of latencies is the millisecond, with three decimals. Behind the event's tags come \`version\`, \`env\` and \`service\` (\`DD_VERSION\`,
\`DD_ENV\`, \`DD_SERVICE\`) and \`pod_name\` (\`HOSTNAME\`).

- The receiver is \`127.0.0.1:8125\`, or \`STATSD_HOST_OVERRIDE\` and \`STATSD_PORT_OVERRIDE\`, or the Unix datagram socket \`STATSD_SOCKET\`. Node
  has no such sockets: they come from the package node-unix-socket, which brings its compiled part for Linux on x64. Elsewhere the
  proxy refuses to start with \`STATSD_SOCKET\`, and says so.
- The tag \`sdk_key\` is SFP's: the first 20 characters and \`***\`, of a key shorter than 40 its first half. \`--metrics-sdk-key masked\` shows
  four characters; \`--metrics-sdk-key name\` shows the key's name, and four characters where it has none, as everywhere else. Keys that never had a spec get 200 different tags at most, then \`other\`.
- Counts of the same tags are summed for \`DATADOG_MAX_BATCH_TIME_MS\`. Datagrams are of \`DOGSTATSD_MAX_BUFFER_SIZE\` bytes, and sent after
  \`DOGSTATSD_MAX_TIME_MS\` at the latest. What waits at a stop is sent.
- A receiver that is away costs nothing: a log line once, \`sfp_telemetry_dropped_total{sink="statsd"}\`, and a line when it is back. Over
  UDP nobody learns that a receiver on another host is away.

\`sdk_type\`, \`sdk_version\` and \`client_service\` are what clients say; of each 200 different values, then \`other\`.

What costs money at Datadog is the number of different tags: \`lcut\` is another one with every change of a project, for each key.

## Statsig

\`--statsig-logging\` sends every event of the table to the project of \`STATSIG_SERVER_SDK_KEY\`, as a log event with the name and value
that statsd gets, its tags as metadata, and a user of \`podID\` (\`HOSTNAME\`) or of what \`--statsig-logging-tags name:VARIABLE\` says. They go
the way of SDKs' log events: they wait while Statsig is away, on disk with \`--data-dir\`, and leave at a stop. Each answer is an event
that is stored and paid for; over 1,000 per second they are left out and counted (\`sfp_telemetry_dropped_total{sink="statsig"}\`).

## OpenTelemetry

\`--otlp-logging\` sends metrics to a receiver of OTLP, such as OpenTelemetry's collector, once a minute: every event of the table under
SFP's name (scope \`statsig.forward_proxy\`), and everything that \`/metrics\` has, but for \`process_*\` and \`nodejs_*\`, under the names of the
column OpenTelemetry (scope \`spec-forward-proxy\`). [Variables](configuration.md#opentelemetry) say where to, and how. Its libraries are loaded
only then: 7 MB of memory, and less than 0.1 s of CPU at the start.

- \`http.server.request.duration\`, \`rpc.server.call.duration\` and \`db.client.operation.duration\` are OpenTelemetry's own, with its
  attributes \`http.route\`, \`http.request.method\`, \`http.response.status_code\`, \`rpc.method\`, \`rpc.response.status_code\` and
  \`db.operation.name\`. A collector that writes the others to Prometheus makes the names and labels of \`/metrics\` of them again, so that
  the boards and alerts go on.
- Metrics of SFP's names have SFP's types and bounds, and the tags of the table as attributes, in the form of statsd. An instrument has
  2,000 sets of attributes at most; what comes beyond is counted under \`otel.metric.overflow\`. A set that nothing has come for in 15 minutes
  is sent no more, and starts at zero when something comes, as \`lcut\` is another one with every change of a project.
- A receiver that is away, slow or refusing costs nothing: one export is under way at a time, and ends after
  \`OTEL_EXPORTER_OTLP_TIMEOUT\`; a log line is written once, and \`/status\` has the problem \`telemetry_not_delivered\`. What was counted
  meanwhile arrives with the next export, with \`delta\` too. What is still to be sent at a stop gets half a second.
- Where the answer to an export is lost that did arrive, \`delta\` counts it twice; \`cumulative\` never does.

### Traces

With \`OTEL_TRACES_EXPORTER=otlp\` beside \`--otlp-logging\` there are spans:

- of each request to an origin (specs, ID lists and their files, log events), of kind client. \`url.full\` has the SDK key masked. \`traceparent\` and
  \`tracestate\` are sent with it.
- of a client's request, over HTTP or as \`getConfigSpec\`, that waited for an origin, took longer than \`--trace-slow-ms\`, or failed (a status of
  400 and above, or another than OK), of kind server. It belongs to the trace of the client's \`traceparent\`, and the requests to origins
  that it waited for belong to it. Of several clients that wait for one fetch, that is the first.

Probes and unknown paths have none. Polls are traces of their own: \`OTEL_TRACES_SAMPLER=parentbased_traceidratio\` with
\`OTEL_TRACES_SAMPLER_ARG=0.01\` keeps one of a hundred, and all that clients trace. Up to 2,048 spans wait; what finds no room or does not arrive is
counted by \`sfp_telemetry_dropped_total{sink="otlp"}\`. Without that variable no \`traceparent\` is read or passed on.
With it, answers from memory take the longer way that \`--disable-fast-lane\` names.

### What differs from SFP's OpenTelemetry

Attribute values are \`/v1/download_config_specs/\` and \`200\`, where SFP writes \`:/v1/download_config_specs/\` and \`:200\`;
\`service.name\` is \`spec-forward-proxy\` unless it is set (SFP: \`unknown_service\`); gRPC works with TLS; variables of a signal, the
temporality, \`OTEL_METRICS_EXPORTER\` and \`OTEL_SDK_DISABLED\` count; a wrong variable ends the start with a sentence and exit status 2.

## From SFP

What Statsig's forward proxy sends, as recorded of 4.1 and read of 4.3 to 4.5, beside what is sent here under the same names: a
test sends traffic through the proxy and holds its lines against this table. In all of them:

- Values are milliseconds with three decimals; SFP cuts them off.
- \`accept-encoding\` and \`content-encoding\` are joined by \`+\`, as in SFP since 4.3; 4.1 wrote \`[PlainText, Gzip]\`, and left an
  encoding of none empty.
- A key shorter than 40 characters shows half of them; SFP shows one of up to 20 whole. Without one the tag is \`none\`.
- Every request counts. In SFP, nginx answered repeated ones for 5 s without the proxy knowing: rates of \`HttpServerRequestSuccess\`
  rise at the move, and latencies fall.
- Datagrams to another host are of 1,432 bytes at most (SFP 8,000), so that they pass any network unbroken, and leave after 1 s (SFP
  30 s).

`;

const SFP_TYPES: Readonly<Record<Operation, string>> = {
  latency: '`.latency`: `ms`, Datadog `d`',
  count: '`.count`: `c`',
  gauge: '`.gauge`: `g`',
};

function toSfpRow(name: string, { operation, tags, later, since, differs }: SfpEvent): string[] {
  const ofFirst = since === undefined ? codes(tags) : `(since ${since}) ${codes(tags)}`;
  return [`\`${name}\``, SFP_TYPES[operation], ofFirst, codes(later), differs === '' ? 'the same' : differs];
}

export function monitoringText(): string {
  const rows: readonly (readonly [string, CatalogueRow])[] = Object.entries(catalogue);
  return [
    HEAD,
    table(['metric', 'OpenTelemetry', 'type', 'labels', 'what it is'], instruments.map(toInstrumentRow)),
    CLIENTS,
    EVENTS_HEAD,
    table(
      ['event', 'type', 'tags', 'when', 'feeds'],
      rows.filter(([, { sfp }]) => sfp !== undefined).map(([name, row]) => toEventRow(name, row)),
    ),
    TAIL,
    table(
      ['event', 'type', 'tags in SFP 4.1', 'since 4.3 to 4.5', 'here'],
      Object.entries(SFP_EVENTS).map(([name, row]) => toSfpRow(name, row)),
    ),
  ].join('');
}

function toInstrumentRow(instrument: Instrument): string[] {
  const { name, type, labels, help } = instrument;
  const otel = otelNameOf(instrument);
  const unit = otel.unit === '' ? '' : `, ${otel.unit}`;
  return [`\`${name}\``, `\`${otel.name}\`${unit}`, type, codes(labels), help];
}

function toEventRow(name: string, { when, sfp, feeds }: CatalogueRow): string[] {
  const metrics = [...new Set(feeds.map(({ instrument }) => instrument.name))];
  return [`\`${name}\``, sfp?.operation ?? '', codes(sfp?.tags ?? []), when, codes(metrics)];
}

function codes(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`);
  return lines.join('');
}
