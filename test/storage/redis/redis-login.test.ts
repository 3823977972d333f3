// Logging in to Redis: users and passwords of any characters, rights that are missing, databases, TLS.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RedisOptions } from '../../../src/storage/redis/redis-options.js';
import { TIME } from '../../contracts/snapshots-place.js';
import { eventually, within } from '../../e2e/deadline.js';
import { makeCertificate } from '../../fakes/certificate.js';
import { ManualClock, settle } from '../../fakes/manual-clock.js';
import { onFreePort } from '../../fakes/free-port.js';
import { startRedisServer } from '../../fakes/redis-server.js';
import { DEMO, NAMES, openReplica, pass, redisOptions, RIGHTS, type Replica } from './redis-scene.js';

const KEY = DEMO.keyOf('secret-login0123456789');
const PAYLOAD = DEMO.payloadOf(TIME);
const ODD = ':@/%#é "\'\\%40?&=+~`$(x)';
const NOBODY = { stored: () => undefined, lead: () => undefined, reachable: () => undefined };

/** Everything that is done with Redis, once. */
async function assertAllWorks(replica: Replica): Promise<void> {
  const { snapshots, fleet, log } = replica;
  assert.deepEqual(await snapshots.save(KEY, PAYLOAD, 0), { kind: 'stored' }, log.text);
  assert.equal((await snapshots.load(KEY)).kind, 'found');
  assert.deepEqual(await snapshots.confirm(KEY, TIME), { kind: 'stored' });
  assert.equal((await fleet.states([KEY]))?.length, 1);
  assert.deepEqual(await snapshots.remove(KEY), { kind: 'removed' });
  fleet.join(NOBODY);
  await eventually('a leader', () => fleet.isLeader);
  const { uses } = replica.describe() as { readonly uses: Record<string, unknown> };
  assert.deepEqual([...new Set(Object.values(uses))], ['ok'], JSON.stringify(uses));
  await fleet.leave();
  assert.deepEqual(log.lines, []);
}

async function assertRefused(t: TestContext, options: RedisOptions, reason: string): Promise<Replica> {
  const replica = await openReplica(t, options);
  assert.deepEqual(await replica.snapshots.confirm(KEY, TIME), { kind: 'failed', reason });
  assert.equal(replica.log.lines.length, 1, replica.log.text);
  assert.equal(replica.log.lines[0]?.['reason'], reason);
  return replica;
}

test('a password of any characters opens, alone or with a user of any characters', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const user = ODD.replaceAll(' ', '');
  await client.acl('SETUSER', user, 'on', `>${ODD}`, '+@all', '~*', '&*');
  await client.acl('SETUSER', 'nobody', 'on', 'nopass', '+@all', '~*', '&*');
  await client.config('SET', 'requirepass', ODD);
  for (const login of [{ password: ODD }, { user, password: ODD }, { user: 'nobody' }]) {
    await assertAllWorks(await openReplica(t, redisOptions(server.port, login)));
  }
});

test('a wrong login is told without the password, and works as soon as it is right', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  await client.config('SET', 'requirepass', 'the right one');
  for (const login of [{ password: 'hunter-wrong' }, { user: 'ghost', password: 'hunter-wrong' }, {}]) {
    const replica = await assertRefused(t, redisOptions(server.port, login), 'auth_failed');
    assert.ok(!replica.log.text.includes('hunter'));
    assert.ok(!JSON.stringify(replica.describe()).includes('hunter'));
  }
  const early = await openReplica(t, redisOptions(server.port, { password: 'the next one' }));
  assert.deepEqual(await early.snapshots.confirm(KEY, TIME), { kind: 'failed', reason: 'auth_failed' });
  await client.config('SET', 'requirepass', 'the next one');
  await eventually('a login', async () => (await early.snapshots.confirm(KEY, TIME)).kind === 'behind');
});

