// Where Redis is: the same said in several ways, credentials with any character, and contradictions told as such.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readCommandLine } from '../../src/cli/read-command-line.js';
import { loadConfig, type Config } from '../../src/config/load-config.js';
import type { Loaded } from '../../src/config/load-settings.js';
import type { RedisConfig } from '../../src/config/redis-config.js';
import { makeCertificate } from '../fakes/certificate.js';

const PEM = makeCertificate().certificatePem;

function load(args: readonly string[], env: Record<string, string> = {}): Loaded<Config> {
  const typed = readCommandLine(args, '1.2.3');
  if (typed.kind !== 'run') throw new Error('not a daemon');
  const readFile = (path: string): string => {
    if (path === '/ca.pem') return PEM;
    if (path === '/password') return 'from a file';
    throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  };
  const folderFault = (): undefined => undefined;
  const around = { env, hostName: 'h', nowMs: 0, fallbackDataDir: '/temp/ours', readFile, folderFault };
  return loadConfig(typed.line, around);
}

function config(args: readonly string[], env?: Record<string, string>): Config {
  const loaded = load(args, env);
  return loaded.kind === 'faults' ? assert.fail(loaded.faults.join('; ')) : loaded.config;
}

function redis(env: Record<string, string>, args: readonly string[] = []): RedisConfig {
  return config(['http', 'redis', ...args], env).redis ?? assert.fail('no Redis');
}

function faults(env: Record<string, string>, args: readonly string[] = []): readonly string[] {
  const loaded = load(['http', 'redis', ...args], env);
  return loaded.kind === 'faults' ? loaded.faults : assert.fail('expected faults');
}

test('nothing said: a Redis of this host, without credentials and TLS', () => {
  assert.deepEqual(redis({}), {
    address: { kind: 'standalone', host: 'localhost', port: 6379 },
    user: '',
    password: '',
    passwordFile: '',
    database: 0,
    hasTls: false,
  });
});

test('the variables that SFP has', () => {
  const env = {
    REDIS_ENTERPRISE_HOST: 'redis.example',
    REDIS_ENTERPRISE_PORT: '6380',
    REDIS_ENTERPRISE_USER: 'a user',
    REDIS_ENTERPRISE_PASSWORD: 'p@ss:w/rd?#%é"',
    REDIS_TLS: 'true',
    REDIS_DATABASE: '3',
  };
  assert.deepEqual(redis(env), {
    address: { kind: 'standalone', host: 'redis.example', port: 6380 },
    user: 'a user',
    password: 'p@ss:w/rd?#%é"',
    passwordFile: '',
    database: 3,
    hasTls: true,
  });
});

test('a URL takes the place of all of them, and keeps any credentials', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.boolean(),
      fc.nat(9),
      (user, password, hasTls, database) => {
        const credentials = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
        const url = `redis${hasTls ? 's' : ''}://${credentials}@r.example:7000/${database}`;
        assert.deepEqual(
          redis({ REDIS_URL: url, REDIS_ENTERPRISE_HOST: 'other', REDIS_ENTERPRISE_PASSWORD: 'x' }),
          {
            address: { kind: 'standalone', host: 'r.example', port: 7000 },
            user,
            password,
            passwordFile: '',
            database,
            hasTls,
          },
        );
      },
    ),
  );
});

test('what may be left out of a URL', () => {
  assert.deepEqual(redis({ REDIS_URL: 'redis://r' }).address, { kind: 'standalone', host: 'r', port: 6379 });
  assert.deepEqual(redis({ REDIS_URL: 'redis://[::1]:7/' }).address, {
    kind: 'standalone',
    host: '::1',
    port: 7,
  });
  assert.equal(redis({ REDIS_URL: 'redis://:secret@r' }).password, 'secret');
});

test('a URL that is none is told without a piece of it', () => {
  const wrong = [
    'nonsense',
    'http://r',
    'redis://',
    'redis://u:hunter2@r/x',
    'redis://u:hunter2@r/1?a=b',
    'redis://u:%zz@r',
  ];
  for (const url of wrong) {
    const [fault = ''] = faults({ REDIS_URL: url });
    assert.match(fault, /^--redis-url \(REDIS_URL\): /, url);
    assert.doesNotMatch(fault, /hunter2|zz/);
  }
});

