// Command lines and the environment of the chart as they were written for releases of SFP: each starts, and means what it meant.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '../../src/config/load-config.js';
import { loadLine } from './loading.js';

interface Fixture {
  readonly args: readonly string[];
  /** Of the image, the chart's `sfp.environment` and its secrets. */
  readonly env: Readonly<Record<string, string>>;
  readonly expected: Partial<Config>;
  /** The options of which a line says that they have no effect. */
  readonly told: readonly string[];
}

const OF_THE_IMAGE_4_1 = {
  PROXY_CACHE_PATH_CONFIGURATION: '/dev/shm/nginx',
  PROXY_CACHE_MAX_SIZE_IN_MB: '1024',
  PROXY_CACHE_CLEANUP_MAX_DURATION_MS: '200',
  ROCKET_LOG_LEVEL: 'off',
};
const OF_THE_IMAGE_4_5 = {
  ...OF_THE_IMAGE_4_1,
  PROXY_CACHE_TTL: '5s',
  NGINX_WORKER_PROCESSES: 'auto',
  PROXY_CACHE_DOWNLOAD_PATH_CONFIGURATION: '/dev/shm/nginx/download_cache',
  PROXY_CACHE_DOWNLOAD_ID_LIST_PATH_CONFIGURATION: '/dev/shm/nginx/download_id_list',
};
const REDIS = { REDIS_ENTERPRISE_HOST: 'redis.internal', REDIS_ENTERPRISE_PORT: '6380', REDIS_TLS: 'true' };

const FIXTURES: Readonly<Record<string, Fixture>> = {
  '4.1, the chart as it is': {
    args: ['http', 'disabled'],
    env: OF_THE_IMAGE_4_1,
    expected: { mode: 'http', cache: 'disabled', updateBatchSize: 64, pollingIntervalS: 10 },
    told: [],
  },
  '4.1 with Redis and statsd': {
    args: [
      ...[
        'grpc-and-http',
        'redis',
        '--double-write-cache-for-legacy-key',
        '--datadog-logging',
        '--debug-logging',
      ],
      ...['-m', '1000', '-p', '5', '-u', '32', '-r', '70', '-g', '200', '--clear-datastore-on-unauthorized'],
    ],
    env: {
      ...OF_THE_IMAGE_4_1,
      ...REDIS,
      REDIS_ENTERPRISE_PASSWORD: 'p@ss:w/rd',
      REDIS_CONNECTION_POOL_MAX_SIZE: '10',
    },
    expected: {
      mode: 'grpc-and-http',
      cache: 'redis',
      maximumConcurrentSdkKeys: 1000,
      pollingIntervalS: 5,
      updateBatchSize: 32,
      grpcMaxConcurrentStreams: 200,
      clearDatastoreOnUnauthorized: true,
      datadogLogging: true,
    },
    told: [],
  },
  '4.3, as its README shows': {
    args: [
      ...['http', 'disabled', '-p', '15', '--max-in-flight', '16', '--background-poll-item-spacing-ms', '25'],
      ...['--clear-datastore-on-unauthorized', '--id-list-file-refresh-observer-enabled'],
      ...['--http-request-timeout-in-s', '45', '--http-read-timeout-in-s', '20'],
      ...['--http-connect-timeout-in-s', '5', '--http-connection-pool-idle-timeout-in-s', '25'],
    ],
    env: {
      ...OF_THE_IMAGE_4_5,
      TOKIO_WORKER_THREADS_BACKGROUND: '2',
      STATSIG_ENDPOINT: 'https://cdn.internal',
    },
    expected: {
      pollingIntervalS: 15,
      updateBatchSize: 16,
      clearDatastoreOnUnauthorized: true,
      httpRequestTimeoutS: 45,
      httpReadTimeoutS: 20,
      httpConnectTimeoutS: 5,
      httpConnectionPoolIdleTimeoutS: 25,
      statsigEndpoint: new URL('https://cdn.internal'),
      idListsStatsigEndpoint: new URL('https://cdn.internal'),
    },
    told: ['--background-poll-item-spacing-ms', '--id-list-file-refresh-observer-enabled'],
  },
  '4.5 with warm-up, a prefix in Redis and deltas': {
    args: [
      ...['grpc-and-http', 'redis', '-p=5', '--update-batch-size', '16'],
      ...['--config-spec-current-lcut-sampling-interval-in-s', '30', '--deltas-background-loop-enabled'],
      ...['--deltas-num-responses-to-persist', '20'],
    ],
    env: {
      ...OF_THE_IMAGE_4_5,
      ...REDIS,
      REDIS_AUTH_MODE: 'password',
      REDIS_KEY_PREFIX: ' team-a: ',
      ENABLE_BLOB_STORAGE_FOR_DOWNLOAD_CONFIG_SPECS: 'false',
      SFP_STARTUP_WARMUP_KEYS_JSON:
        '[{"sdk_key":"secret-web-prod","path":"/v2/download_config_specs","encodings":["statsig-br","gzip"]},{"sdk_key":"secret-web-prod","path":"/v1/get_id_lists"}]',
    },
    expected: {
      pollingIntervalS: 5,
      updateBatchSize: 16,
      configSpecCurrentLcutSamplingIntervalS: 30,
      pinnedSdkKeys: new Set(['secret-web-prod']),
    },
    told: ['--deltas-background-loop-enabled', '--deltas-num-responses-to-persist'],
  },
};

for (const [release, { args, env, expected, told }] of Object.entries(FIXTURES)) {
  test(`${release}: it starts, and means what it meant`, () => {
    const loaded = loadLine(args, { env });
    if (loaded.kind === 'faults') assert.fail(loaded.faults.join());
    for (const [name, value] of Object.entries(expected)) {
      assert.deepEqual(loaded.config[name as keyof Config], value, name);
    }
    const idle = loaded.notices.flatMap((notice) => /^(--\S+) has no effect/.exec(notice)?.[1] ?? []);
    assert.deepEqual([...idle].sort(), [...told].sort());
  });
}
