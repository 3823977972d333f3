// The instruments of /metrics: names, units, bounds and labels, by Prometheus' conventions.
import { counter, gauge, histogram, type Instrument } from './instrument.js';

/** OpenTelemetry's advice for HTTP, and below it what answers from memory take. */
const REQUEST_S = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];
const UPSTREAM_S = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60];
const REDIS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const PROPAGATION_S = [0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 300, 900];

/** Fed by events. */
export const eventInstruments = {
  httpRequests: histogram(
    'sfp_http_request_duration_seconds',
    ['route', 'method', 'code'],
    REQUEST_S,
    'Answers of the public HTTP port, probes excluded.',
  ),
  grpcCalls: histogram(
    'sfp_grpc_call_duration_seconds',
    ['method', 'code'],
    REQUEST_S,
    'gRPC calls that are answered once.',
  ),
  streamsOpened: counter('sfp_grpc_streams_opened_total', [], 'gRPC streams that took their first message.'),
  streamsClosed: counter(
    'sfp_grpc_streams_closed_total',
    ['reason'],
    'gRPC streams that ended: client_gone, or why the proxy ended them.',
  ),
  streamsRefused: counter(
    'sfp_grpc_streams_refused_total',
    ['reason'],
    'gRPC streams that were not opened: the key was refused, no spec could be had, or every place was taken.',
  ),
  messages: counter(
    'sfp_grpc_messages_sent_total',
    ['kind'],
    'Messages sent on gRPC streams: first, update or heartbeat.',
  ),
  eventStreamsOpened: counter(
    'sfp_event_streams_opened_total',
    [],
    'Streams of server-sent events that took their first message.',
  ),
  eventStreamsClosed: counter(
    'sfp_event_streams_closed_total',
    ['reason'],
    'Streams of server-sent events that ended: client_gone, or why the proxy ended them.',
  ),
  eventStreamsRefused: counter(
    'sfp_event_streams_refused_total',
    ['reason'],
    'Streams of server-sent events that were not opened: the key was refused, no spec could be had, or every place was taken.',
  ),
  eventStreamMessages: counter(
    'sfp_event_stream_messages_sent_total',
    ['kind'],
    'Messages sent on streams of server-sent events: first, update or heartbeat.',
  ),
  updatesPublished: counter(
    'sfp_stream_updates_published_total',
    ['api'],
    'New versions that were published to open streams.',
  ),
  upstreamRequests: histogram(
    'sfp_upstream_request_duration_seconds',
    ['api', 'outcome'],
    UPSTREAM_S,
    'Fetches from the origin, bodies included: updated, unchanged, failed, or refused (the SDK key).',
  ),
  upstreamFailures: counter(
    'sfp_upstream_failures_total',
    ['api', 'reason'],
    'Fetches from the origin that failed or were refused, by reason.',
  ),
  upstreamInterval: histogram(
    'sfp_upstream_poll_interval_seconds',
    ['api'],
    PROPAGATION_S,
    'Time between two fetches of one spec that this replica did itself.',
  ),
  versionsHeld: counter(
    'sfp_spec_versions_held_total',
    ['api'],
    'New versions held, from the origin or from a backup.',
  ),
  propagation: histogram(
    'sfp_spec_propagation_delay_seconds',
    ['api'],
    PROPAGATION_S,
    "Time from a change in the project to the version being held here, by Statsig's clock and this one.",
  ),
  clientUpdateDelay: histogram(
    'sfp_client_update_delay_seconds',
    ['api'],
    PROPAGATION_S,
    'Time from a new version being held here to a client that had an older one being sent it, one value for each client.',
  ),
  redisOperations: counter(
    'sfp_redis_operations_total',
    ['operation', 'outcome'],
    'What was done with Redis, and what came of it.',
  ),
  redisDurations: histogram(
    'sfp_redis_operation_duration_seconds',
    ['operation'],
    REDIS_S,
    'How long operations on Redis took.',
  ),
  valueFetches: histogram(
    'sfp_remote_value_fetch_duration_seconds',
    ['outcome'],
    UPSTREAM_S,
    'Fetches of remote values from the origin: fetched, missing (it has none of that name) or failed.',
  ),
  valueWaits: histogram(
    'sfp_remote_value_wait_seconds',
    ['api', 'outcome'],
    UPSTREAM_S,
    'How long new versions of specs waited for the values that they name: complete, or incomplete.',
  ),
  eventsDeduplicated: counter(
    'sfp_log_events_deduplicated_total',
    [],
    'Exposures left out of log events, as the origin got them already.',
  ),
  dedupeCacheCleared: counter(
    'sfp_log_event_dedupe_cache_cleared_total',
    [],
    'Times that the oldest half of the remembered exposures was forgotten.',
  ),
} as const satisfies Record<string, Instrument>;

