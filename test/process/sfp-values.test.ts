// Values files written for SFP 4.1 to 4.5: each option and variable starts the daemon and does what a line says, or is refused with a sentence.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { makeCertificate } from '../fakes/certificate.js';
import { startRedisServer } from '../fakes/redis-server.js';
import { runProgram, startDaemon } from './daemon.js';
import { startOrigin } from './origin.js';
import { temporaryFile } from './temporary-file.js';

const WARM_KEY = 'secret-warmupkey0123456789';

/** Of SFP 4.5's server, but those that name files. */
const ARGS = [
  '--double-write-cache-for-legacy-key',
  ...['--maximum-concurrent-sdk-keys', '1000', '-p=1', '--max-in-flight', '16'],
  ...['--redis-connection-timeout-in-s', '5', '-r', '70', '--redis-cache-ttl-in-s', '86400'],
  ...['--log-event-process-queue-size', '20000', '-g', '500'],
  ...['--grpc-ready-endpoint-percentage-of-total-streams-threshold', '90'],
  '--clear-datastore-on-unauthorized',
  '--debug-logging',
  ...['--background-poll-item-spacing-ms', '25'],
  ...[
    '--http-request-timeout-in-s',
    '45',
    '--http-read-timeout-in-s',
    '20',
    '--http-connect-timeout-in-s',
    '5',
  ],
  ...['--http-connection-pool-idle-timeout-in-s', '25', '--http-connection-pool-max-idle-per-host', '10'],
  ...['--config-spec-current-lcut-sampling-interval-in-s', '1'],
  '--id-list-file-refresh-observer-enabled',
  '--deltas-background-loop-enabled',
  ...['--deltas-background-loop-sleep-time-in-s', '10', '--deltas-num-responses-to-persist=20'],
  '--force-gcp-profiling-enabled',
  '--force_gcp_profiling_enabled',
  ...['--statsd-logging', '--datadog-logging', '--statsig-logging'],
  ...[
    '--statsig-logging-tags',
    'host:HOSTNAME',
    '--enforce-tls=false',
    '--https-port',
    '0',
    '--grpc-tls-port',
    '0',
  ],
];

const IGNORED = {
  TOKIO_WORKER_THREADS_BACKGROUND: '2',
  STATSIG_ENDPOINT_DELTAS: 'https://deltas.example',
  ENABLE_BLOB_STORAGE_FOR_DOWNLOAD_CONFIG_SPECS: 'false',
  DCS_BLOB_STORAGE_CONNECTION_STRING: 'AccountKey=hunter2',
  DCS_BLOB_STORAGE_COMPANY_ID: 'company',
  REDIS_AUTH_MODE: 'password',
  REDIS_OAUTH_TENANT_ID: 'tenant',
  REDIS_OAUTH_CLIENT_SECRET: 'hunter2',
  REDIS_OAUTH_ALLOW_PLAINTEXT: 'maybe',
  REDIS_CONNECTION_POOL_MAX_SIZE: '10',
  REDIS_CONNECTION_POOL_MIN_SIZE: '1',
  REDIS_MEMORYSTORE: 'false',
  PROXY_CACHE_TTL: '5s',
  PROXY_CACHE_PATH_CONFIGURATION: '/dev/shm/nginx',
  PROXY_CACHE_MAX_SIZE_IN_MB: '1024',
  PROXY_CACHE_CLEANUP_MAX_DURATION_MS: '200',
  PROXY_CACHE_DOWNLOAD_PATH_CONFIGURATION: '/dev/shm/nginx/download_cache',
  PROXY_CACHE_DOWNLOAD_ID_LIST_PATH_CONFIGURATION: '/dev/shm/nginx/download_id_list',
  NGINX_WORKER_PROCESSES: 'auto',
  ROCKET_PORT: '8080',
  EVENT_CHANNEL_SIZE: '1000',
};

