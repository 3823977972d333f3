// Options over environment over defaults; every fault told at once; no key in any fault.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCommandLine } from '../../src/cli/read-command-line.js';
import type { Config } from '../../src/config/load-config.js';
import type { Loaded } from '../../src/config/load-settings.js';
import { boundsText, parseSetting, type Setting } from '../../src/config/setting.js';
import { settings } from '../../src/config/settings.js';
import { makeCertificate } from '../fakes/certificate.js';
import { loadLine } from './loading.js';

const CERTIFICATE = makeCertificate().certificatePem;

interface Given {
  readonly env?: Record<string, string>;
  readonly files?: Record<string, string>;
}

function load(args: readonly string[], { env = {}, files = {} }: Given = {}): Loaded<Config> {
  return loadLine(args, {
    env,
    nowMs: Date.now(),
    folderFault: (path) => (path === '/a-file' ? 'is not a directory' : undefined),
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
      return text;
    },
  });
}

function config(args: readonly string[], given?: Given): Config {
  const loaded = load(['http', 'disabled', ...args], given);
  if (loaded.kind === 'faults') throw new Error(loaded.faults.join('; '));
  return loaded.config;
}

function faults(args: readonly string[], given?: Given): readonly string[] {
  const loaded = load(args, given);
  return loaded.kind === 'faults' ? loaded.faults : assert.fail('expected faults');
}

test('without options everything has the default of the table', () => {
  const loaded = config([]);
  for (const [name, setting] of Object.entries(settings) as [keyof typeof settings, Setting][]) {
    if (name === 'instanceName') continue;
    const expected = setting.kind === 'url' ? new URL(setting.default).href : setting.default;
    const value = loaded[name];
    assert.equal(value instanceof URL ? value.href : value, expected, name);
  }
  assert.equal(loaded.instanceName, 'the-host');
  assert.deepEqual([loaded.mode, loaded.cache, loaded.pinnedSdkKeys.size], ['http', 'disabled', 0]);
});

test('the defaults of the flags SFP has are the ones it has', () => {
  const loaded = config([]);
  assert.equal(loaded.maximumConcurrentSdkKeys, 1000);
  assert.equal(loaded.pollingIntervalS, 10);
  assert.equal(loaded.updateBatchSize, 64);
  assert.equal(loaded.httpConnectionPoolMaxIdlePerHost, 10);
  assert.equal(loaded.clearDatastoreOnUnauthorized, false);
});

test('an option beats its variable, a variable beats the default, an empty variable is none', () => {
  const env = {
    SFP_POLLING_INTERVAL_IN_S: '5',
    SFP_UPDATE_BATCH_SIZE: '',
    STATSIG_ENDPOINT: 'http://origin:1/x',
  };
  assert.equal(config([], { env }).pollingIntervalS, 5);
  assert.equal(config(['-p', '7'], { env }).pollingIntervalS, 7);
  assert.equal(config(['--polling-interval-in-s=8'], { env }).pollingIntervalS, 8);
  assert.equal(config([], { env }).updateBatchSize, 64);
  assert.equal(config([], { env }).statsigEndpoint.href, 'http://origin:1/x');
});

test('options stand before, between and after MODE and CACHE', () => {
  for (const args of [
    ['-m', '3', 'http', 'disabled'],
    ['http', '-m', '3', 'disabled'],
    ['http', 'disabled', '-m3'],
  ]) {
    const loaded = load(args);
    assert.equal(loaded.kind === 'loaded' && loaded.config.maximumConcurrentSdkKeys, 3);
  }
});

test('every option typed with a value arrives under its own name', () => {
  for (const [name, setting] of Object.entries(settings) as [keyof typeof settings, Setting][]) {
    const ofText = setting.kind === 'flag' ? 'false' : 'http://typed/';
    const value = setting.kind === 'integer' ? String(setting.max) : ofText;
    const typed = readCommandLine(
      [`--${setting.flag}`, ...(setting.kind === 'switch' ? [] : [value])],
      '1.2.3',
    );
    assert.equal(
      typed.kind === 'run' && typed.line.options.get(name),
      setting.kind === 'switch' ? true : value,
      name,
    );
  }
  assert.equal(config(['--no-proxy', 'localhost,.internal']).noProxy, 'localhost,.internal');
});