/** Read when somebody asks. */
export const readInstruments = {
  streams: gauge('sfp_grpc_streams', [], 'gRPC streams open now.'),
  streamsMax: gauge('sfp_grpc_streams_max', [], 'How many gRPC streams may be open.'),
  streamsDropped: counter(
    'sfp_grpc_streams_stalled_total',
    [],
    'gRPC streams that were ended because their client took nothing for too long.',
  ),
  upstreamStreams: gauge(
    'sfp_upstream_streams',
    [],
    'Specs whose newer versions the origin would tell of (--upstream-stream).',
  ),
  replaneStreams: gauge(
    'sfp_replane_upstream_streams',
    [],
    'Streams that are open to the Replane server, one for each SDK key of which this replica asks for all.',
  ),
  eventStreams: gauge('sfp_event_streams', [], 'Streams of server-sent events open now.'),
  eventStreamsMax: gauge('sfp_event_streams_max', [], 'How many streams of server-sent events may be open.'),
  specVersion: gauge(
    'sfp_spec_version_timestamp_seconds',
    ['sdk_key', 'api', 'format'],
    'When the project last changed, by the version that is held.',
    'min',
  ),
  specConfirmed: gauge(
    'sfp_spec_confirmed_timestamp_seconds',
    ['sdk_key', 'api', 'format'],
    'When the origin last confirmed the version that is held.',
    'min',
  ),
  specBytes: gauge(
    'sfp_spec_bytes',
    ['sdk_key', 'api', 'format'],
    'Bytes of all encodings that are held of a spec.',
  ),
  clients: gauge(
    'sfp_clients',
    ['sdk', 'version_held'],
    'SDK instances that polled a spec in the last three minutes or have a stream of it, by the version that they hold: newest, older or none.',
  ),
  specsHeld: gauge('sfp_specs_held', [], 'Specs and manifests of ID lists held.'),
  keysNotPinned: counter(
    'sfp_sdk_keys_not_pinned_total',
    [],
    'Requests that were refused because --sdk-keys-policy asks for pinned SDK keys, and theirs is not.',
  ),
  accessRefused: counter(
    'sfp_access_refused_total',
    ['reason'],
    'Requests that were refused for want of a good access token, or of its scope.',
  ),
  profiles: counter(
    'sfp_profiles_total',
    ['kind', 'outcome'],
    'Profiles of this process: collected, or why not.',
  ),
  profilesSent: counter(
    'sfp_profiles_sent_total',
    [],
    'Profiles that Google Cloud took; absent where none is ever sent there.',
  ),
  tableEntries: gauge('sfp_table_entries', ['table'], 'Entries of a bounded table.'),
  tableEntriesMax: gauge('sfp_table_entries_max', ['table'], 'The bound of a bounded table.'),
  redisUp: gauge('sfp_redis_up', [], 'Whether Redis can be used: 1 or 0; absent without Redis.'),
  leader: gauge('sfp_leader', [], 'Whether this replica polls for the others: 1 or 0; absent without Redis.'),
  eventBatches: counter(
    'sfp_log_event_batches_total',
    ['outcome'],
    'Batches of log events: accepted, forwarded, retried, dead or turned_away.',
  ),
  queueBatches: gauge('sfp_log_event_queue_batches', [], 'Batches of log events that wait for the origin.'),
  queueBytes: gauge('sfp_log_event_queue_bytes', [], 'Bytes of log events that wait for the origin.'),
  queueAge: gauge(
    'sfp_log_event_queue_oldest_age_seconds',
    [],
    'Age of the batch of log events that has been waiting for longest; 0 where none waits.',
  ),
  shardsOwned: gauge(
    'sfp_log_event_shards_owned',
    [],
    'Shards of the queue of log events in Redis that this replica owns; absent where they do not wait in Redis.',
  ),
  shardBatches: gauge(
    'sfp_log_event_shard_batches',
    ['shard'],
    'Batches of log events that wait in a shard in Redis, as its owner sees it.',
  ),
  shardAge: gauge(
    'sfp_log_event_shard_oldest_age_seconds',
    ['shard'],
    'Age of the batch that has been waiting for longest in a shard in Redis; 0 where none waits.',
  ),
  shardDeadLetters: gauge(
    'sfp_log_event_shard_dead_letters',
    ['shard'],
    'Batches of log events in the dead letters of a shard in Redis.',
  ),
  spooledBatches: gauge(
    'sfp_log_event_spooled_batches',
    [],
    'Batches of log events that wait on this replica until Redis takes them.',
  ),
  idListBytes: gauge('sfp_id_list_copy_bytes', [], 'Bytes of ID-list files that copies are kept of.'),
  idListHits: counter(
    'sfp_id_list_hits_total',
    [],
    'Requests for ID-list files that were answered from a copy at once.',
  ),
  idListFetches: counter(
    'sfp_id_list_file_fetches_total',
    ['outcome'],
    'Fetches of ID-list files that ended: copied, no_room (for a whole copy), passed_through or failed.',
  ),
  remoteValueBytes: gauge('sfp_remote_value_bytes', [], 'Bytes of remote values held in memory.'),
  telemetryDropped: counter(
    'sfp_telemetry_dropped_total',
    ['sink'],
    'Lines or events of telemetry that a sink could not be given.',
  ),
  problems: gauge(
    'sfp_problems',
    ['reason'],
    'What is wrong now, by the reasons of /status: how many payloads, batches or files are affected.',
  ),
  certificateExpiry: gauge(
    'sfp_tls_certificate_expiry_timestamp_seconds',
    [],
    'When the certificate of the TLS ports expires; absent without TLS.',
  ),
  buildInfo: gauge('sfp_build_info', ['version', 'node'], 'Always 1; the labels say what is running.'),
  ready: gauge('sfp_ready', [], 'Whether /v1/ready answers 200: 1 or 0.'),
  pollInterval: gauge(
    'sfp_poll_interval_seconds',
    ['sdk_key', 'api', 'format'],
    'How often the spec is asked for now: ten minutes at least where nobody needs it. Its age is to be compared with that.',
    'max',
  ),
} as const satisfies Record<string, Instrument>;

export const instruments: readonly Instrument[] = [
  ...Object.values(eventInstruments),
  ...Object.values(readInstruments),
];
