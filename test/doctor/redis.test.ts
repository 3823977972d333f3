// The doctor's check of Redis, against real servers: way in, kind, rights, memory policy, version and clock; and that it leaves nothing behind.
import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { neededByQueue, neededCommands } from '../../src/storage/redis/redis-permissions.js';
import { SCRIPTS } from '../../src/storage/redis/redis-scripts.js';
import { freePort } from '../fakes/free-port.js';
import { startRedisCluster } from '../fakes/redis-cluster.js';
import { MASTER_NAME, startSentinel } from '../fakes/redis-sentinel.js';
import { startRedisServer } from '../fakes/redis-server.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { NAMES, QUEUE_RIGHTS, redisOptions, RIGHTS } from '../storage/redis/redis-scene.js';
import { findingsOf, patientOf, type PatientOptions } from './patient.js';

const REDIS = ['http', 'redis'];

function find(
  port: number,
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
  options: PatientOptions = {},
): Promise<string[]> {
  const all = { REDIS_ENTERPRISE_HOST: '127.0.0.1', REDIS_ENTERPRISE_PORT: String(port), ...env };
  return findingsOf('redis', patientOf([...REDIS, ...args], { env: all, ...options }));
}

/** Answers commands as it is told, and others with OK. `sent`: the names of those that came. */
async function startScriptedRedis(
  t: TestContext,
  answers: Readonly<Record<string, string>>,
): Promise<{ readonly port: number; readonly sent: readonly string[] }> {
  const sent: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (piece) => {
      for (const command of piece.toString().split(/(?=\*\d+\r\n)/)) {
        const name = command.split('\r\n')[2]?.toUpperCase() ?? '';
        sent.push(name);
        socket.write(answers[name] ?? '+OK\r\n');
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, sent };
}

test('a Redis that does is said to do, and nothing in it changes', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  await client.set('statsig_forward_proxy::leader', 'somebody');
  const listener = server.client();
  const heard: unknown[] = [];
  listener.on('pmessage', (...message) => heard.push(message));
  await listener.psubscribe('*');
  const version = /redis_version:(\S+)/.exec(await client.info('server'))?.[1];
  assert.deepEqual(await find(server.port, {}, ['--double-write-cache-for-legacy-key']), [
    'pass: Redis answers: standalone, master',
    `pass: Redis ${String(version)}`,
    'pass: the default user may send every command that is needed',
    'pass: no memory limit (noeviction)',
    "pass: this machine's clock agrees with that of Redis",
    'pass: log events wait in memory, and not in Redis: it writes no append-only file',
  ]);
  assert.deepEqual(await client.keys('*'), ['statsig_forward_proxy::leader']);
  assert.equal(await client.get('statsig_forward_proxy::leader'), 'somebody');
  assert.equal(await client.pttl('statsig_forward_proxy::leader'), -1);
  await listener.ping();
  assert.deepEqual(heard, []);
  assert.deepEqual(await findingsOf('redis', patientOf([])), ['pass: CACHE disabled: Redis is not used']);
});

test('encrypted backups are said to be read by no data adapter', async (t) => {
  const server = await startRedisServer(t);
  const keyFile = join(makeTemporaryFolder('keys'), 'keys');
  writeFileSync(keyFile, Buffer.alloc(32, 1).toString('hex'), { mode: 0o600 });
  const findings = await find(server.port, {}, ['--data-key-file', keyFile, '--encrypt-backups']);
  assert.equal(
    findings.at(-1),
    'warn: backups of specs are encrypted: SDK data adapters, and SFP, cannot read them',
  );
});