test('switches are on when typed, and by true or 1 in the environment', () => {
  assert.equal(config(['--debug-logging']).debugLogging, true);
  for (const [text, expected] of [
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
  ] as const) {
    assert.equal(config([], { env: { SFP_DEBUG_LOGGING: text } }).debugLogging, expected);
  }
});

test('the log level is info, unless another is set; --debug-logging means debug', () => {
  assert.equal(config([]).logLevel, 'info');
  assert.equal(config(['--log-level', 'warn']).logLevel, 'warn');
  assert.equal(config([], { env: { SFP_LOG_LEVEL: 'error' } }).logLevel, 'error');
  assert.equal(config(['--debug-logging', '--log-level', 'warn']).logLevel, 'debug');
  assert.deepEqual(faults(['http', 'disabled', '--log-level', 'loud']), [
    "--log-level: 'loud' must be one of debug, info, warn, error",
  ]);
});

test('the form of log lines is chosen by what they are written to, unless one is set', () => {
  assert.equal(config([]).logFormat, 'auto');
  assert.equal(config(['--log-format', 'pretty']).logFormat, 'pretty');
  assert.equal(config([], { env: { SFP_LOG_FORMAT: 'json' } }).logFormat, 'json');
  assert.equal(faults(['http', 'disabled', '--log-format', 'xml']).length, 1);
});

test('outbound proxies are known by their lower-case names too', () => {
  assert.equal(config([], { env: { https_proxy: 'http://proxy:1' } }).httpsProxy, 'http://proxy:1');
  const both = { https_proxy: 'http://lower:1', HTTPS_PROXY: 'http://upper:1' };
  assert.equal(config([], { env: both }).httpsProxy, 'http://upper:1');
});

test('an outbound proxy that is no URL is a fault, one with credentials is none', () => {
  for (const proxy of ['http://[', 'proxy:3128', 'socks5://proxy', 'http://', 'http://proxy:99999']) {
    assert.equal(faults(['http', 'disabled'], { env: { HTTPS_PROXY: proxy } }).length, 1, proxy);
  }
  for (const proxy of ['http://proxy:3128', 'https://user:p%40ss@proxy.internal:1/', 'http://[::1]:3128']) {
    assert.equal(config([], { env: { HTTPS_PROXY: proxy } }).httpsProxy, proxy);
  }
});

test('a public URL that SDKs could not reach is a fault', () => {
  const bad = [
    'edge.example',
    'ftp://edge',
    'https://',
    'https://edge:99999',
    'http://1.2.3.256',
    'https://[::1',
  ];
  for (const url of [...bad, 'https://edge?a=b', 'https://edge#a', 'https://me:pw@edge', 'https://a/"b']) {
    assert.equal(faults(['http', 'disabled', '--public-url', url]).length, 1, url);
  }
  for (const url of ['', 'http://proxy', 'https://edge.example:8443/statsig/', 'http://[::1]:8000']) {
    assert.equal(config(['--public-url', url]).publicUrl, url);
  }
});

test('every fault is told in one go, each with its source and its bounds', () => {
  const told = faults(['https', 'memory', 'extra', '-p', '0', '--http-port', '70000', '--nonsense=1', '-m'], {
    env: { SFP_UPDATE_BATCH_SIZE: 'many', STATSIG_ENDPOINT: 'ftp://x', SFP_DEBUG_LOGGING: 'maybe' },
  });
  for (const expected of [
    /^MODE 'https' is unknown: must be one of 'http', 'grpc', 'grpc-and-http'$/,
    /^CACHE 'memory' is unknown: must be one of 'disabled', 'redis', 'local'$/,
    /^unexpected argument 'extra': /,
    /^unknown option --nonsense/,
    /^--maximum-concurrent-sdk-keys: needs a value/,
    /^--polling-interval-in-s: '0' is out of bounds \(1 to 86400\)$/,
    /^--http-port: '70000' is out of bounds \(0 to 65535\)$/,
    /^SFP_UPDATE_BATCH_SIZE: 'many' must be an integer \(1 to \d+\)$/,
    /^STATSIG_ENDPOINT: 'ftp:\/\/x' must be a URL that begins with http:\/\/ or https:\/\//,
    /^SFP_DEBUG_LOGGING: 'maybe' must be true or false$/,
  ]) {
    assert.ok(
      told.some((fault) => expected.test(fault)),
      `${expected} in ${told.join('\n')}`,
    );
  }
  assert.equal(told.length, 10);
});

