// When a line is told: once as something begins to fail, unless worse was told, and once as it works again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../../../src/observability/logger.js';
import { RedisFault } from '../../../src/storage/redis/redis-fault.js';
import { RedisHealth } from '../../../src/storage/redis/redis-health.js';
import { LogSink } from '../../fakes/log-sink.js';
import { ManualClock } from '../../fakes/manual-clock.js';

interface Scene {
  readonly clock: ManualClock;
  readonly log: LogSink;
  readonly health: RedisHealth;
}

function startScene(connectionQuietMs = 0): Scene {
  const clock = new ManualClock();
  const log = new LogSink();
  const logger = createLogger(log, { level: 'debug', instanceName: 'replica', version: '1.2.3' });
  return {
    clock,
    log,
    health: new RedisHealth(clock, logger, { server: 'redis.example:6379', connectionQuietMs }),
  };
}

function told({ log }: Scene): unknown[] {
  return log.lines.map(({ use }) => use);
}

function texts({ log }: Scene): unknown[] {
  return log.lines.map(({ msg }) => msg);
}

const REFUSED = new RedisFault('connection_refused', 'ECONNREFUSED');
const READ_ONLY = new RedisFault('read_only', 'READONLY');

const FULL = new RedisFault('out_of_memory', 'OOM');

test('while one thing fails and others work there is one line, and one when it works again', () => {
  const scene = startScene();
  const { health, clock } = scene;
  for (let times = 0; times < 5; times += 1) {
    health.failed('write', READ_ONLY);
    health.worked('read');
    health.worked('connection');
    clock.advance(1_000);
  }
  assert.deepEqual(told(scene), ['write']);
  assert.deepEqual(health.describe(undefined).write, { reason: 'read_only', detail: 'READONLY', forS: 5 });
  assert.equal(health.describe(undefined).read, 'ok');
  clock.advance(30_000);
  health.worked('write');
  assert.deepEqual(texts(scene).slice(1), ['redis accepts writes again']);
  for (const line of scene.log.lines) assert.equal(line['server'], 'redis.example:6379');
  assert.deepEqual([scene.log.lines[1]?.['failedForS'], scene.log.lines[1]?.['use']], [35, 'write']);
  assert.equal(health.describe(undefined).write, 'ok');
  health.worked('write');
  assert.equal(told(scene).length, 2);
});

test('commands of which some fail and some work have one line, until none has failed for a while', () => {
  for (const use of ['read', 'write', 'lead'] as const) {
    const scene = startScene();
    const { health, clock } = scene;
    for (let times = 0; times < 20; times += 1) {
      health.failed(use, FULL);
      clock.advance(1);
      health.worked(use);
      clock.advance(29_000);
    }
    assert.deepEqual(told(scene), [use]);
    clock.advance(999);
    health.worked(use);
    assert.equal(scene.log.lines.length, 2);
  }
});

test('trouble that lasts keeps no outage and no return from being told', () => {
  const scene = startScene();
  const { health, clock } = scene;
  for (let times = 0; times < 3; times += 1) {
    health.failed('write', FULL);
    health.failed('connection', REFUSED);
    clock.advance(10_000);
    health.worked('connection');
  }
  const outage = [/^redis fails/, /^redis works again/];
  const expected = [/^redis accepts no writes/, ...outage, ...outage, ...outage];
  assert.equal(scene.log.lines.length, expected.length, scene.log.text);
  for (const [index, text] of texts(scene).entries()) assert.match(String(text), expected[index] ?? /^$/);
});

test('a server that goes takes everything with it, and has one line and one for its return, whoever tells first', () => {
  const uses = ['connection', 'bodies', 'listen'] as const;
  for (const first of uses) {
    const scene = startScene();
    const { health, clock } = scene;
    for (const use of [first, ...uses]) health.failed(use, REFUSED);
    for (let times = 0; times < 10; times += 1) {
      clock.advance(5_000);
      health.failed('connection', REFUSED);
    }
    for (const use of uses) health.worked(use);
    assert.equal(scene.log.lines.length, 2, scene.log.text);
    assert.equal(texts(scene)[1], 'redis works again');
  }
});

test('what an outage explained is told where it goes on without it', () => {
  const scene = startScene();
  const { health, clock } = scene;
  health.failed('connection', REFUSED);
  health.failed('listen', REFUSED);
  clock.advance(60_000);
  health.worked('connection');
  assert.equal(scene.log.lines.length, 2);
  health.failed('listen', REFUSED);
  assert.deepEqual(told(scene).slice(2), ['listen']);
  health.worked('listen');
  assert.deepEqual(texts(scene).slice(3), ['redis sends messages again']);
});

test('messages that stay away for a moment are nothing to tell', () => {
  const scene = startScene();
  scene.health.failed('listen', REFUSED);
  scene.clock.advance(999);
  scene.health.failed('listen', REFUSED);
  scene.health.worked('listen');
  scene.clock.advance(60_000);
  assert.deepEqual(told(scene), []);
  scene.health.failed('listen', REFUSED);
  scene.clock.advance(1_000);
  scene.health.failed('listen', REFUSED);
  assert.deepEqual(told(scene), ['listen']);
});

test('where some of several nodes fail, it works again when none has failed for a while', () => {
  const scene = startScene(30_000);
  const { health, clock } = scene;
  for (let times = 0; times < 10; times += 1) {
    health.failed('connection', REFUSED);
    clock.advance(10_000);
    health.worked('connection');
  }
  assert.deepEqual(told(scene), ['connection']);
  clock.advance(20_000);
  health.worked('connection');
  assert.deepEqual(texts(scene).slice(1), ['redis works again']);
});

test('a success that proves little ends only what it disproves', () => {
  const scene = startScene();
  const { health, clock } = scene;
  health.failed('write', new RedisFault('auth_failed', 'NOPERM'));
  clock.advance(30_000);
  health.worked('write', ['read_only', 'out_of_memory']);
  assert.deepEqual(told(scene), ['write']);
  health.failed('write', READ_ONLY);
  clock.advance(30_000);
  health.worked('write', ['read_only', 'out_of_memory']);
  assert.deepEqual(texts(scene).slice(1), ['redis accepts writes again']);
  for (const line of scene.log.lines) assert.equal(line['server'], 'redis.example:6379');
});

test('our own stop is no failure', () => {
  const scene = startScene();
  scene.health.failed('connection', new RedisFault('closed'));
  assert.deepEqual(told(scene), []);
});