test('as the place of log events Redis is looked at for what may lose them, or keep them out', async (t) => {
  const server = await startRedisServer(t, ['--appendonly', 'yes', '--appendfsync', 'always']);
  const client = server.client();
  const ofStore = async (
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<readonly string[]> => {
    const findings = await find(server.port, env, args);
    return findings.slice(findings.findIndex((line) => line.includes('clock')) + 1);
  };
  const kept = 'pass: log events wait in Redis: append-only file, appendfsync always';
  const plain = 'warn: log events and their SDK keys are in Redis as plain text';
  assert.deepEqual(await ofStore(), [kept, plain]);
  const keyFile = join(makeTemporaryFolder('keys'), 'keys');
  writeFileSync(keyFile, Buffer.alloc(32, 1).toString('hex'), { mode: 0o600 });
  const sealed = ['--data-key-file', keyFile];
  assert.deepEqual(await ofStore(sealed), [kept]);
  assert.deepEqual(await ofStore([...sealed, '--log-event-store', 'memory']), []);
  assert.deepEqual(await ofStore([...sealed, '--log-event-min-replicas', '1']), [
    kept,
    'fail: Redis has 0 replicas, and --log-event-min-replicas asks for 1: log events get 503',
  ]);

  await client.config('SET', 'maxmemory', '100mb', 'maxmemory-policy', 'allkeys-lru', 'appendfsync', 'no');
  const memory = 'pass: log events wait in memory, and not in Redis: it may evict them';
  assert.deepEqual(await ofStore(sealed), [memory]);
  assert.deepEqual(await ofStore([...sealed, '--log-event-store', 'redis']), [
    'pass: log events wait in Redis: append-only file, appendfsync no',
    'warn: Redis leaves it to the system when its append-only file is on the disk: a power cut may lose half a minute',
    'fail: a full Redis may evict log events that were accepted (maxmemory-policy allkeys-lru)',
  ]);
  await client.config('SET', 'maxmemory-policy', 'volatile-lru', 'appendfsync', 'everysec');
  assert.deepEqual(await ofStore(sealed), [
    'pass: log events wait in Redis: append-only file, appendfsync everysec',
  ]);

  const login = { REDIS_ENTERPRISE_USER: 'proxy', REDIS_ENTERPRISE_PASSWORD: 'pass' };
  const grant = (...rights: readonly string[]): Promise<unknown> =>
    client.acl('SETUSER', 'proxy', 'reset', 'on', '>pass', ...NAMES, ...RIGHTS, '+info', ...rights);
  await grant();
  const dataDir = ['--data-dir', makeTemporaryFolder('data')];
  const [refused = ''] = await ofStore([...sealed, ...dataDir], login);
  assert.match(
    refused,
    /^pass: log events wait in the data directory, and not in Redis: its user may not: HINCRBY, XADD,/,
  );
  const [grave = ''] = (await ofStore([...sealed, '--log-event-store', 'redis'], login)).slice(1);
  assert.match(grave, /^fail: the user of Redis may not: HINCRBY, XADD, .*, so that it takes no log events$/);
  await grant(...QUEUE_RIGHTS);
  assert.deepEqual(await ofStore(sealed, login), [
    'pass: log events wait in Redis: append-only file, appendfsync not told',
  ]);
  for (const right of QUEUE_RIGHTS) {
    await grant(...QUEUE_RIGHTS.filter((each) => each !== right));
    const [line = ''] = await ofStore(sealed, login);
    assert.ok(line.endsWith(`its user may not: ${right.slice(1).toUpperCase()}`), right);
  }
  await client.config('SET', 'appendonly', 'no');
  assert.deepEqual(await ofStore([...sealed, '--log-event-store', 'redis']), [
    'fail: Redis writes no append-only file: log events that were accepted are lost when it restarts',
  ]);
});

test('every command that scripts send is among those that are looked for', () => {
  const sent = Object.values(SCRIPTS).flatMap(({ lua }) =>
    [...lua.matchAll(/redis\.p?call\('(\w+)'/g)].map((match) => match[1]),
  );
  const needed = [...neededCommands(redisOptions(0), 'marker'), ...neededByQueue('', 'marker')];
  const looked = needed.map(({ words }) => words[0]);
  assert.ok(sent.length > 20);
  assert.deepEqual(
    sent.filter((command) => !looked.includes(command)),
    [],
  );
});

test('a right that is missing is named, whichever it is; a script tells, or harmless commands where none may run', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const login = { REDIS_ENTERPRISE_USER: 'proxy', REDIS_ENTERPRISE_PASSWORD: 'pass' };
  const grant = (rights: readonly string[]): Promise<unknown> =>
    client.acl('SETUSER', 'proxy', 'reset', 'on', '>pass', ...NAMES, ...rights);
  await grant(RIGHTS);
  const ofAll = await find(server.port, login);
  assert.deepEqual(ofAll, [
    'pass: Redis answers; it does not say what kind it is (INFO is not allowed)',
    'pass: the user of the settings may send every command that is needed',
    "pass: this machine's clock agrees with that of Redis",
    'pass: log events wait in memory, and not in Redis: it does not say whether it writes an append-only file',
  ]);
  // No script of ours needs it.
  for (const right of RIGHTS.filter((each) => each !== '+hget')) {
    await grant(RIGHTS.filter((each) => each !== right));
    const denied = `fail: the user of the settings may not: ${right.slice(1).toUpperCase()}`;
    assert.ok((await find(server.port, login)).includes(denied), right);
  }
  await grant(RIGHTS.filter((right) => !['+eval', '+hmget', '+set'].includes(right)));
  assert.ok((await find(server.port, login)).includes('fail: the user of the settings may not: EVAL, HMGET'));
  await client.acl('SETUSER', 'proxy', 'reset', 'on', '>pass', '~somewhere:*', '&*', ...RIGHTS);
  const [elsewhere = ''] = (await find(server.port, login)).filter((line) => line.startsWith('fail'));
  assert.match(elsewhere, /may not: GET, PTTL, SET, PEXPIRE, DEL, EVAL, /);
  const prefixed = await find(server.port, { ...login, REDIS_KEY_PREFIX: 'somewhere' });
  assert.ok(prefixed.includes('pass: the user of the settings may send every command that is needed'));
});

test('a Redis that cannot be entered fails with the reason', async (t) => {
  assert.deepEqual(await find(await freePort()), [
    'fail: Redis cannot be used: connection_refused (ECONNREFUSED)',
  ]);
  const server = await startRedisServer(t, ['--requirepass', 'pass']);
  assert.deepEqual(await find(server.port), ['fail: Redis cannot be used: auth_failed (NOAUTH)']);
  const wrong = await find(server.port, { REDIS_ENTERPRISE_PASSWORD: 'hunter-two' });
  assert.deepEqual(wrong, ['fail: Redis cannot be used: auth_failed (WRONGPASS)']);
  const passwordFile = join(makeTemporaryFolder('doctor'), 'password');
  writeFileSync(passwordFile, 'pass\n');
  const good = await find(server.port, { SFP_REDIS_PASSWORD_FILE: passwordFile });
  assert.equal(good[0], 'pass: Redis answers: standalone, master');
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  assert.deepEqual(await find(port, {}, ['--redis-connection-timeout-in-s', '1']), [
    'fail: Redis cannot be used: connect_timeout',
  ]);
});

test('a Redis of another kind than settings say fails', async (t) => {
  const master = await startRedisServer(t);
  const replica = await startRedisServer(t, ['--replicaof', `127.0.0.1 ${master.port}`]);
  const sentinel = await startSentinel(t, master.port);
  const cluster = await startRedisCluster(t);
  const node = cluster[0]?.port ?? 0;
  const first = async (...args: Parameters<typeof find>): Promise<string> => (await find(...args))[0] ?? '';
  assert.equal(await first(replica.port), 'fail: this is a replica, which takes no writes');
  assert.equal(await first(sentinel), 'fail: this is a sentinel, not Redis');
  assert.equal(await first(node), 'fail: this is a node of a cluster');
  const bySentinel = { REDIS_SENTINEL_NAME: MASTER_NAME, REDIS_NODES: `127.0.0.1:${sentinel}` };
  assert.equal(await first(sentinel, bySentinel), 'pass: Redis answers: sentinel, master');
  const asCluster = { REDIS_CLUSTER: 'true', REDIS_NODES: `127.0.0.1:${node}` };
  const ofCluster = await find(node, asCluster);
  assert.equal(ofCluster[0], 'pass: Redis answers: cluster, master');
  assert.ok(ofCluster.includes('pass: the default user may send every command that is needed'));
});

test('a Redis that drops what it holds is a warning, and so is a clock that differs', async (t) => {
  const server = await startRedisServer(t, ['--maxmemory', '64mb', '--maxmemory-policy', 'allkeys-lru']);
  const lines = await find(server.port);
  assert.match(lines.join('\n'), /warn: \d of 64 MiB used, allkeys-lru: a full Redis drops specs/);
  await server.client().config('SET', 'maxmemory-policy', 'noeviction');
  const { clock } = patientOf([]);
  const ahead = { ...clock, nowMs: () => clock.nowMs() + 60_000 };
  const later = await find(server.port, {}, [], { clock: ahead });
  assert.match(later.join('\n'), /pass: \d of 64 MiB used, noeviction/);
  assert.match(later.join('\n'), /warn: this machine's clock is (?:5|6)\d s ahead of that of Redis/);
});

test('a Redis that is too old fails, and without scripts that tell rights, harmless commands try them', async (t) => {
  // As Redis 4 answers: it knows no access control, and its scripts cannot tell it.
  const info = 'redis_version:4.0.14\r\nredis_mode:standalone\r\nrole:master\r\n';
  const { port, sent } = await startScriptedRedis(t, {
    INFO: `$${info.length}\r\n${info}\r\n`,
    EVAL: '*0\r\n',
    UNLINK: "-ERR unknown command 'UNLINK'\r\n",
  });
  const lines = await find(port);
  assert.deepEqual(lines.slice(0, 3), [
    'pass: Redis answers: standalone, master',
    'fail: Redis 4.0.14 is too old: scripts that write fail',
    'fail: the default user may not: UNLINK',
  ]);
  const harmful = neededCommands(redisOptions(0), '').filter(({ isHarmless }) => !isHarmless);
  for (const { words } of harmful) assert.ok(!sent.includes(words[0] ?? ''), words[0]);
});

test('a Redis that stops answering is given up', async (t) => {
  const { port } = await startScriptedRedis(t, { INFO: '' });
  const { clock } = patientOf([]);
  const impatient: typeof clock = {
    ...clock,
    schedule: (delayMs, task) => clock.schedule(delayMs === 5_000 ? 50 : delayMs, task),
  };
  const args = ['--redis-connection-timeout-in-s', '30'];
  assert.deepEqual(await find(port, {}, args, { clock: impatient }), [
    'fail: Redis cannot be used: command_timeout',
  ]);
});