test('modes and caches are named where they are missing, refused where they are unknown', () => {
  assert.deepEqual(faults([]), [
    "MODE is required: one of 'http', 'grpc', 'grpc-and-http'",
    "CACHE is required: one of 'disabled', 'redis', 'local'",
  ]);
  assert.deepEqual(faults(['https', 'none']), [
    "MODE 'https' is unknown: must be one of 'http', 'grpc', 'grpc-and-http'",
    "CACHE 'none' is unknown: must be one of 'disabled', 'redis', 'local'",
  ]);
  for (const mode of ['http', 'grpc', 'grpc-and-http']) {
    const loaded = load([mode, 'disabled']);
    assert.equal(loaded.kind === 'loaded' && loaded.config.mode, mode);
  }
  for (const cache of ['disabled', 'redis', 'local']) {
    const loaded = load(['http', cache]);
    assert.equal(loaded.kind === 'loaded' && loaded.config.cache, cache);
  }
});

test('pinned keys come from the file and from the list, without comments and repetitions', () => {
  const loaded = config(['--sdk-keys-file', '/keys'], {
    env: { SFP_SDK_KEYS: 'secret-c, secret-a,' },
    files: { '/keys': '# ours\nsecret-a\r\n\n  secret-b # theirs\n' },
  });
  assert.deepEqual([...loaded.pinnedSdkKeys].sort(), ['secret-a', 'secret-b', 'secret-c']);
});

test('pinned keys may have names, in the file and in the list', () => {
  const loaded = config(['--sdk-keys-file', '/keys'], {
    env: { SFP_SDK_KEYS: 'search=secret-b,secret-c,checkout=secret-a' },
    files: { '/keys': 'checkout=secret-a # twice the same\n app.1 = secret-d\nsecret-b\n' },
  });
  assert.deepEqual([...loaded.pinnedSdkKeys].sort(), ['secret-a', 'secret-b', 'secret-c', 'secret-d']);
  assert.deepEqual(Object.fromEntries(loaded.sdkKeyNames), {
    'secret-a': 'checkout',
    'secret-b': 'search',
    'secret-d': 'app.1',
  });
});

test('a faulty name is told with its line, without the key and without what may be one', () => {
  const lines = [
    'fine=secret-a',
    'secret-hidden=fine',
    'two words=secret-b',
    '=secret-c',
    'fine=secret-d',
    'other=secret-a',
    'name=',
    'name=a=b',
  ];
  const told = faults(['http', 'disabled', '--sdk-keys-file', '/keys'], {
    files: { '/keys': lines.join('\n') },
  });
  const at = (line: number): string => `--sdk-keys-file (SFP_SDK_KEYS_FILE): line ${line} of /keys`;
  const rule = 'names must be 1 to 64 characters of A-Z a-z 0-9 - _ . and not begin like a key';
  const keyRule = 'SDK keys must be 1 to 256 characters of A-Z a-z 0-9 - _ . ~';
  assert.deepEqual(told, [
    `${at(2)} has no valid name before its =: ${rule}`,
    `${at(3)} has no valid name before its =: ${rule}`,
    `${at(4)} has no valid name before its =: ${rule}`,
    `${at(5)} has the name of another key: each key needs a name of its own`,
    `${at(6)} gives a key a second name: each key has one`,
    `${at(7)} is not a valid SDK key: ${keyRule}`,
    `${at(8)} is not a valid SDK key: ${keyRule}`,
  ]);
});

