// Every timeout there is, ours and those of the libraries: what it bounds, where its value comes from, and which test holds it.
import type { settings } from '../src/config/settings.js';

/** Where a time comes from. */
export type Source =
  | { readonly setting: keyof typeof settings }
  /** A number in a file of `src`, by its name. */
  | { readonly file: string; readonly name: string };

export interface Timeout {
  readonly what: string;
  readonly time: Source;
  /** Who measures it, where that is not this program by its own clock. */
  readonly by?: string;
  readonly note?: string;
  /** A file below `test` and a part of the test's name. */
  readonly test: readonly [string, string];
}

function setting(name: keyof typeof settings): Source {
  return { setting: name };
}

function number(file: string, name: string): Source {
  return { file, name };
}

const OUTBOUND = 'http-client/outbound';
const REDIS = 'storage/redis';
const STATSIG = 'protocols/statsig';

export const TIMEOUTS: Readonly<Record<string, readonly Timeout[]>> = {
  'To origins and outbound proxies': [
    {
      what: 'a connection: name, all addresses, outbound proxy and tunnel, TLS, settings of HTTP/2',
      time: setting('httpConnectTimeoutS'),
      note: "one time for all of it; undici's connect timeout and `node:net`'s choice of addresses are off",
      test: ['http-client/connecting.test.ts', 'says nothing in the handshake is given up in time'],
    },
    {
      what: 'the addresses of a name',
      time: setting('httpConnectTimeoutS'),
      note: 'the question itself goes on in the resolver (`resolv.conf`); two at one time, each name once',
      test: ['http-client/addresses.test.ts', 'looked for without end'],
    },
    {
      what: 'until the next address is tried beside the one before',
      time: number('network/dial.ts', 'NEXT_ATTEMPT_MS'),
      note: 'no attempt is given up for it',
      test: ['http-client/connecting.test.ts', 'an address that takes longer than another one fails'],
    },
    {
      what: "an answer's head, from the request on",
      time: setting('httpReadTimeoutS'),
      note: "undici's `headersTimeout` is off",
      test: ['http-client/answer-timeouts.test.ts', 'the head of an answer has its time'],
    },
    {
      what: 'between two pieces of a body, while they are taken',
      time: setting('httpReadTimeoutS'),
      note: "undici's `bodyTimeout` is off",
      test: ['http-client/answer-timeouts.test.ts', 'each piece of a body has its time'],
    },
    {
      what: 'between two events of a stream of notices (`--upstream-stream`)',
      time: number('http-client/upstream-pool.ts', 'STREAM_SILENCE_MS_MAX'),
      note: 'heartbeats come every 30 s',
      test: ['app/upstream-stream.test.ts', 'a stream that falls silent'],
    },
    {
      what: "between two pieces of a stream of Replane's",
      time: number('protocols/replane/origin/upstream-stream.ts', 'UPSTREAM_SILENCE_MS_MAX'),
      note: 'pings come every 15 s',
      test: ['app/replane.test.ts', 'a stream on which nothing comes for 30 s'],
    },
    {
      what: "a client of Replane's whose project is not held",
      time: number('protocols/replane/http/replane-routes.ts', 'FIRST_WAIT_MS_MAX'),
      note: 'then it gets a 503, and the fetch goes on',
      test: ['app/replane.test.ts', 'whose project is not here within 1.5 s'],
    },
    {
      what: 'a whole answer, redirects and the second try included',
      time: setting('httpRequestTimeoutS'),
      test: [`${STATSIG}/origin/upstream-client.test.ts`, 'an origin that trickles is given up'],
    },
    {
      what: 'the body of a refusal, of which only the beginning counts',
      time: number('http-client/exchange.ts', 'ERROR_BODY_MS_MAX'),
      test: [`${STATSIG}/origin/upstream-client.test.ts`, 'also where its body never ends'],
    },
    {
      what: 'silence of an HTTP/2 session with requests, until a PING, and as long again for its answer',
      time: number(`${OUTBOUND}/h2-session.ts`, 'PING_AFTER_MS'),
      test: ['http-client/h2-sessions.test.ts', 'a peer that is dead is noticed by its silence'],
    },
    {
      what: 'a connection without a request',
      time: setting('httpConnectionPoolIdleTimeoutS'),
      by: 'undici for HTTP/1.1',
      note: 'two seconds less than the origin’s `Keep-Alive` says, where that is shorter',
      test: ['http-client/connecting.test.ts', 'is closed as soon as the setting says'],
    },
    {
      what: 'the same, beyond the connections that are kept',
      time: number(`${OUTBOUND}/connection-age.ts`, 'RUSH_IDLE_MS_MAX'),
      by: 'undici',
      test: [`${STATSIG}/origin/upstream-client.test.ts`, 'only so many are kept after it'],
    },
    {
      what: 'the age of a connection, half of it to all of it by chance',
      time: number(`${OUTBOUND}/connection-age.ts`, 'CONNECTION_MS_MAX'),
      test: ['e2e/proxy-chain.test.ts', 'after a scale-up'],
    },
    {
      what: '`Retry-After`, at most',
      time: number('http-client/retry-after.ts', 'RETRY_AFTER_MS_MAX'),
      test: [`${STATSIG}/origin/upstream-response.test.ts`, 'Retry-After is seconds or a date, bounded'],
    },
    {
      what: 'a first fetch that waits for its turn',
      time: number('core/reader.ts', 'COLD_QUEUE_WAIT_MS_MAX'),
      test: ['core/reader.test.ts', 'who waited ten seconds for a turn'],
    },
    {
      what: 'the making of another encoding, while first fetches wait for their turn',
      time: number('core/reader.ts', 'HELD_BACK_MS_MAX'),
      test: ['core/cold-forms.test.ts', 'it waits for a second at most'],
    },
    {
      what: 'a whole file of an ID list',
      time: number(`${STATSIG}/origin/id-list-file-client.ts`, 'WHOLE_FILE_MS_MAX'),
      test: [`${STATSIG}/origin/id-list-file-client.test.ts`, 'given up after half an hour and not before'],
    },
    {
      what: 'a new version of a spec that waits for the remote values that it names',
      time: number(`${STATSIG}/remote-values/remote-values.ts`, 'ARRIVAL_MS_MAX'),
      note: 'then it is served without them',
      test: [`${STATSIG}/remote-values/arrival.test.ts`, 'after ten seconds it is served all the same'],
    },
    {
      what: 'the same of one that is restored from Redis or a directory for a client that waits',
      time: number(`${STATSIG}/remote-values/remote-values.ts`, 'RESTORED_ARRIVAL_MS_MAX'),
      test: ['app/remote-values-kept.test.ts', 'waits two seconds for values that are lost'],
    },
    {
      what: 'a file of an ID list that waits for its turn',
      time: number(`${STATSIG}/id-lists/fetch-turns.ts`, 'WAIT_MS_MAX'),
      test: [`${STATSIG}/id-lists/id-list-files.test.ts`, 'and so is who waited too long'],
    },
    {
      what: 'an export to OpenTelemetry, other tries included, unless `OTEL_EXPORTER_OTLP_TIMEOUT` says otherwise',
      time: number('config/otlp-config.ts', 'EXPORT_MS'),
      test: ['observability/otlp/receiver.test.ts', 'each export ends, the first failure is told'],
    },
    {
      what: 'the keys of a token issuer, redirects included',
      time: number('auth/keys-client.ts', 'KEYS_MS_MAX'),
      test: ['auth/remote-keys.test.ts', 'never ends its answer is given up in time'],
    },
  ],
  'To Redis': [
    {
      what: 'a connection: name, TLS, login, first commands',
      time: setting('redisConnectionTimeoutS'),
      note: "ioredis' `connectTimeout` is not used",
      test: [`${REDIS}/redis-link.test.ts`, 'is given up after the time for connecting'],
    },
    {
      what: 'one connection, also to a node of a cluster: sentinels, name, all addresses, TLS',
      time: setting('redisConnectionTimeoutS'),
      note: "ioredis' client for a cluster has one more, for subscriptions, which would not be timed here; it stays unused and is never opened",
      test: [`${REDIS}/redis-connector.test.ts`, 'leads to nothing in time is given up'],
    },
    {
      what: 'reading the file with the password',
      time: setting('redisConnectionTimeoutS'),
      test: [`${REDIS}/redis-login.test.ts`, 'a password file that hangs costs the time for connecting'],
    },
    {
      what: 'a command',
      time: number(`${REDIS}/redis-commands.ts`, 'SMALL_DEADLINE_MS'),
      note: "a missed deadline ends the connection; ioredis' `commandTimeout` is off",
      test: [`${REDIS}/redis-connection.test.ts`, 'a Redis that hangs costs one deadline'],
    },
    {
      what: 'a look at the states of many specs',
      time: number(`${REDIS}/redis-entries.ts`, 'STATES_DEADLINE_MS'),
      note: '1 ms more for each spec',
      test: [`${REDIS}/redis-connection.test.ts`, 'a look at many specs has a millisecond more for each'],
    },
    {
      what: 'a body',
      time: number(`${REDIS}/redis-commands.ts`, 'BODY_DEADLINE_MS'),
      note: '1 s more for each MB on its way',
      test: [`${REDIS}/redis-bodies.alone.test.ts`, 'a body has longer than a small command'],
    },
    {
      what: 'a spec that a client waits for; then the origin is asked',
      time: number(`${REDIS}/redis-snapshots.ts`, 'CLIENT_LOAD_MS_MAX'),
      test: [`${REDIS}/redis-bodies.alone.test.ts`, 'who has a client waiting is answered'],
    },
    {
      what: 'a body that waits for its turn',
      time: number(`${REDIS}/redis-snapshots.ts`, 'WAITING_MS_MAX'),
      test: [`${REDIS}/redis-bodies.alone.test.ts`, 'a body that waits for others is given up'],
    },
    {
      what: 'the answer to a PING of an idle connection',
      time: number(`${REDIS}/redis-link.ts`, 'HEARTBEAT_DEADLINE_MS'),
      test: [`${REDIS}/redis-link.test.ts`, 'an idle connection is checked now and then'],
    },
    {
      what: 'a question to a sentinel',
      time: number(`${REDIS}/redis-sentinels.ts`, 'SENTINEL_COMMAND_MS'),
      by: 'ioredis',
      test: [`${REDIS}/redis-failover.test.ts`, 'sentinels that cannot be reached or refuse'],
    },
    {
      what: 'a server that does not read, at the end of its connection',
      time: number(`${REDIS}/redis-connector.ts`, 'DISCONNECT_MS'),
      by: 'ioredis',
      test: [`${REDIS}/redis-connector.test.ts`, 'has 100 ms to take what was sent to it'],
    },
    {
      what: 'the age of a connection, half of it to all of it by chance',
      time: number(`${REDIS}/redis-link.ts`, 'AGE_MS_MAX'),
      test: [`${REDIS}/redis-link.test.ts`, 'a connection is replaced when it is old'],
    },
    {
      what: 'the first connection, at a start',
      time: number(`${REDIS}/open-redis.ts`, 'FIRST_TRY_MS_MAX'),
      test: [`${REDIS}/redis-connection.test.ts`, 'a start does not wait for a Redis that hangs'],
    },
  ],
  'From clients over HTTP': [
    {
      what: 'the TLS handshake, over HTTP and gRPC',
      time: number('servers/listener/tls-front.ts', 'HANDSHAKE_MS_MAX'),
      note: 'whatever comes meanwhile; Node’s own 120 s of silence are never reached',
      test: ['app/tls.test.ts', 'ends a handshake after 10 s and not before'],
    },
    {
      what: "a request's headers, from its first byte",
      time: number('app/room-options.ts', 'headersMs'),
      by: 'Node, which looks every 5 s',
      test: ['servers/http/broken-request.test.ts', 'so are headers that take too long'],
    },
    {
      what: 'a whole request, from its first byte',
      time: number('app/room-options.ts', 'REQUEST_MS_MAX'),
      by: 'Node, which looks every 5 s',
      test: ['servers/http/broken-request.test.ts', 'a body that takes too long is answered with 408'],
    },
    {
      what: 'an idle connection, also one that never sent a byte',
      time: setting('httpKeepAliveTimeoutS'),
      by: 'Node',
      test: ['servers/http/broken-request.test.ts', 'after the time that idle connections have'],
    },
    {
      what: 'a connection in use without a byte in either direction',
      time: number('servers/http/fastify-app.ts', 'SOCKET_IDLE_MS_MAX'),
      by: 'Node',
      test: [
        'servers/http/broken-request.test.ts',
        'an answer may take longer than a connection may be idle',
      ],
    },
    {
      what: 'a body that goes on after its answer',
      time: number('servers/http/open-connections.ts', 'GOES_ON_MS_MAX'),
      test: ['servers/http/broken-request.test.ts', 'goes on sending its body has a moment'],
    },
    {
      what: 'reading a file of an ID list from its copy',
      time: number(`${STATSIG}/id-lists/id-list-files.ts`, 'READING_MS_MAX'),
      test: [`${STATSIG}/id-lists/copies-in-room.test.ts`, 'who reads a copy for half an hour'],
    },
  ],
  'From clients over gRPC': [
    {
      what: 'a request, from the begin of its call',
      time: number('servers/grpc/grpc-server.ts', 'REQUEST_MS_MAX'),
      test: ['servers/grpc/call-limits.test.ts', 'is cut off after 10 s'],
    },
    {
      what: 'a connection without a call',
      time: number('servers/http2/client-connections.ts', 'IDLE_MS_MAX'),
      test: ['servers/grpc/client-connections.test.ts', 'is closed after 75 s'],
    },
    {
      what: 'a client that takes nothing of a message',
      time: setting('grpcStreamStallTimeoutS'),
      test: ['servers/grpc/slow-clients.test.ts', 'drops a client that takes nothing for that long'],
    },
    {
      what: 'silence on a connection, until a PING',
      time: number('servers/grpc/grpc-server.ts', 'KEEPALIVE_MS'),
      by: 'grpc-js',
      test: ['servers/grpc/keepalive.test.ts', 'is asked for a sign of life after 60 s'],
    },
    {
      what: 'the answer to it, at least; 10 s longer than a stall where that is more',
      time: number('servers/grpc/grpc-server.ts', 'KEEPALIVE_ANSWER_MS'),
      by: 'grpc-js',
      test: ['servers/grpc/keepalive.test.ts', 'is asked for a sign of life after 60 s'],
    },
    {
      what: 'silence on a stream, until a heartbeat',
      time: number('app/room-options.ts', 'HEARTBEAT_MS'),
      test: ['servers/grpc/stream-heartbeat.test.ts', 'comes after 30 s of silence and not before'],
    },
    {
      what: 'the age of a connection, give or take a tenth',
      time: setting('grpcMaxConnectionAgeS'),
      by: 'grpc-js',
      test: ['servers/grpc/connections.test.ts', 'ends the streams of a connection that is old'],
    },
    {
      what: 'what is open on it then',
      time: number('servers/grpc/grpc-server.ts', 'AGE_GRACE_MS'),
      by: 'grpc-js',
      test: ['servers/grpc/connections.test.ts', 'ends the streams of a connection that is old'],
    },
  ],
  'Disks and threads': [
    {
      what: 'reading a spec; then the origin is asked',
      time: number('files/disk-queue.ts', 'READ_DEADLINE_MS'),
      test: ['storage/disk/disk-queue.test.ts', 'who wants to read is told within two seconds'],
    },
    {
      what: 'an operation; then the folder counts as hanging',
      time: number('files/disk-queue.ts', 'OPERATION_DEADLINE_MS'),
      test: ['storage/disk/disk-queue.test.ts', 'an operation beyond its deadline'],
    },
    {
      what: 'a write that waits for its turn',
      time: number('files/disk-queue.ts', 'WRITE_WAITING_DEADLINE_MS'),
      test: ['storage/disk/disk-queue.test.ts', 'who waits for two minutes waits no longer'],
    },
    {
      what: 'pinned keys at a start, until the replica is ready all the same',
      time: number('app/start-up.ts', 'STARTUP_MS_MAX'),
      test: ['app/app.test.ts', 'readiness no longer than a minute'],
    },
    {
      what: 'the folder of specs at a start',
      time: number('storage/disk/disk-snapshots.ts', 'OPEN_DEADLINE_MS'),
      test: ['storage/disk/disk-snapshots.test.ts', 'a start goes on after 2 s'],
    },
    {
      what: 'the folder of ID lists at a start',
      time: number(`${STATSIG}/id-lists/disk/disk-place.ts`, 'OPEN_DEADLINE_MS'),
      test: [`${STATSIG}/id-lists/disk/troubled-copies.test.ts`, 'holds a start up for 5 s'],
    },
    {
      what: 'log events and ID lists of an earlier run, before the ports open',
      time: number('app/feature.ts', 'PREPARE_MS_MAX'),
      test: ['app/features.test.ts', 'does not delay the start beyond five seconds'],
    },
    {
      what: 'writing a batch of log events; then it is answered 503',
      time: number(`${STATSIG}/log-events/timely-keeper.ts`, 'KEEP_MS_MAX'),
      test: [
        `${STATSIG}/log-events/troubled-disk.test.ts`,
        'while the disk hangs SDKs are told to try again',
      ],
    },
    {
      what: 'a batch going into Redis; then it waits on the disk, or is answered 503',
      time: number(`${STATSIG}/log-events/fleet/fleet-keeper.ts`, 'APPEND_MS_MAX'),
      test: [`${STATSIG}/log-events/fleet/moving.test.ts`, 'a Redis that hangs is not waited for'],
    },
    {
      what: 'replicas of Redis having a batch; then the same',
      time: number('storage/redis/redis-shard-queue.ts', 'REPLICAS_MS_MAX'),
      test: [`${STATSIG}/log-events/fleet/moving.test.ts`, 'a batch that too few replicas of Redis have'],
    },
    {
      what: 'the first look at the queue in Redis, at a start',
      time: number(`${STATSIG}/log-events/fleet/fleet-shards.ts`, 'FIRST_LOOK_MS_MAX'),
      test: [`${STATSIG}/log-events/fleet/moving.test.ts`, 'a Redis that hangs is not waited for'],
    },
    {
      what: 'looking into a batch; then it goes on unread',
      time: number(`${STATSIG}/log-events/inspection/threaded-inspector.ts`, 'INSPECTION_MS_MAX'),
      test: [
        `${STATSIG}/log-events/inspection/threaded-inspector.test.ts`,
        'who waited five seconds goes on unread',
      ],
    },
  ],
  'A stop, and the health command': [
    {
      what: 'who waits for the origin',
      time: number('app/shutdown.ts', 'WAIT_FOR_ORIGIN_MS'),
      test: ['process/stopping.test.ts', 'though the origin never answers'],
    },
    {
      what: 'HTTP connections; then they are cut',
      time: number('app/shutdown.ts', 'HTTP_MS_MAX'),
      test: ['process/stopping.test.ts', 'though a client reads nothing of a large answer'],
    },
    {
      what: 'gRPC calls; then they are cut',
      time: number('app/shutdown.ts', 'GRPC_MS_MAX'),
      test: ['process/grpc-stopping.test.ts', 'ends within 10 s though a client reads nothing'],
    },
    {
      what: 'log events that leave',
      time: setting('logEventStopTimeoutS'),
      test: [`${STATSIG}/log-events/forwarding.test.ts`, 'what could not be sent in time is counted'],
    },
    {
      what: 'the folder of log events',
      time: number(`${STATSIG}/log-events/log-event-store.ts`, 'CLOSE_MS_MAX'),
      test: [`${STATSIG}/log-events/troubled-disk.test.ts`, 'a disk that hangs keeps the proxy from its end'],
    },
    {
      what: 'another `time` for the body of a rollback, in a thread; then the order, or this poll, failed',
      time: number(`${STATSIG}/restating/restated-payload.ts`, 'RESTATE_MS_MAX'),
      test: ['protocols/statsig/spec-body/restated-spec.test.ts', 'takes too long is given up'],
    },
    {
      what: 'how much of a spec its new version has lost, in a thread; then the guard lets it pass',
      time: number(`${STATSIG}/spec-diff/measured-loss.ts`, 'LOSS_MS_MAX'),
      test: ['protocols/statsig/spec-diff/measured-loss.test.ts', 'takes too long'],
    },
    {
      what: 'an answer of the admin port to the command `ctl`',
      time: number('cli/ctl/admin-client.ts', 'CTL_MS_MAX'),
      test: ['cli/ctl.test.ts', 'no answer in time'],
    },
    {
      what: 'a comparison of two versions of a spec, in its thread; then the operator is told that it failed',
      time: number(`${STATSIG}/spec-diff/threaded-differ.ts`, 'DIFF_MS_MAX'),
      test: ['protocols/statsig/spec-diff/threaded-differ.test.ts', 'takes too long'],
    },
    {
      what: 'specs, and remote values, on their way to Redis or a disk, and closing these as long again',
      time: number('app/shutdown.ts', 'BACKUPS_MS_MAX'),
      test: ['app/finish-backups.test.ts', 'a place that hangs'],
    },
    {
      what: 'copies of ID lists',
      time: number('app/id-lists.ts', 'CLOSE_MS_MAX'),
      test: ['process/hanging-disk.test.ts', 'SIGTERM ends a process whose disk hangs'],
    },
    {
      what: 'a folder that is closed',
      time: number('files/disk-access.ts', 'CLOSE_DEADLINE_MS'),
      test: ['files/disk-access.test.ts', 'a folder that is closed finishes what it has begun'],
    },
    {
      what: 'datagrams on their way to the statsd receiver',
      time: number('observability/statsd/datagrams.ts', 'LAST_MS_MAX'),
      test: ['observability/statsd/datagrams.test.ts', 'ends when what waits is sent, or after 200 ms'],
    },
    {
      what: 'all metrics that are still to be sent',
      time: number('app/telemetry.ts', 'LAST_MS_MAX'),
      test: ['app/statsd.test.ts', 'a stop waits half a second for the last metrics'],
    },
    {
      what: 'files in use, at the very end',
      time: number('main.ts', 'LAST_FILES_MS_MAX'),
      test: ['process/hanging-disk.test.ts', 'SIGTERM ends a process whose disk hangs'],
    },
    {
      what: 'the last lines of the log',
      time: number('main.ts', 'LAST_LINES_MS_MAX'),
      test: ['process/stalled-output.test.ts', 'nobody reads the log'],
    },
    {
      what: '`health`: silence of the daemon over HTTP',
      time: number('cli/health-probe.ts', 'TIMEOUT_MS'),
      by: 'Node',
      test: ['process/health.test.ts', 'or nothing does in time'],
    },
    {
      what: '`health --grpc`: the whole call',
      time: number('servers/grpc/health-client.ts', 'TIMEOUT_MS'),
      test: ['servers/grpc/health.test.ts', 'exits with 0 while the daemon serves'],
    },
  ],
  'Doctor and shadow': [
    {
      what: 'a check of the doctor',
      time: number('doctor/checks.ts', 'CHECK_MS_MAX'),
      test: ['doctor/doctor.test.ts', 'a check that hangs is given up in its time'],
    },
    {
      what: 'the same of pinned keys, and of what they weigh',
      time: number('doctor/checks.ts', 'KEYS_MS_MAX'),
      test: ['doctor/doctor.test.ts', 'a check that hangs is given up in its time'],
    },
    {
      what: 'all questions to Redis, once it is entered',
      time: number(`${REDIS}/redis-inspection.ts`, 'ALL_QUESTIONS_MS_MAX'),
      test: ['doctor/redis.test.ts', 'a Redis that stops answering'],
    },
    {
      what: 'the dead letters of one shard, for `dead-letters --redis`',
      time: number(`${REDIS}/redis-shard-letters.ts`, 'SHARD_LETTERS_MS_MAX'),
      test: ['app/shared-dead-letters.test.ts', 'a Redis that hangs'],
    },
    {
      what: "an export to an OpenTelemetry receiver, the library's further tries included",
      time: number('observability/otlp/receiver-probe.ts', 'PROBE_MS_MAX'),
      note: 'or as long as the receiver has otherwise, where that is shorter',
      test: ['doctor/telemetry.test.ts', 'an empty export is taken, or not'],
    },
    {
      what: 'until a host has refused a datagram',
      time: number('doctor/telemetry-check.ts', 'REFUSAL_MS_MAX'),
      test: ['doctor/telemetry.test.ts', 'a host that refuses datagrams'],
    },
  ],
  Profiles: [
    {
      what: 'a profile, as it is asked for by `seconds`',
      time: number('profiling/collector.ts', 'PROFILE_MS_MAX'),
      note: 'a client that disconnects ends its own',
      test: ['profiling/collector.test.ts', 'no profile lasts longer'],
    },
    {
      what: 'the metadata server of Google Cloud',
      time: number('profiling/google/metadata-server.ts', 'METADATA_MS_MAX'),
      test: ['app/cloud-profiles.test.ts', 'a service that does not answer'],
    },
    {
      what: 'a token for Google Cloud',
      time: number('profiling/google/access-token.ts', 'TOKEN_MS_MAX'),
      test: ['app/cloud-profiles.test.ts', 'a service that does not answer'],
    },
    {
      what: 'the question to Cloud Profiler which profile is due, which it answers when one is',
      time: number('profiling/google/profiler-api.ts', 'CREATE_MS_MAX'),
      test: ['app/cloud-profiles.test.ts', 'a service that does not answer'],
    },
    {
      what: 'a gate, evaluated in a thread',
      time: number('protocols/statsig/gates/threaded-gate.ts', 'GATE_MS_MAX'),
      test: ['protocols/statsig/gates/gate-watch.test.ts', 'a thread that takes too long is ended'],
    },
    {
      what: 'the delivery of a profile',
      time: number('profiling/google/profiler-api.ts', 'UPLOAD_MS_MAX'),
      test: ['app/cloud-profiles.test.ts', 'a service that does not answer'],
    },
  ],
};