test('a password in a file is read at each connection, so that it may change', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const folder = mkdtempSync(join(tmpdir(), 'redis-password-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const passwordFile = join(folder, 'password');
  const change = async (password: string): Promise<void> => {
    writeFileSync(passwordFile, password);
    await client.config('SET', 'requirepass', password.trim());
    await client.call('CLIENT', ['KILL', 'TYPE', 'normal']);
  };
  await change('the first one\n');
  const replica = await openReplica(t, redisOptions(server.port, { passwordFile }));
  const isIn = async (): Promise<boolean> => (await replica.snapshots.confirm(KEY, TIME)).kind === 'behind';
  assert.ok(await isIn(), replica.log.text);
  await change('the next one\r\n');
  await eventually('a login with the next one', isIn);
  replica.log.lines.length = 0;
  rmSync(passwordFile);
  // One that was still logging in with the next password may be there after the first of these.
  await eventually('a line', async () => {
    await client.call('CLIENT', ['KILL', 'TYPE', 'normal']);
    // Lines about other troubles of the same connection may come after it.
    return replica.log.lines.some(({ detail }) => detail === 'PASSWORD_FILE_ENOENT');
  });
  const line = replica.log.lines.find(({ detail }) => detail === 'PASSWORD_FILE_ENOENT');
  assert.equal(line?.['reason'], 'auth_failed');
  await change('the last one');
  await eventually('a login with the last one', isIn);
  assert.doesNotMatch(replica.log.text, /the (first|next|last) one/);
});

test('a password file that hangs costs the time for connecting, and is not opened again and again', async (t) => {
  const server = await startRedisServer(t);
  const folder = mkdtempSync(join(tmpdir(), 'redis-password-'));
  const passwordFile = join(folder, 'password');
  execFileSync('mkfifo', [passwordFile]);
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  await server.client().config('SET', 'requirepass', 'x');
  const clock = new ManualClock();
  const opening = openReplica(t, redisOptions(server.port, { passwordFile }), { clock });
  clock.advance(2_000);
  const replica = await opening;
  assert.deepEqual(await replica.snapshots.confirm(KEY, TIME), {
    kind: 'failed',
    reason: 'connect_timeout',
  });
  for (let attempts = 0; attempts < 10; attempts += 1) {
    clock.advance(5_000);
    await settle();
    clock.advance(2_000);
    await settle();
  }
  // Four threads read files: with each attempt on one of its own, none would be left.
  assert.equal(await within(readFile('/dev/null', 'utf8'), 'another file'), '');
  assert.equal(replica.log.lines.length, 1, replica.log.text);
  await writeFile(passwordFile, 'x');
  rmSync(passwordFile);
  writeFileSync(passwordFile, 'x');
  await eventually('a login', async () => {
    clock.advance(5_000);
    return (await replica.snapshots.confirm(KEY, TIME)).kind === 'behind';
  });
});

test('a user with just the rights that are needed can do all, and is not warned of', async (t) => {
  const server = await startRedisServer(t);
  await server.client().acl('SETUSER', 'least', 'on', '>x', 'resetchannels', ...RIGHTS, ...NAMES);
  await assertAllWorks(await openReplica(t, redisOptions(server.port, { user: 'least', password: 'x' })));
});

test('a right that is missing costs what needs it, and is told once', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  await client.acl('SETUSER', 'reader', 'on', '>x', 'resetchannels', ...RIGHTS, ...NAMES, '-hset');
  const clock = new ManualClock();
  const options = redisOptions(server.port, { user: 'reader', password: 'x' });
  const replica = await openReplica(t, options, { clock });
  for (let times = 0; times < 3; times += 1) {
    assert.deepEqual(await replica.snapshots.save(KEY, PAYLOAD, 0), {
      kind: 'failed',
      reason: 'auth_failed',
    });
    assert.deepEqual(await replica.snapshots.load(KEY), { kind: 'missing' });
  }
  assert.deepEqual(
    replica.log.lines.map(({ use, reason, detail }) => ({ use, reason, detail })),
    [{ use: 'write', reason: 'auth_failed', detail: 'NOPERM' }],
  );
  await client.acl('SETUSER', 'reader', '+hset');
  await pass(clock, client, 30_000);
  assert.deepEqual(await replica.snapshots.save(KEY, PAYLOAD, 0), { kind: 'stored' });
  assert.deepEqual(replica.log.lines.map(({ msg }) => msg).slice(1), ['redis accepts writes again']);
});