test('a fault in pinned keys names the line and never the key', () => {
  const told = faults(
    ['http', 'disabled', '--sdk-keys-file', '/keys', '--sdk-keys', 'secret-ok,secret-not ok', '-m', '1'],
    {
      files: { '/keys': 'secret-fine\nsecret-höchst-geheim\n' },
    },
  );
  assert.equal(told.length, 3);
  assert.match(told[0] ?? '', /^--sdk-keys \(SFP_SDK_KEYS\): key 2 /);
  assert.match(told[1] ?? '', /^--sdk-keys-file \(SFP_SDK_KEYS_FILE\): line 2 of \/keys /);
  assert.match(told[2] ?? '', /^2 SDK keys are pinned, more than --maximum-concurrent-sdk-keys \(1\)/);
  assert.ok(!/geheim|not ok/.test(told.join()));
});

test('files that cannot be read, or hold no certificate, are faults', () => {
  const args = ['http', 'disabled', '--sdk-keys-file', '/none', '--origin-ca-file', '/none'];
  assert.deepEqual(faults(args), [
    '--sdk-keys-file (SFP_SDK_KEYS_FILE): /none does not exist (ENOENT)',
    '--origin-ca-file (SFP_ORIGIN_CA_FILE): /none does not exist (ENOENT)',
  ]);
  const broken = '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n';
  const files = { '/ca': 'no certificate', '/broken': broken, '/good': CERTIFICATE };
  assert.match(
    faults(['http', 'disabled', '--origin-ca-file', '/broken'], { files })[0] ?? '',
    /contains no readable certificate/,
  );
  assert.match(
    faults(['http', 'disabled', '--origin-ca-file', '/ca'], { files })[0] ?? '',
    /contains no readable certificate/,
  );
  assert.equal(config(['--origin-ca-file', '/good'], { files }).originCaPem, CERTIFICATE);
});

test('an argument that is a key is masked in the fault it causes', () => {
  const told = faults([
    'http',
    'disabled',
    'secret-abcdefghijklmnop',
    '--sdk-key=secret-abcdefghijklmnop',
  ]).join('\n');
  assert.ok(!told.includes('abcdefghijklmnop'));
  assert.match(told, /secret-abcd\*\*\*/);
});

test('an origin with credentials, a query or a fragment is refused', () => {
  for (const endpoint of ['http://user:pw@host', 'http://host/?a=1', 'http://host/#a']) {
    const told = faults(['http', 'disabled', '--statsig-endpoint', endpoint]);
    assert.equal(told.length, 1);
    assert.ok(!told.join().includes('pw@'));
  }
});

test('an origin may be named with the path that SDKs ask for, which is left off', () => {
  for (const [given, expected] of [
    ['https://edge.example/v1', 'https://edge.example/'],
    ['https://edge.example/v1/', 'https://edge.example/'],
    ['https://edge.example/v2/download_config_specs/', 'https://edge.example/'],
    ['https://edge.example/statsig/v1', 'https://edge.example/statsig'],
    ['https://edge.example/statsig/', 'https://edge.example/statsig/'],
    ['https://edge.example/v1/mirror', 'https://edge.example/v1/mirror'],
    ['https://edge.example/v10', 'https://edge.example/v10'],
  ] as const) {
    assert.equal(config(['--statsig-endpoint', given]).statsigEndpoint.href, expected, given);
  }
  const env = {
    LOG_EVENT_STATSIG_ENDPOINT: 'https://events.example/v1/log_event',
    ID_LISTS_STATSIG_ENDPOINT: 'https://lists.example/v1/get_id_lists',
  };
  const { logEventStatsigEndpoint, idListsStatsigEndpoint } = config([], { env });
  assert.equal(logEventStatsigEndpoint.href, 'https://events.example/');
  assert.equal(idListsStatsigEndpoint.href, 'https://lists.example/');
});

test('the origin of specs is that of ID lists too, unless these have one of their own', () => {
  const origin = 'https://edge.example/statsig';
  const hrefOf = (args: readonly string[], env: Record<string, string> = {}): string =>
    config(args, { env }).idListsStatsigEndpoint.href;
  assert.equal(hrefOf(['--statsig-endpoint', origin]), origin);
  assert.equal(hrefOf([], { STATSIG_ENDPOINT: origin }), origin);
  assert.equal(
    hrefOf(['--statsig-endpoint', origin], { ID_LISTS_STATSIG_ENDPOINT: 'https://lists.example' }),
    'https://lists.example/',
  );
  assert.equal(hrefOf([]), 'https://statsigapi.net/');
});