/** Numbers of that kind of name in `src` that end nothing: pauses, ages of what is remembered, and parts of a sum. */
export const NO_TIMEOUTS: readonly string[] = [
  'domain/version.ts VERSION_AHEAD_MS_MAX',
  'profiling/google/cloud-agent.ts ASKED_WAIT_MS_MAX',
  'profiling/google/cloud-agent.ts BACKOFF_MS_MAX',
  'core/fleet-member.ts TAKEOVER_SPREAD_MS_MAX',
  'core/poll-schedule.ts BACKOFF_MS_MAX',
  // In the browser.
  'page/event-feed.ts RETRY_MS_MAX',
  'page/event-feed.ts SILENCE_MS_MAX',
  'protocols/statsig/origin/notice-streams.ts AGAIN_MS_MAX',
  'protocols/replane/origin/project-feeds.ts AGAIN_MS_MAX',
  'storage/redis/redis-entries.ts STATES_DEADLINE_MS_PER_NAME',
  'storage/redis/redis-entry-state.ts AHEAD_MS_MAX',
  'storage/redis/redis-link.ts PAUSE_MS_MAX',
  'protocols/statsig/id-lists/file-health.ts FAILING_MS_MAX',
  'app/log-event-shards.ts UNOWNED_MS_MAX',
  'protocols/statsig/log-events/fleet/leaving-keeper.ts BEHIND_MS_MAX',
  'protocols/statsig/log-events/giving-up.ts ASIDE_MS_MAX',
  'protocols/statsig/log-events/forwarder.ts DOUBTED_MS_MAX',
  'protocols/statsig/log-events/giving-up.ts REFUSED_MS_MAX',
  'protocols/statsig/log-events/retry-schedule.ts PROBE_MS_MAX',
  'protocols/statsig/log-events/retry-schedule.ts RETRY_MS_MAX',
];