test('a user who may not listen or publish has all but messages', async (t) => {
  const server = await startRedisServer(t);
  const names = NAMES.filter((name) => name.startsWith('~'));
  await server.client().acl('SETUSER', 'deaf', 'on', '>x', 'resetchannels', ...RIGHTS, ...names);
  const replica = await openReplica(t, redisOptions(server.port, { user: 'deaf', password: 'x' }));
  await eventually('a line', () => replica.log.lines.length > 0);
  assert.deepEqual(await replica.snapshots.save(KEY, PAYLOAD, 0), { kind: 'stored' });
  assert.equal((await replica.snapshots.load(KEY)).kind, 'found');
  replica.fleet.join(NOBODY);
  await eventually('a leader', () => replica.fleet.isLeader);
  assert.deepEqual(
    replica.log.lines.map(({ use, reason, msg }) => ({ use, reason, msg })),
    [
      {
        use: 'listen',
        reason: 'auth_failed',
        msg: 'redis sends no messages: updates are found once an interval',
      },
    ],
  );
});

test('everything goes into the database of that number, and nothing into another', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  await assertAllWorks(await openReplica(t, redisOptions(server.port, { db: 3 })));
  const kept = await openReplica(t, redisOptions(server.port, { db: 3 }));
  await kept.snapshots.save(KEY, PAYLOAD, 0);
  assert.equal(await client.dbsize(), 0);
  await client.select(3);
  assert.equal(await client.dbsize(), 1);
  const replica = await assertRefused(t, redisOptions(server.port, { db: 99 }), 'redis_error');
  assert.equal(replica.log.lines[0]?.['detail'], 'DB_INDEX');
  assert.equal((await replica.snapshots.save(KEY, PAYLOAD, 0)).kind, 'failed');
  await client.select(0);
  assert.equal(await client.dbsize(), 0);
});

test('over TLS a server is believed by the authority that is named, and by no other', async (t) => {
  const { keyPem, certificatePem } = makeCertificate();
  const folder = mkdtempSync(join(tmpdir(), 'redis-tls-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  writeFileSync(join(folder, 'key.pem'), keyPem);
  writeFileSync(join(folder, 'certificate.pem'), certificatePem);
  const { tlsPort, server } = await onFreePort(async (port) => ({
    tlsPort: port,
    server: await startRedisServer(t, [
      ...['--tls-port', String(port), '--tls-auth-clients', 'no'],
      ...['--tls-key-file', join(folder, 'key.pem'), '--tls-cert-file', join(folder, 'certificate.pem')],
      ...['--tls-ca-cert-file', join(folder, 'certificate.pem')],
    ]),
  }));
  for (const host of ['127.0.0.1', 'localhost']) {
    const address = { kind: 'standalone', host, port: tlsPort } as const;
    const options = redisOptions(tlsPort, { address, tls: { caPem: certificatePem } });
    await assertAllWorks(await openReplica(t, options));
  }
  await assertRefused(t, redisOptions(tlsPort, { tls: { caPem: undefined } }), 'tls_failed');
  await assertRefused(
    t,
    redisOptions(tlsPort, { tls: { caPem: makeCertificate().certificatePem } }),
    'tls_failed',
  );
  const trust = { caPem: makeCertificate().certificatePem };
  const changing = await openReplica(t, { ...redisOptions(tlsPort, { tls: trust }) });
  assert.equal((await changing.snapshots.confirm(KEY, TIME)).kind, 'failed');
  trust.caPem = certificatePem;
  await eventually(
    'connection under the new authority',
    async () => (await changing.snapshots.confirm(KEY, TIME)).kind !== 'failed',
  );
  // Plain Redis takes the first bytes of TLS for a command, and does not answer; the other way it hangs up.
  const mixed = [
    redisOptions(server.port, { tls: { caPem: certificatePem } }),
    redisOptions(tlsPort),
    redisOptions(tlsPort, { tls: { caPem: 'no certificate' } }),
    redisOptions(tlsPort, { tls: { caPem: certificatePem.replace(/[A-Z]/g, 'A') } }),
  ];
  for (const options of mixed) {
    const replica = await openReplica(t, { ...options, connectTimeoutMs: 500 });
    assert.equal((await replica.snapshots.confirm(KEY, TIME)).kind, 'failed');
  }
});