test('a folder that cannot be used is told with the other faults, and is none without them', () => {
  const told = faults(['http', 'local', '--data-dir', '/a-file', '-p', '0']);
  assert.deepEqual(told, [
    "--polling-interval-in-s: '0' is out of bounds (1 to 86400)",
    '--data-dir (SFP_DATA_DIR): /a-file is not a directory: name one, or a place where one can be made',
  ]);
  assert.equal(
    config(['--data-dir', '/a-file']).dataDir,
    '/a-file',
    'the daemon starts, and says what is off',
  );
});

test('every fault says where the value came from, what it was, and what to do', () => {
  const given = {
    env: {
      SFP_UPDATE_BATCH_SIZE: 'many',
      REDIS_URL: 'redis://',
      HTTPS_PROXY: 'proxy:3128',
      SFP_SDK_KEYS: 'a b',
    },
    files: { '/keys': 'not a key', '/ca': 'no certificate' },
  };
  const args = [
    'htp',
    'redis',
    'surplus',
    '--http-port',
    '--sdk-keys-file',
    '/keys',
    '--origin-ca-file',
    '/ca',
  ];
  assert.deepEqual(
    faults([...args, '--redis-ca-file', '/none', '--redis-cluster', '--redis-database', '3'], given),
    [
      "MODE 'htp' is unknown: must be one of 'http', 'grpc', 'grpc-and-http'",
      "unexpected argument 'surplus': only options may follow MODE and CACHE",
      "SFP_UPDATE_BATCH_SIZE: 'many' must be an integer (1 to 10000)",
      'HTTPS_PROXY: its value, which is not shown, must be http:// or https:// with a host and an optional port',
      '--http-port: needs a value (0 to 65535)',
      '--sdk-keys (SFP_SDK_KEYS): key 1 is not a valid SDK key: SDK keys must be 1 to 256 characters of A-Z a-z 0-9 - _ . ~',
      '--sdk-keys-file (SFP_SDK_KEYS_FILE): line 1 of /keys is not a valid SDK key: SDK keys must be 1 to 256 characters of A-Z a-z 0-9 - _ . ~',
      '--origin-ca-file (SFP_ORIGIN_CA_FILE): /ca contains no readable certificate: name a PEM file',
      '--redis-url (REDIS_URL): its value, which is not shown, must be a redis:// or rediss:// URL with a host; write @ : / ? # % in names as %40 and so on',
      '--redis-ca-file (REDIS_CA_FILE): /none does not exist (ENOENT)',
    ],
  );
});

test('each row of the table takes its own default, and says its bounds', () => {
  for (const setting of Object.values(settings) as Setting[]) {
    if (setting.kind !== 'switch' && setting.kind !== 'flag')
      assert.doesNotThrow(() => parseSetting(setting, String(setting.default)), setting.flag);
    assert.ok(boundsText(setting).length > 0);
    assert.ok(setting.help.length > 10);
  }
});

test('no two rows share a flag, a letter or a variable', () => {
  const rows = Object.values(settings) as Setting[];
  for (const names of [
    rows.map((row) => row.flag),
    rows.map((row) => row.env),
    rows.flatMap((row) => row.short ?? []),
  ]) {
    assert.equal(new Set(names).size, names.length);
  }
});

test('values are taken as a person means them, with the space that files and templates leave behind', () => {
  for (const text of ['true', 'TRUE', 'Yes', 'on', '1', ' true\n']) {
    assert.equal(config([], { env: { SFP_DEBUG_LOGGING: text } }).debugLogging, true, text);
  }
  for (const text of ['false', 'False', 'NO', 'off', '0', '0\r\n']) {
    assert.equal(config([], { env: { SFP_DEBUG_LOGGING: text } }).debugLogging, false, text);
  }
  const env = {
    SFP_POLLING_INTERVAL_IN_S: '5\n',
    STATSIG_ENDPOINT: ' https://edge.example \n',
    REDIS_ENTERPRISE_PASSWORD: ' pass word \n',
  };
  const { pollingIntervalS, statsigEndpoint, redisPassword } = config([], { env });
  assert.deepEqual([pollingIntervalS, statsigEndpoint.href], [5, 'https://edge.example/']);
  assert.equal(redisPassword, ' pass word ', 'spaces may belong to a password, the end of its file does not');
});

