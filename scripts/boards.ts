// Dashboards of deploy: for Grafana over Prometheus, and for Datadog with SFP's names, from one list of panels each.

interface Query {
  readonly expr: string;
  /** Grafana's template, or what is grouped by for Datadog. */
  readonly legend: string;
}

interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly queries: readonly Query[];
}

const JOB = 'job="$job", instance=~"$instance"';

/** With `$job` and `$instance` as Grafana's variables. */
export const PROMETHEUS_PANELS: readonly Panel[] = [
  panel('Requests per second', 'reqps', [
    `sum by (route, code) (rate(sfp_http_request_duration_seconds_count{${JOB}}[$__rate_interval]))`,
    '{{route}} {{code}}',
  ]),
  panel(
    'Latency of specs',
    's',
    quantile('sfp_http_request_duration_seconds', '0.5', 'route=~".*specs"'),
    quantile('sfp_http_request_duration_seconds', '0.99', 'route=~".*specs"'),
  ),
  panel('Seconds since specs were confirmed', 's', [
    `max by (sdk_key, api) (time() - sfp_spec_confirmed_timestamp_seconds{${JOB}})`,
    '{{sdk_key}} {{api}}',
  ]),
  panel(
    'Time from a change to here',
    's',
    quantile('sfp_spec_propagation_delay_seconds', '0.5'),
    quantile('sfp_spec_propagation_delay_seconds', '0.99'),
  ),
  panel('Fetches from the origin', 'reqps', [
    `sum by (api, outcome) (rate(sfp_upstream_request_duration_seconds_count{${JOB}}[$__rate_interval]))`,
    '{{api}} {{outcome}}',
  ]),
  panel(
    'Latency of the origin',
    's',
    quantile('sfp_upstream_request_duration_seconds', '0.5'),
    quantile('sfp_upstream_request_duration_seconds', '0.99'),
  ),
  panel('Failures of the origin', 'reqps', [
    `sum by (reason) (rate(sfp_upstream_failures_total{${JOB}}[$__rate_interval])) or vector(0)`,
    '{{reason}}',
  ]),
  panel('Problems', 'short', [`max by (reason) (sfp_problems{${JOB}}) or vector(0)`, '{{reason}}']),
  panel(
    'gRPC streams',
    'short',
    [`sum by (instance) (sfp_grpc_streams{${JOB}})`, '{{instance}}'],
    [`max(sfp_grpc_streams_max{${JOB}})`, 'limit of each'],
  ),
  panel('Messages on gRPC streams', 'ops', [
    `sum by (kind) (rate(sfp_grpc_messages_sent_total{${JOB}}[$__rate_interval]))`,
    '{{kind}}',
  ]),
  panel('Log events: batches', 'ops', [
    `sum by (outcome) (rate(sfp_log_event_batches_total{${JOB}}[$__rate_interval]))`,
    '{{outcome}}',
  ]),
  panel('Log events: age of the oldest that waits', 's', [
    `max by (instance) (sfp_log_event_queue_oldest_age_seconds{${JOB}})`,
    '{{instance}}',
  ]),
  panel('Operations on Redis', 'ops', [
    `sum by (operation, outcome) (rate(sfp_redis_operations_total{${JOB}}[$__rate_interval]))`,
    '{{operation}} {{outcome}}',
  ]),
  panel('Specs held, and their bytes', 'short', [
    `sum by (instance) (sfp_specs_held{${JOB}})`,
    'specs {{instance}}',
  ]),
  panel('Fullness of tables', 'percentunit', [
    `max by (table) (sfp_table_entries{${JOB}} / sfp_table_entries_max{${JOB}})`,
    '{{table}}',
  ]),
  panel('CPU', 'percentunit', [`rate(process_cpu_seconds_total{${JOB}}[$__rate_interval])`, '{{instance}}']),
  panel('Memory', 'bytes', [`process_resident_memory_bytes{${JOB}}`, '{{instance}}']),
  panel('Lateness of the event loop', 's', [`nodejs_eventloop_lag_p99_seconds{${JOB}}`, '{{instance}}']),
];