test('a cluster, by one node or by several', () => {
  assert.deepEqual(redis({ REDIS_ENTERPRISE_HOST: 'a' }, ['--redis-cluster']).address, {
    kind: 'cluster',
    nodes: [{ host: 'a', port: 6379 }],
  });
  assert.deepEqual(redis({ REDIS_CLUSTER: '1', REDIS_NODES: 'a:1,[::1]:2' }).address, {
    kind: 'cluster',
    nodes: [
      { host: 'a', port: 1 },
      { host: '::1', port: 2 },
    ],
  });
});

test('sentinels, with credentials of their own', () => {
  const env = {
    REDIS_SENTINEL_NAME: 'main',
    REDIS_NODES: 's1:26379,s2:26379',
    REDIS_SENTINEL_USER: 'watcher',
    REDIS_SENTINEL_PASSWORD: 'p',
    REDIS_ENTERPRISE_PASSWORD: 'of the server',
  };
  const found = redis(env);
  assert.equal(found.password, 'of the server');
  assert.deepEqual(found.address, {
    kind: 'sentinel',
    masterName: 'main',
    sentinels: [
      { host: 's1', port: 26379 },
      { host: 's2', port: 26379 },
    ],
    sentinelUser: 'watcher',
    sentinelPassword: 'p',
  });
});

test('contradictions are faults', () => {
  const both = faults({ REDIS_CLUSTER: 'true', REDIS_SENTINEL_NAME: 'x' });
  assert.match(both.join(), /either a cluster or found by sentinels/);
  assert.match(faults({ REDIS_NODES: 'a:1' }).join(), /needs --redis-cluster or --redis-sentinel-name/);
  assert.match(
    faults({ REDIS_CLUSTER: '1', REDIS_DATABASE: '2' }).join(),
    /--redis-cluster \(REDIS_CLUSTER\): a cluster has no database 2, only 0/,
  );
  assert.match(
    faults({ REDIS_CLUSTER: '1', REDIS_NODES: 'a:99999' }).join(),
    /--redis-nodes \(REDIS_NODES\): the port of 'a:99999' is out of bounds \(1 to 65535\)/,
  );
  assert.match(faults({ REDIS_NODES: 'nonsense' }).join(), /REDIS_NODES: .nonsense. must be host:port/);
  assert.match(faults({ REDIS_CA_FILE: '/none.pem' }).join(), /REDIS_CA_FILE.*ENOENT/);
  assert.match(faults({ SFP_REDIS_KEY_SCHEMA: 'md5' }).join(), /one of sha256, prefix/);
});

test('a CA file is read; what is said of Redis is not judged where nobody asked for Redis', () => {
  assert.equal(config(['http', 'redis', '--redis-ca-file', '/ca.pem']).redisCaPem, PEM);
  const idle = config(['http', 'disabled'], { REDIS_URL: 'nonsense', REDIS_CA_FILE: '/none.pem' });
  assert.deepEqual([idle.redis, idle.redisCaPem, idle.specDir], [undefined, undefined, undefined]);
});

test('where specs are kept on disk', () => {
  assert.equal(config(['http', 'local']).specDir, '/temp/ours');
  assert.equal(config(['http', 'local', '--data-dir', '/data']).specDir, '/data');
  assert.equal(config(['http', 'redis']).specDir, undefined);
  assert.equal(config(['http', 'redis'], { SFP_DATA_DIR: '/data' }).specDir, '/data');
  assert.equal(config(['http', 'disabled'], { SFP_DATA_DIR: '/data' }).specDir, undefined);
});

test('a password that stands in a file is left there, and read by those who connect', () => {
  const env = { SFP_REDIS_PASSWORD_FILE: '/password' };
  assert.equal(redis(env).passwordFile, '/password');
  assert.equal(redis(env).password, '');
  assert.equal(redis({ ...env, REDIS_URL: 'redis://user@host' }).passwordFile, '/password');
  assert.match(
    faults({ SFP_REDIS_PASSWORD_FILE: '/none' }).join(),
    /SFP_REDIS_PASSWORD_FILE.*\/none.*ENOENT/,
  );
  for (const twice of [{ REDIS_ENTERPRISE_PASSWORD: 'x' }, { REDIS_URL: 'redis://:x@host' }]) {
    assert.match(faults({ ...env, ...twice }).join(), /SFP_REDIS_PASSWORD_FILE.*a password is set as well/);
  }
  assert.equal(config(['http', 'disabled'], { SFP_REDIS_PASSWORD_FILE: '/none' }).redis, undefined);
});
