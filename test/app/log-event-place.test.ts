// Where log events wait, as the setting and Redis have it: auto takes a Redis that keeps what it accepts, and says what it lacks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openLogEventPlace } from '../../src/app/log-event-place.js';
import type { Config } from '../../src/config/load-config.js';
import { createLogger } from '../../src/observability/logger.js';
import type { QueueDurability, ShardQueue } from '../../src/storage/shard-queue.js';
import { loadLine } from '../config/loading.js';
import { dataKeysOf } from '../fakes/backup-seals.js';
import { LogSink } from '../fakes/log-sink.js';

const SAFE: QueueDurability = {
  appendOnly: true,
  appendFsync: 'always',
  replicas: 0,
  evictionPolicy: 'noeviction',
  memoryBytesMax: 0,
  denied: [],
};

function configOf(...args: readonly string[]): Config {
  const loaded = loadLine(['http', 'redis', ...args]);
  return loaded.kind === 'loaded' ? loaded.config : assert.fail(loaded.faults.join());
}

/** `durability`: what Redis says; undefined where it cannot be asked. */
async function open(
  config: Config,
  durability: QueueDurability | undefined,
  isSealed = true,
): Promise<{ readonly kind: string; readonly risks: readonly unknown[] }> {
  const logs = new LogSink();
  const log = createLogger(logs, { level: 'info', instanceName: 'test', version: '0' });
  const queue = {
    durability: () => (durability ? Promise.resolve(durability) : Promise.reject(new Error('away'))),
    wasUsed: () => Promise.resolve(false),
  } as unknown as ShardQueue;
  const { kind } = await openLogEventPlace(config, log, { queue }, dataKeysOf(...(isSealed ? [1] : [])));
  assert.equal(logs.withMessage('log events wait for the origin in this store')[0]?.['store'], kind);
  const risks = logs.withMessage('log events in Redis are less safe than they could be');
  return { kind, risks: risks.map(({ what }) => what) };
}

test('auto takes Redis where it keeps what it accepts, else the disk, else memory', async () => {
  const [bare, withDisk] = [configOf(), configOf('--data-dir', '/data')];
  assert.deepEqual(await open(bare, SAFE), { kind: 'redis', risks: [] });
  const unfit: readonly (QueueDurability | undefined)[] = [
    undefined,
    { ...SAFE, appendOnly: false },
    { ...SAFE, appendOnly: undefined },
    { ...SAFE, evictionPolicy: 'allkeys-lru', memoryBytesMax: 1 },
    { ...SAFE, denied: ['XADD'] },
  ];
  for (const durability of unfit) {
    assert.equal((await open(bare, durability)).kind, 'memory', JSON.stringify(durability));
    assert.equal((await open(withDisk, durability)).kind, 'disk');
    assert.equal((await open(configOf('--log-event-store', 'redis'), durability)).kind, 'redis');
  }
  for (const store of ['memory', 'disk'])
    assert.equal((await open(configOf('--data-dir', '/data', '--log-event-store', store), SAFE)).kind, store);
});

test('what makes log events less safe in Redis is told at the start, each with its remedy', async () => {
  const config = configOf('--log-event-store', 'redis', '--log-event-min-replicas', '2');
  const worst = {
    ...SAFE,
    appendOnly: false,
    evictionPolicy: 'allkeys-lfu',
    memoryBytesMax: 1,
    denied: ['XADD'],
  };
  const { risks } = await open(config, worst, false);
  assert.equal(risks.length, 5, risks.join('\n'));
  const sentinel = ['--redis-sentinel-name', 'master', '--redis-nodes', '127.0.0.1:1'];
  const failingOver = await open(configOf('--log-event-store', 'redis', ...sentinel), SAFE);
  assert.deepEqual(failingOver.risks, [
    'a failover of Redis may lose the log events that no replica of it has yet',
  ]);
});