test('what Kubernetes makes of a Service called like a setting is ignored, with a notice', () => {
  const env = { REDIS_ENTERPRISE_PORT: 'tcp://10.0.0.1:6379', SFP_HTTP_PORT: 'tcp://10.0.0.2:80' };
  const loaded = load(['http', 'disabled'], { env });
  if (loaded.kind !== 'loaded') assert.fail(loaded.faults.join());
  assert.equal(loaded.config.redisPort, 6379);
  assert.equal(loaded.config.httpPort, 8000);
  assert.deepEqual([...loaded.notices].sort(), [
    'REDIS_ENTERPRISE_PORT is ignored: Kubernetes sets it to the address of a Service',
    'SFP_HTTP_PORT is ignored: Kubernetes sets it to the address of a Service',
  ]);
  assert.equal(
    faults(['http', 'disabled', '--redis-port', 'tcp://10.0.0.1:6379']).length,
    1,
    'nobody types that',
  );
});

test('a variable of ours that no setting has is told, with the name that was probably meant', () => {
  const env = {
    SFP_POLING_INTERVAL_IN_S: '5',
    SFP_SOMETHING_ELSE_ENTIRELY: '1',
    SFP_SERVICE_HOST: '10.0.0.1',
    SFP_SERVICE_PORT_HTTP: '8000',
    SFP_PORT: 'tcp://10.0.0.1:8000',
    SFP_PORT_8000_TCP_ADDR: '10.0.0.1',
    SFP_CANARY_SERVICE_PORT: '8000',
  };
  const loaded = load(['http', 'disabled'], { env });
  assert.deepEqual(loaded.kind === 'loaded' && loaded.notices, [
    'variable SFP_POLING_INTERVAL_IN_S is ignored: did you mean SFP_POLLING_INTERVAL_IN_S?',
    'variable SFP_SOMETHING_ELSE_ENTIRELY is ignored: this version does not have it, see --help-all',
  ]);
});

test('a mistyped option is refused with the one that was probably meant', () => {
  assert.deepEqual(faults(['http', 'disabled', '--polling-interval-in-ms']), [
    'unknown option --polling-interval-in-ms: did you mean --polling-interval-in-s?',
  ]);
  assert.deepEqual(faults(['http', 'disabled', '--xyz']), [
    'unknown option --xyz: this version does not have it, see --help-all',
  ]);
});

test('a short option takes its value behind an equals sign too', () => {
  assert.equal(config(['-p=5']).pollingIntervalS, 5);
  assert.deepEqual(faults(['http', 'disabled', '-p=']).length, 1);
});

test('no fault shows what may be a secret', () => {
  const given = {
    env: {
      HTTPS_PROXY: 'socks5://me:hunter2@proxy',
      REDIS_URL: 'nonsense://me:hunter2@redis',
      STATSIG_ENDPOINT: 'https://me:hunter2@edge.example',
      SFP_SDK_KEYS: 'hunter2!',
    },
  };
  const told = faults(['http', 'redis', '--http-port', 'secret-hunter2hunter2hunter2'], given);
  assert.equal(told.length, 5);
  assert.doesNotMatch(told.join('\n'), /hunter2(?!\*)/);
});

test('a policy for pinned keys needs a pinned key, wherever it comes from', () => {
  const pinned = ['--sdk-keys-policy', 'pinned'];
  assert.match(faults(['http', 'disabled', ...pinned]).join(), /--sdk-keys-policy .* would refuse everybody/);
  const files = { '/keys': '# none yet\n' };
  assert.equal(faults(['http', 'disabled', ...pinned, '--sdk-keys-file', '/keys'], { files }).length, 1);
  assert.equal(config(pinned, { env: { SFP_SDK_KEYS: 'secret-a' } }).sdkKeysPolicy, 'pinned');
  assert.match(
    faults(['http', 'disabled', '--sdk-keys-policy', 'some']).join(),
    /must be one of any, pinned/,
  );
});
