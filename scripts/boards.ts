// Dashboards of deploy: for Grafana over /metrics, and with SFP's names for Grafana over statsd_exporter and for Datadog.

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
  panel('Log events in Redis: batches per shard', 'short', [
    `max by (shard) (sfp_log_event_shard_batches{${JOB}})`,
    'shard {{shard}}',
  ]),
  panel('Log events in Redis: oldest per shard', 's', [
    `max by (shard) (sfp_log_event_shard_oldest_age_seconds{${JOB}})`,
    'shard {{shard}}',
  ]),
  panel('Log events in Redis: shards owned', 'short', [
    `max by (instance) (sfp_log_event_shards_owned{${JOB}})`,
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
  panel('Clients by the version that they hold', 'short', [
    `sum by (version_held) (sfp_clients{${JOB}})`,
    '{{version_held}}',
  ]),
  panel(
    'Time until clients are sent a change',
    's',
    quantile('sfp_client_update_delay_seconds', '0.5'),
    quantile('sfp_client_update_delay_seconds', '0.9'),
    quantile('sfp_client_update_delay_seconds', '0.99'),
  ),
  panel('ID lists: files', 'ops', [
    `sum by (outcome) (rate(sfp_id_list_file_fetches_total{${JOB}}[$__rate_interval]))`,
    '{{outcome}}',
  ]),
  panel('CPU', 'percentunit', [`rate(process_cpu_seconds_total{${JOB}}[$__rate_interval])`, '{{instance}}']),
  panel('Memory', 'bytes', [`process_resident_memory_bytes{${JOB}}`, '{{instance}}']),
  panel('Lateness of the event loop', 's', [`nodejs_eventloop_lag_p99_seconds{${JOB}}`, '{{instance}}']),
];

/** How values of an event are put together. */
type How = 'p99' | 'min' | 'sum' | 'rate' | 'total';

interface SfpQuery {
  readonly how: How;
  /** With its operation, as SFP names it. */
  readonly event: string;
  readonly by: readonly string[];
}

interface SfpPanel {
  readonly title: string;
  /** Grafana's name of it. */
  readonly unit: string;
  readonly queries: readonly SfpQuery[];
}

/** The first four are those that SFP tells its users to watch. */
export const SFP_PANELS: readonly SfpPanel[] = [
  sfpPanel(
    'Requests',
    'reqps',
    sfp('rate', 'HttpServerRequestSuccess.latency', 'path'),
    sfp('rate', 'HttpServerRequestFailed.latency', 'path', 'status_code'),
  ),
  sfpPanel('Latency of requests, p99', 's', sfp('p99', 'HttpServerRequestSuccess.latency', 'path')),
  sfpPanel(
    'Delay of changes, p99',
    's',
    sfp('p99', 'UpdateConfigSpecStorePropagationDelayMs.latency', 'path'),
  ),
  sfpPanel(
    'Fetches from the origin',
    'reqps',
    sfp('rate', 'HttpDataProviderGotData.latency', 'path'),
    sfp('rate', 'HttpDataProviderNoData.latency', 'path'),
    sfp('rate', 'HttpDataProviderError.latency', 'path'),
  ),
  sfpPanel(
    'Version of each spec',
    'dateTimeAsIso',
    sfp('min', 'ConfigSpecCurrentLcut.gauge', 'sdk_key', 'path'),
  ),
  sfpPanel('gRPC streams', 'short', sfp('sum', 'GrpcEstimatedActiveStreams.gauge', 'pod_name')),
  sfpPanel(
    'Messages on gRPC streams',
    'ops',
    sfp('total', 'GrpcStreamingStreamedInitialized.count', 'path'),
    sfp('total', 'GrpcStreamingStreamedResponse.count', 'path'),
    sfp('total', 'GrpcStreamingStreamDisconnected.count', 'path'),
  ),
  sfpPanel(
    'Redis',
    'ops',
    sfp('total', 'RedisCacheWriteSucceed.count', 'path'),
    sfp('total', 'RedisCacheWriteFailed.count', 'path'),
    sfp('total', 'RedisCacheReadFailed.count', 'path'),
  ),
  sfpPanel('Exposures left out', 'ops', sfp('total', 'LogEventStoreDeduped.count', 'pod_name')),
];

function sfpPanel(title: string, unit: string, ...queries: readonly SfpQuery[]): SfpPanel {
  return { title, unit, queries };
}

function sfp(how: How, event: string, ...by: readonly string[]): SfpQuery {
  return { how, event, by };
}

const DATADOG: Readonly<Record<How, readonly [before: string, after: string]>> = {
  p99: ['p99:', ''],
  min: ['min:', ''],
  sum: ['sum:', ''],
  rate: ['count:', '.as_rate()'],
  total: ['sum:', '.as_count()'],
};

/** With `$service` and `$env` as Datadog's template variables. */
function toDatadog({ how, event, by }: SfpQuery): string {
  const [before, after] = DATADOG[how];
  return `${before}statsig.forward_proxy.${event}{$service,$env} by {${by.join(',')}}${after}`;
}

/** In Prometheus, under the names that statsd_exporter gives without a mapping: latencies are summaries in seconds. */
export const STATSD_PANELS: readonly Panel[] = SFP_PANELS.map(({ title, unit, queries }) => ({
  title,
  unit,
  queries: queries.map((query) => ({
    expr: toPromql(query),
    legend: [query.event.split('.')[0], ...query.by.map((tag) => `{{${tag}}}`)].join(' '),
  })),
}));

function toPromql({ how, event, by }: SfpQuery): string {
  const name = `statsig_forward_proxy_${event.replace('.', '_')}`;
  const pods = 'pod_name=~"$pod_name"';
  const of = (values: string, aggregate = 'sum'): string => `${aggregate} by (${by.join(', ')}) (${values})`;
  switch (how) {
    case 'p99':
      return of(`${name}{${pods}, quantile="0.99"}`, 'max');
    case 'min':
    case 'sum':
      return of(`${name}{${pods}}`, how);
    case 'rate':
      return of(`rate(${name}_count{${pods}}[$__rate_interval])`);
    case 'total':
      return of(`rate(${name}{${pods}}[$__rate_interval])`);
  }
}

function panel(title: string, unit: string, ...queries: readonly (readonly [string, string])[]): Panel {
  return { title, unit, queries: queries.map(([expr, legend]) => ({ expr, legend })) };
}

function quantile(name: string, share: string, filter = ''): readonly [string, string] {
  const labels = filter === '' ? JOB : `${JOB}, ${filter}`;
  const rates = `sum by (le) (rate(${name}_bucket{${labels}}[$__rate_interval]))`;
  return [`histogram_quantile(${share}, ${rates})`, `p${Number(share) * 100}`];
}

const COLUMNS = 2;
const [WIDTH, HEIGHT] = [12, 8];

const SOURCE = { type: 'prometheus', uid: '${datasource}' };

function variable(name: string, query: string, isMany: boolean): object {
  return {
    ...{ name, type: 'query', datasource: SOURCE, query: { query, refId: name }, refresh: 2 },
    ...(isMany
      ? { includeAll: true, multi: true, allValue: '.*', current: { text: 'All', value: '$__all' } }
      : {}),
  };
}

export function grafanaBoard(): string {
  return toGrafana('spec-forward-proxy', PROMETHEUS_PANELS, [
    variable('job', 'label_values(sfp_build_info, job)', false),
    variable('instance', 'label_values(sfp_build_info{job="$job"}, instance)', true),
  ]);
}

export function statsdBoard(): string {
  const requests = 'statsig_forward_proxy_HttpServerRequestSuccess_latency_count';
  return toGrafana('spec-forward-proxy-statsd', STATSD_PANELS, [
    variable('pod_name', `label_values(${requests}, pod_name)`, true),
  ]);
}

function toGrafana(name: string, panels: readonly Panel[], variables: readonly object[]): string {
  return toText({
    title: name,
    uid: name,
    schemaVersion: 39,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    tags: ['spec-forward-proxy'],
    templating: {
      list: [{ name: 'datasource', type: 'datasource', query: 'prometheus' }, ...variables],
    },
    panels: panels.map(({ title, unit, queries }, at) => ({
      id: at + 1,
      title,
      type: 'timeseries',
      datasource: SOURCE,
      gridPos: { w: WIDTH, h: HEIGHT, x: (at % COLUMNS) * WIDTH, y: Math.floor(at / COLUMNS) * HEIGHT },
      fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
      targets: queries.map(({ expr, legend }, index) => ({
        refId: String.fromCharCode(65 + index),
        datasource: SOURCE,
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
    widgets: SFP_PANELS.map(({ title, queries }) => ({
      definition: {
        title,
        type: 'timeseries',
        requests: queries.map((query) => ({ q: toDatadog(query), display_type: 'line' })),
      },
    })),
  });
}

function toText(board: object): string {
  return `${JSON.stringify(board, null, 2)}\n`;
}