/** With `$service` and `$env` as Datadog's template variables. The first four are those that SFP tells its users to watch. */
export const DATADOG_PANELS: readonly Panel[] = [
  panel(
    'Requests',
    'request',
    datadog('count:', 'HttpServerRequestSuccess.latency', 'path', '.as_rate()'),
    datadog('count:', 'HttpServerRequestFailed.latency', 'path,status_code', '.as_rate()'),
  ),
  panel(
    'Latency of requests, p99',
    'millisecond',
    datadog('p99:', 'HttpServerRequestSuccess.latency', 'path'),
  ),
  panel(
    'Delay of changes, p99',
    'millisecond',
    datadog('p99:', 'UpdateConfigSpecStorePropagationDelayMs.latency', 'path'),
  ),
  panel(
    'Fetches from the origin',
    'request',
    datadog('count:', 'HttpDataProviderGotData.latency', 'path', '.as_rate()'),
    datadog('count:', 'HttpDataProviderNoData.latency', 'path', '.as_rate()'),
    datadog('count:', 'HttpDataProviderError.latency', 'path', '.as_rate()'),
  ),
  panel(
    'Version of each spec',
    'millisecond',
    datadog('min:', 'ConfigSpecCurrentLcut.gauge', 'sdk_key,path'),
  ),
  panel('gRPC streams', 'connection', datadog('sum:', 'GrpcEstimatedActiveStreams.gauge', 'pod_name')),
  panel(
    'Redis',
    'operation',
    datadog('sum:', 'RedisCacheWriteFailed.count', 'path', '.as_count()'),
    datadog('sum:', 'RedisCacheReadFailed.count', 'path', '.as_count()'),
  ),
  panel(
    'Exposures left out',
    'event',
    datadog('sum:', 'LogEventStoreDeduped.count', 'pod_name', '.as_count()'),
  ),
];

function panel(title: string, unit: string, ...queries: readonly (readonly [string, string])[]): Panel {
  return { title, unit, queries: queries.map(([expr, legend]) => ({ expr, legend })) };
}

function quantile(name: string, share: string, filter = ''): readonly [string, string] {
  const labels = filter === '' ? JOB : `${JOB}, ${filter}`;
  const rates = `sum by (le) (rate(${name}_bucket{${labels}}[$__rate_interval]))`;
  return [`histogram_quantile(${share}, ${rates})`, `p${Number(share) * 100}`];
}

function datadog(how: string, name: string, by: string, end = ''): readonly [string, string] {
  return [`${how}statsig.forward_proxy.${name}{$service,$env} by {${by}}${end}`, by];
}

const COLUMNS = 2;
const [WIDTH, HEIGHT] = [12, 8];

export function grafanaBoard(): string {
  const source = { type: 'prometheus', uid: '${datasource}' };
  const variable = (name: string, query: string, isMany: boolean): object => ({
    ...{ name, type: 'query', datasource: source, query: { query, refId: name }, refresh: 2 },
    ...(isMany
      ? { includeAll: true, multi: true, allValue: '.*', current: { text: 'All', value: '$__all' } }
      : {}),
  });
  return toText({
    title: 'spec-forward-proxy',
    uid: 'spec-forward-proxy',
    schemaVersion: 39,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    tags: ['spec-forward-proxy'],
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus' },
        variable('job', 'label_values(sfp_build_info, job)', false),
        variable('instance', 'label_values(sfp_build_info{job="$job"}, instance)', true),
      ],
    },
    panels: PROMETHEUS_PANELS.map(({ title, unit, queries }, at) => ({
      id: at + 1,
      title,
      type: 'timeseries',
      datasource: source,
      gridPos: { w: WIDTH, h: HEIGHT, x: (at % COLUMNS) * WIDTH, y: Math.floor(at / COLUMNS) * HEIGHT },
      fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
      targets: queries.map(({ expr, legend }, index) => ({
        refId: String.fromCharCode(65 + index),
        datasource: source,
        expr,
        legendFormat: legend,
      })),
    })),
  });
}

export function datadogBoard(): string {
  return toText({
    title: 'spec-forward-proxy',
    description:
      "With the names of Statsig's forward proxy: the same board shows both while one replaces the other.",
    layout_type: 'ordered',
    template_variables: ['service', 'env'].map((name) => ({ name, prefix: name, default: '*' })),
    widgets: DATADOG_PANELS.map(({ title, queries }) => ({
      definition: {
        title,
        type: 'timeseries',
        requests: queries.map(({ expr }) => ({ q: expr, display_type: 'line' })),
      },
    })),
  });
}

function toText(board: object): string {
  return `${JSON.stringify(board, null, 2)}\n`;
}
