// Command lines and environments written for SFP 4.2 to 4.5: what has an effect, what is told, and what is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCommandLine } from '../../src/cli/read-command-line.js';
import type { Config } from '../../src/config/load-config.js';
import { loadSettings, type Loaded } from '../../src/config/load-settings.js';
import { IDLE_OPTIONS } from '../../src/config/sfp-leftovers.js';
import { loadLine } from './loading.js';

type Env = Readonly<Record<string, string>>;

function load(args: readonly string[], env: Env = {}): Loaded<Config> {
  return loadLine(args, { env });
}

function loaded(args: readonly string[], env?: Env): Extract<Loaded<Config>, { kind: 'loaded' }> {
  const result = load(['http', 'disabled', ...args], env);
  return result.kind === 'loaded' ? result : assert.fail(result.faults.join());
}

function faults(args: readonly string[], env?: Env): readonly string[] {
  const result = load(args, env);
  return result.kind === 'faults' ? result.faults : [];
}

test('--max-in-flight is the newer name of --update-batch-size', () => {
  for (const args of [['--max-in-flight', '16'], ['--max-in-flight=16'], ['-u=16'], ['-u16']]) {
    assert.equal(loaded(args).config.updateBatchSize, 16, args.join(' '));
  }
  assert.deepEqual(faults(['http', 'disabled', '--max-in-flight', 'many']), [
    "--update-batch-size: 'many' must be an integer (1 to 10000)",
  ]);
});

test('the real ones of 4.3 to 4.5 count', () => {
  const args = [
    '--http-connection-pool-idle-timeout-in-s=25',
    '--config-spec-current-lcut-sampling-interval-in-s',
    '0',
  ];
  const { config, notices } = loaded(args);
  assert.equal(config.httpConnectionPoolIdleTimeoutS, 25);
  assert.equal(config.configSpecCurrentLcutSamplingIntervalS, 0);
  assert.deepEqual(notices, []);
});

test('each option without effect starts, takes its value with it, and is told once', () => {
  for (const { flags, unit, instead } of IDLE_OPTIONS) {
    for (const flag of flags) {
      const spellings =
        unit === undefined ? [[`--${flag}`]] : [[`--${flag}`, '25'], [`--${flag}=25`], [`--${flag}`, '0']];
      for (const args of spellings) {
        const { notices, config } = loaded([...args, '-p', '5']);
        assert.deepEqual(notices, [`--${flags[0] ?? ''} has no effect: ${instead}`], args.join(' '));
        assert.equal(config.pollingIntervalS, 5);
      }
    }
  }
  const all = IDLE_OPTIONS.flatMap(({ flags, unit }) =>
    flags.flatMap((flag) => (unit === undefined ? [`--${flag}`] : [`--${flag}`, '1'])),
  );
  assert.equal(loaded(all).notices.length, IDLE_OPTIONS.length);
});

test('variables count in any case; the name in upper case comes first', () => {
  const { config } = loaded([], {
    statsig_endpoint: 'http://origin.example',
    Sfp_Polling_Interval_In_S: '7',
    log_event_dedupe_cache_limit: '1000',
    LOG_EVENT_DEDUPE_CACHE_LIMIT: '2000',
    NO_PROXY: '',
    no_proxy: 'localhost',
  });
  assert.equal(config.statsigEndpoint.host, 'origin.example');
  assert.equal(config.pollingIntervalS, 7);
  assert.equal(config.logEventDedupeCacheLimit, 2000);
  assert.equal(config.noProxy, 'localhost');
  assert.deepEqual(faults(['http', 'disabled'], { statsig_endpoint: 'nothing' }), [
    "statsig_endpoint: 'nothing' must be a URL that begins with http:// or https:// (an http:// or https:// URL)",
  ]);
  assert.deepEqual(loaded([], { sfp_poling_interval_in_s: '5' }).notices, [
    'variable sfp_poling_interval_in_s is ignored: did you mean SFP_POLLING_INTERVAL_IN_S?',
  ]);
});

test('variables of what is not here are ignored, and told to those who look for them', () => {
  const env = {
    PROXY_CACHE_MAX_SIZE_IN_MB: '1024',
    PROXY_CACHE_TTL: '5s',
    NGINX_WORKER_PROCESSES: 'auto',
    ROCKET_PORT: '8080',
    TOKIO_WORKER_THREADS_BACKGROUND: '2',
    REDIS_CONNECTION_POOL_MAX_SIZE: '10',
    REDIS_CONNECTION_POOL_MIN_SIZE: '1',
    redis_memorystore: 'false',
    EVENT_CHANNEL_SIZE: '1000',
    STATSIG_ENDPOINT_DELTAS: 'https://deltas.example',
    DCS_BLOB_STORAGE_CONNECTION_STRING: 'AccountKey=hunter2',
    REDIS_OAUTH_CLIENT_SECRET: 'hunter2',
    RUST_LOG: 'info',
    PATH: '/bin',
  };
  const { notices, asides } = loaded([], env);
  assert.deepEqual(notices, []);
  const named = asides.map((aside) => /^variable (\S+) .* is ignored/.exec(aside)?.[1]);
  assert.deepEqual(
    named,
    Object.keys(env).filter((name) => name !== 'PATH'),
  );
  assert.doesNotMatch(asides.join(), /hunter2/);
});

test('blob storage is refused where it is switched on', () => {
  const name = 'ENABLE_BLOB_STORAGE_FOR_DOWNLOAD_CONFIG_SPECS';
  const expected = [
    `${name}: specs are not read from blob storage: unset it, and name an origin with --statsig-endpoint (STATSIG_ENDPOINT)`,
  ];
  for (const text of ['true', '1', 'TRUE ', 'perhaps']) {
    assert.deepEqual(faults(['http', 'disabled'], { [name]: text }), expected, text);
  }
  for (const text of ['false', '0', 'False\n', '']) {
    assert.deepEqual(faults(['http', 'disabled'], { [name]: text }), [], text);
  }
});

test('another way into Redis than a password is refused where Redis is used', () => {
  const advice = 'unset it, and name a password with --redis-password-file (SFP_REDIS_PASSWORD_FILE)';
  const env = { REDIS_AUTH_MODE: 'oauth', REDIS_OAUTH_TENANT_ID: 'x' };
  assert.deepEqual(faults(['http', 'redis'], env), [
    `REDIS_AUTH_MODE: Redis is not entered with OAuth tokens: ${advice}`,
  ]);
  assert.deepEqual(faults(['http', 'redis'], { redis_auth_mode: 'kerberos' }), [
    `redis_auth_mode: its value must be 'password': ${advice}`,
  ]);
  for (const mode of ['password', ' Password\n', '']) {
    assert.deepEqual(faults(['http', 'redis'], { REDIS_AUTH_MODE: mode }), [], mode);
  }
  assert.deepEqual(faults(['http', 'disabled'], env), []);
});

test('the health command takes the same command line and environment', () => {
  const typed = readCommandLine(['health', '--deltas-background-loop-enabled'], '1.2.3');
  if (typed.kind !== 'health') assert.fail('not health');
  const env = { ENABLE_BLOB_STORAGE_FOR_DOWNLOAD_CONFIG_SPECS: 'true', sfp_http_port: '8123' };
  const result = loadSettings(typed.line, { env });
  assert.equal(result.kind === 'loaded' && result.config.httpPort, 8123);
});
