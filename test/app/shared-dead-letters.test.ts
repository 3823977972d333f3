// `dead-letters --redis`: what was given up from the queue in a real Redis, opened with the data key, or why it cannot be.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { printSharedDeadLetters } from '../../src/app/shared-dead-letters.js';
import { readCommandLine } from '../../src/cli/read-command-line.js';
import type { Surroundings } from '../../src/config/load-config.js';
import { systemClock, type Clock } from '../../src/domain/clock.js';
import { FleetBatch, FleetDeadLetters } from '../../src/protocols/statsig/log-events/fleet/fleet-batch.js';
import { toEntry } from '../../src/protocols/statsig/log-events/fleet/sealed-entry.js';
import { sharedLimits } from '../../src/protocols/statsig/log-events/queue-room.js';
import {
  createDataKeySealer,
  plainSealer,
  type Sealer,
} from '../../src/protocols/statsig/log-events/sealer.js';
import { LEASE_LOST } from '../../src/storage/shard-queue.js';
import { makeBatch } from '../contracts/batch-keeper-contract.js';
import { dataKeysOf } from '../fakes/backup-seals.js';
import { startRedisServer } from '../fakes/redis-server.js';
import { startTcpProxy } from '../fakes/tcp-proxy.js';
import { openQueue } from '../protocols/statsig/log-events/fleet/fleet-scene.js';

const LIMITS = sharedLimits({ batchesMax: 100, bytesMax: 1e9 });
const NOTHING = { knownBatches: 0, knownBytes: 0, unknownBatches: 0, unknownBytes: 0 };
const KEY = 'secret-dead0123456789';
const KEY_FILE = '/keys';

interface Printed {
  readonly outcome: Awaited<ReturnType<typeof printSharedDeadLetters>>;
  readonly letters: readonly Record<string, unknown>[];
  readonly errors: string;
}

async function print(port: number, args: readonly string[], clock: Clock = systemClock): Promise<Printed> {
  const typed = readCommandLine(['dead-letters', '--redis', ...args], '1.2.3');
  assert.ok(typed.kind === 'dead-letters', typed.kind);
  const around: Surroundings = {
    env: { REDIS_ENTERPRISE_HOST: '127.0.0.1', REDIS_ENTERPRISE_PORT: String(port) },
    readFile: () => Buffer.alloc(32, 1).toString('base64'),
    hostName: 'here',
    nowMs: systemClock.nowMs(),
    fallbackDataDir: '/nowhere',
    folderFault: () => undefined,
  };
  let [lines, errors] = ['', ''];
  const outcome = await printSharedDeadLetters(typed.line, around, clock, {
    stdout: { write: (text) => (lines += text) },
    stderr: { write: (text) => (errors += text) },
  });
  const letters = lines
    .split('\n')
    .filter((each) => each !== '')
    .map((each) => JSON.parse(each) as Record<string, unknown>);
  return { outcome, letters, errors };
}

/** Puts one batch into each of these shards, and gives it up. */
async function giveUp(t: TestContext, port: number, sealers: readonly Sealer[]): Promise<void> {
  const { queue, links } = openQueue(t, 'a', { port });
  await Promise.all(links.map((link) => link.open()));
  await queue.beat(sealers.length);
  for (const [shard, sealer] of sealers.entries()) {
    const batch = makeBatch(`batch ${shard}`, KEY);
    const entry = await toEntry(sealer, batch, true);
    const appended = await queue.append(shard, entry, LIMITS, NOTHING);
    assert.ok(appended.kind === 'kept', appended.kind);
    const { token } = await queue.tend(shard, 'own');
    const { position } = appended;
    const { bytes } = entry;
    const kept = new FleetBatch(
      { ...batch, position, bytes },
      { read: async () => batch, done: () => undefined },
    );
    const elsewhere = { add: async () => assert.fail('elsewhere'), close: async () => undefined };
    await new FleetDeadLetters(elsewhere).add(kept, batch, { reason: 'rejected', status: 422, detail: 'no' });
    const finish = { position, isTaken: false, letter: kept.letter };
    assert.notEqual(await queue.finish({ shard, token }, finish), LEASE_LOST);
  }
}

test('every letter of every shard is printed, opened, with why it was given up', async (t) => {
  const { port } = await startRedisServer(t);
  assert.deepEqual(await print(port, []), { outcome: { status: 0 }, letters: [], errors: '' });
  await giveUp(t, port, [createDataKeySealer(dataKeysOf(1)), plainSealer]);
  const { outcome, letters, errors } = await print(port, ['--data-key-file', KEY_FILE]);
  assert.deepEqual([outcome, errors], [{ status: 0 }, '']);
  assert.deepEqual(
    letters.map(({ shard, batchId, reason, status }) => [shard, batchId, reason, status]),
    [
      [0, 'batch 0', 'rejected', 422],
      [1, 'batch 1', 'rejected', 422],
    ],
  );
  for (const [index, { batch }] of letters.entries()) {
    const { body, ...rest } = batch as { readonly body: string };
    const { body: wanted, ...others } = makeBatch(`batch ${index}`, KEY);
    assert.deepEqual(rest, others);
    assert.equal(Buffer.from(body, 'base64').toString(), Buffer.from(wanted).toString());
  }
});

test('without the data key a letter says that it cannot be opened, and the others are printed', async (t) => {
  const { port } = await startRedisServer(t);
  await giveUp(t, port, [createDataKeySealer(dataKeysOf(1)), plainSealer]);
  const { outcome, letters } = await print(port, []);
  assert.deepEqual(outcome, { status: 1 });
  assert.deepEqual(
    letters.map(({ batch, fault }) => [batch === null, fault === undefined]),
    [
      [true, false],
      [false, true],
    ],
  );
});

test('a Redis that hangs, is not there, or is not the cache is told', async (t) => {
  const server = await startRedisServer(t);
  const proxy = await startTcpProxy(t, server.port);
  let isSilent = false;
  const impatient: Clock = {
    ...systemClock,
    schedule: (delayMs, task) => {
      if (delayMs !== 60_000) return systemClock.schedule(delayMs, task);
      if (!isSilent) proxy.silence();
      isSilent = true;
      return systemClock.schedule(50, task);
    },
  };
  const hanging = await print(proxy.port, [], impatient);
  assert.deepEqual(hanging, {
    outcome: { status: 1 },
    letters: [],
    errors: 'Redis cannot be read: command_timeout\n',
  });
  await server.kill();
  const away = await print(server.port, []);
  assert.deepEqual(away.outcome, { status: 1 });
  assert.match(away.errors, /^Redis cannot be read: connection_refused/);
  assert.deepEqual((await print(server.port, ['http', 'disabled'])).outcome, {
    faults: ["CACHE has to be 'redis'"],
  });
  assert.ok('faults' in (await print(server.port, ['--no-such-option'])).outcome);
});
