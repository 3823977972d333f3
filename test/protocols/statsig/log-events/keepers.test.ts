// Memory, the disk and the fleet's queue in a real Redis keep one and the same contract, sealed or not.
import type { TestContext } from 'node:test';
import { systemClock } from '../../../../src/domain/clock.js';
import { createConcurrencyLimit } from '../../../../src/domain/concurrency-limit.js';
import { DataKeys } from '../../../../src/files/data-keys.js';
import type { Batch, KeptBatch } from '../../../../src/protocols/statsig/log-events/batch.js';
import { DiskKeeper } from '../../../../src/protocols/statsig/log-events/disk/disk-keeper.js';
import { FleetKeeper } from '../../../../src/protocols/statsig/log-events/fleet/fleet-keeper.js';
import { memoryKeeper } from '../../../../src/protocols/statsig/log-events/memory-keeper.js';
import { sharedLimits } from '../../../../src/protocols/statsig/log-events/queue-room.js';
import {
  createDataKeySealer,
  plainSealer,
  type Sealer,
} from '../../../../src/protocols/statsig/log-events/sealer.js';
import {
  keeperContract,
  type KeeperPlace,
  type KeeperRun,
} from '../../../contracts/batch-keeper-contract.js';
import { eventually } from '../../../e2e/deadline.js';
import { createTestLog } from '../../../fakes/log-sink.js';
import { startRedisServer } from '../../../fakes/redis-server.js';
import { testUser } from '../../../fakes/test-user.js';
import { makeFolder } from './disk/folder.js';
import { openQueue } from './fleet/fleet-scene.js';
import { ManualClock } from '../../../fakes/manual-clock.js';

const log = createTestLog();
const quiet = {
  damaged: () => undefined,
  heldBack: () => undefined,
  progressNotWritten: () => undefined,
  notLocked: () => undefined,
  notOpened: () => undefined,
  unreadable: () => undefined,
  spooled: () => undefined,
  unspooled: () => undefined,
  notMoved: () => undefined,
};

/** What is to be sent, for keepers that hand it out as it is kept. */
class Line {
  readonly #kept: KeptBatch[] = [];

  add(...batches: readonly KeptBatch[]): void {
    this.#kept.push(...batches);
  }

  async first(count: number): Promise<readonly KeptBatch[]> {
    await eventually(`${count} batches to send`, () => this.#kept.length >= count);
    return this.#kept;
  }
}

async function inMemory(): Promise<KeeperPlace> {
  return {
    start: async (): Promise<KeeperRun> => {
      const line = new Line();
      return {
        isDurable: memoryKeeper.isDurable,
        keep: async (batch: Batch) => {
          line.add(await memoryKeeper.keep(batch));
        },
        toSend: (count) => line.first(count),
        settle: async () => undefined,
        kill: async () => undefined,
      };
    },
  };
}

async function onDisk(t: TestContext): Promise<KeeperPlace> {
  const folder = makeFolder();
  return {
    start: async (): Promise<KeeperRun> => {
      const dataKeys = new DataKeys(systemClock);
      const options = { folder, user: testUser(), segmentBytes: 10_000, dataKeys };
      const keeper = new DiskKeeper(log, quiet, createConcurrencyLimit(1), options);
      t.after(() => keeper.close());
      const line = new Line();
      const left = await keeper.open((found) => {
        line.add(...found);
      });
      line.add(...left);
      return {
        isDurable: keeper.isDurable,
        keep: async (batch) => {
          line.add(await keeper.keep(batch));
        },
        toSend: (count) => line.first(count),
        settle: async () => undefined,
        // What a close writes is what a death may lose: done batches, which the contract lets settle first.
        kill: () => keeper.close(),
      };
    },
  };
}

function inRedis(sealer: Sealer): (t: TestContext) => Promise<KeeperPlace> {
  return async (t) => {
    const server = await startRedisServer(t);
    const client = server.client();
    let starts = 0;
    return {
      start: async (): Promise<KeeperRun> => {
        const { queue, links } = openQueue(t, `replica ${(starts += 1)}`, server);
        await Promise.all(links.map((link) => link.open()));
        const clock = new ManualClock();
        const limits = sharedLimits({ batchesMax: 1_000, bytesMax: 1e9 });
        const world = { clock, log, queue, sealer, listener: quiet };
        const keeper = new FleetKeeper(world, undefined, quiet, { shards: 3, limits });
        const line = new Line();
        await keeper.open(() => undefined, {
          add: (batches) => {
            line.add(...batches);
          },
          withdraw: async () => undefined,
          bury: async () => undefined,
          isKnown: () => true,
        });
        const waits = async (): Promise<number> => {
          const names = await client.keys('*|waits');
          const lengths = await Promise.all(names.map((name) => client.xlen(name)));
          return lengths.reduce((sum, length) => sum + length, 0);
        };
        let forgotten = 0;
        let kept = await waits();
        return {
          isDurable: keeper.isDurable,
          keep: async (batch) => {
            await keeper.keep(batch);
            kept += 1;
          },
          toSend: async (count) => {
            const batches = await line.first(count);
            return batches.map((batch) => counting(batch, () => (forgotten += 1)));
          },
          settle: () =>
            eventually('end of what was forgotten', async () => (await waits()) === kept - forgotten),
          kill: async () => {
            for (const link of links) link.close();
            await keeper.close();
            // Nobody waits for the end of its leases here.
            await client.del('spec-forward-proxy|{log-events|fleet}|replicas');
            for (const name of await client.keys('*|state')) await client.hset(name, 'until', '1');
          },
        };
      },
    };
  };
}

function counting(batch: KeptBatch, count: () => void): KeptBatch {
  let isForgotten = false;
  return {
    id: batch.id,
    sdkKey: batch.sdkKey,
    acceptedAtMs: batch.acceptedAtMs,
    bytes: batch.bytes,
    read: () => batch.read(),
    forget: () => {
      if (!isForgotten) count();
      isForgotten = true;
      batch.forget();
    },
  };
}

const dataKeys = new DataKeys(systemClock, [{ id: '00'.repeat(8), key: Buffer.alloc(32, 7) }]);

keeperContract('memory', inMemory);
keeperContract('disk', onDisk);
keeperContract('Redis', inRedis(plainSealer));
keeperContract('Redis, sealed', inRedis(createDataKeySealer(dataKeys)));