describe('what is written for SFP', { concurrency: true }, () => {
  it('starts with every option and variable at once, and does what its lines say', async (t) => {
    const redis = await startRedisServer(t);
    const origin = await startOrigin(t);
    const warmUp = [
      { sdk_key: WARM_KEY, path: '/v2/download_config_specs/', encodings: ['statsig-br', 'gzip'] },
      { sdk_key: 'no key', path: '/v1/download_config_specs' },
    ];
    const { keyPem, certificatePem } = makeCertificate();
    const certificate = temporaryFile(t, certificatePem);
    const tls = [
      ...['--x509-server-cert-path', certificate, '--x509-server-key-path', temporaryFile(t, keyPem)],
      ...['--x509-client-cert-path', certificate],
    ];
    const { program, url } = await startDaemon(t, origin.url, {
      mode: 'grpc-and-http',
      cache: 'redis',
      args: [...ARGS, ...tls],
      env: {
        ...IGNORED,
        redis_enterprise_host: '127.0.0.1',
        Redis_Enterprise_Port: String(redis.port),
        REDIS_TLS: 'false',
        REDIS_KEY_PREFIX: ' team ',
        SFP_STARTUP_WARMUP_KEYS_JSON: JSON.stringify(warmUp),
        LOG_EVENT_STATSIG_ENDPOINT: origin.url,
        STATSIG_ENDPOINT_DOWNLOAD_ID_LIST_FILE: `${origin.url}/idlists`,
        LOG_EVENT_DEDUPE_CACHE_LIMIT: '2000000',
        STATSIG_SERVER_SDK_KEY: 'secret-metricskey0123456789',
        statsd_host_override: '127.0.0.1',
        statsd_port_override: '9',
        datadog_max_batch_time_ms: '10000',
        DD_ENV: 'test',
        GCE_METADATA_HOST: '127.0.0.1:9',
      },
    });
    const said = (level: string): string[] =>
      program.logs.lines.filter((line) => line['level'] === level).map(({ msg }) => String(msg));
    const told = said('warn').filter((line) => /has no effect|is ignored/.test(line));
    for (const [pattern, times] of [
      [/^--background-poll-item-spacing-ms has no effect: each spec is polled at an instant of its own/, 1],
      [/^--id-list-file-refresh-observer-enabled has no effect: /, 1],
      [/^--deltas-[a-z-]+ has no effect: deltas are not fetched/, 3],
      [/SFP_STARTUP_WARMUP_KEYS_JSON\): entry 2 of 2 is ignored: its sdk_key/, 1],
    ] as const) {
      assert.equal(
        told.filter((line) => pattern.test(line)).length,
        times,
        `${String(pattern)} in ${told.join()}`,
      );
    }
    assert.equal(told.length, 6, told.join());
    const asides = said('debug');
    for (const name of Object.keys(IGNORED)) {
      const isSwitch = name === 'ENABLE_BLOB_STORAGE_FOR_DOWNLOAD_CONFIG_SPECS' || name === 'REDIS_AUTH_MODE';
      assert.equal(
        asides.some((line) => line.startsWith(`variable ${name} `)),
        !isSwitch,
        name,
      );
    }
    assert.doesNotMatch(program.output.stdout, /hunter2|warmupkey/);

    // Warmed up before any client asked, as protobuf too, and polled on although none asks.
    const polls = (isProtobuf: boolean): number =>
      origin.requests.filter(
        ({ url: path }) => path.startsWith('/v2/') && path.includes('supports_proto') === isProtobuf,
      ).length;
    assert.ok(polls(true) >= 1 && polls(false) >= 1);
    await eventually('polls without a client', () => polls(true) >= 3 && polls(false) >= 3);
    await program.line('ConfigSpecCurrentLcut');
    const answer = await fetch(`${url}/v2/download_config_specs/${WARM_KEY}.json`);
    assert.equal(answer.status, 200);
    await answer.arrayBuffer();
    const client = redis.client();
    await eventually('rows with the prefix', async () => (await client.keys('team:statsig|*')).length >= 3);
    assert.deepEqual(
      (await client.keys('*')).filter((name) => !name.startsWith('team:')),
      [],
    );
  });

  for (const [what, args, env, sentence] of [
    [
      'blob storage',
      ['http', 'disabled'],
      { ENABLE_BLOB_STORAGE_FOR_DOWNLOAD_CONFIG_SPECS: 'true', DCS_BLOB_STORAGE_COMPANY_ID: 'company' },
      /^ {2}ENABLE_BLOB_STORAGE_FOR_DOWNLOAD_CONFIG_SPECS: specs are not read from blob storage: /,
    ],
    [
      'OAuth for Redis',
      ['http', 'redis'],
      { REDIS_AUTH_MODE: 'oauth', REDIS_OAUTH_CLIENT_SECRET: 'hunter2' },
      /^ {2}REDIS_AUTH_MODE: Redis is not entered with OAuth tokens: /,
    ],
    [
      'another way into Redis',
      ['grpc', 'redis'],
      { redis_auth_mode: 'kerberos' },
      /^ {2}redis_auth_mode: its value must be 'password': /,
    ],
    [
      'metrics over an OTLP that there is not',
      ['http', 'disabled', '--otlp-logging'],
      { OTEL_EXPORTER_OTLP_PROTOCOL: 'thrift' },
      /^ {2}OTEL_EXPORTER_OTLP_PROTOCOL: 'thrift' must be one of grpc, http\/protobuf, http\/json/,
    ],
    [
      'an option that SFP does not have',
      ['http', 'disabled', '--deltas-background-loop'],
      {},
      /^ {2}unknown option --deltas-background-loop: /,
    ],
  ] as const) {
    it(`exits with 2 and one sentence for ${what}`, async (t) => {
      const { code, stdout, stderr } = await runProgram(t, args, { env });
      assert.equal(code, 2, stderr);
      assert.equal(stdout, '');
      const faults = stderr.split('\n').filter((line) => line.startsWith('  '));
      assert.equal(faults.length, 1, stderr);
      assert.match(faults[0] ?? '', sentence);
      assert.doesNotMatch(stderr, /hunter2/);
    });
  }
});
