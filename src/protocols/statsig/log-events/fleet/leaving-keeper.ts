// Keeps batches on this replica alone, and sends first what an earlier setting left in the fleet's queue.
import type { Cancel, Clock } from '../../../../domain/clock.js';
import { hashSdkKey } from '../../../../domain/sdk-key.js';
import {
  BatchMoved,
  type Arrivals,
  type Batch,
  type BatchKeeper,
  type Found,
  type KeptBatch,
  type LocalKeeper,
} from '../batch.js';
import { FleetShards } from './fleet-shards.js';
import { countsOf } from './owned-shard.js';
import type { ShardWorld } from './shard-world.js';
import { shardOf } from './shard-shares.js';

/** A shard may hold batches of a key that the origin refuses for days: others do not wait for them any longer. */
const BEHIND_MS_MAX = 60_000;

export class LeavingKeeper implements BatchKeeper {
  readonly isShared = false;
  readonly #world: Omit<ShardWorld, 'arrivals'>;
  readonly #clock: Clock;
  readonly #local: LocalKeeper;
  #fleet: FleetShards | undefined;
  #isBehind = true;
  #cancelWait: Cancel = () => undefined;

  constructor(world: Omit<ShardWorld, 'arrivals'>, local: LocalKeeper) {
    this.#world = world;
    this.#clock = world.clock;
    this.#local = local;
  }

  get isDurable(): boolean {
    return this.#local.isDurable;
  }

  /** What is in the queue is in line before what is here, as far as this replica is to send it. */
  async open(found: Found, arrivals: Arrivals): Promise<readonly KeptBatch[]> {
    if (this.#fleet === undefined) {
      // Nothing is put in from here: as many shards as others have used.
      this.#fleet = new FleetShards({ ...this.#world, arrivals }, { shards: 1 }, () => undefined);
      await this.#fleet.open();
      this.#cancelWait = this.#clock.schedule(BEHIND_MS_MAX, () => {
        this.#isBehind = false;
      });
    }
    const left = await this.#local.open((batches) => {
      found(this.#behind(batches));
    });
    return this.#behind(left);
  }

  async keep(batch: Batch): Promise<KeptBatch> {
    const [kept] = this.#behind([await this.#local.keep(batch)]);
    return kept as KeptBatch;
  }

  async handOver(): Promise<void> {
    await this.#fleet?.leave();
  }

  async close(): Promise<void> {
    this.#cancelWait();
    this.#fleet?.close();
    await this.#local.close();
  }

  #behind(batches: readonly KeptBatch[]): readonly KeptBatch[] {
    return this.#isBehind
      ? batches.map((kept) => new BatchBehind(kept, () => this.#mayGo(kept.sdkKey)))
      : batches;
  }

  /** Where this replica sends what is in the shard, what was there is in the key's line already. */
  #mayGo(sdkKey: string): boolean {
    const all = this.#fleet?.all ?? [];
    const shard = all[shardOf(hashSdkKey(sdkKey), all.length)];
    if (!this.#isBehind || shard === undefined || shard.isInLine) return true;
    const { knownBatches, unknownBatches } = countsOf(shard);
    return shard.state !== undefined && knownBatches + unknownBatches === 0;
  }
}

/** Goes once what another replica sends of its key is gone. */
class BatchBehind implements KeptBatch {
  readonly id: string;
  readonly sdkKey: string;
  readonly acceptedAtMs: number;
  readonly bytes: number;
  readonly #kept: KeptBatch;
  readonly #mayGo: () => boolean;

  constructor(kept: KeptBatch, mayGo: () => boolean) {
    this.id = kept.id;
    this.sdkKey = kept.sdkKey;
    this.acceptedAtMs = kept.acceptedAtMs;
    this.bytes = kept.bytes;
    this.#kept = kept;
    this.#mayGo = mayGo;
  }

  async read(): Promise<Batch> {
    if (!this.#mayGo()) throw new BatchMoved('what is in the queue goes first');
    return await this.#kept.read();
  }

  forget(): void {
    this.#kept.forget();
  }
}
