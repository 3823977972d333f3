// Keeps batches in the queue that the fleet shares; while that is away, on this replica's disk, where there is one.
import type { Cancel, Clock } from '../../../../domain/clock.js';
import { inTime } from '../../../../domain/deadline.js';
import { inBackground } from '../../../../observability/in-background.js';
import type { NewEntry, QueueLimits } from '../../../../storage/shard-queue.js';
import {
  QueueFull,
  type Arrivals,
  type Batch,
  type BatchKeeper,
  type Found,
  type KeptBatch,
} from '../batch.js';
import { FleetShards, type FleetShardsOptions } from './fleet-shards.js';
import type { ShardWorld } from './shard-world.js';
import { toEntry } from './sealed-entry.js';
import { shardOf } from './shard-shares.js';
import type { Spool } from './spool.js';

/** Beside the time of a look into the batch, and of the disk: SDKs wait 10 s for an answer and more. */
const APPEND_MS_MAX = 3_000;
/** Between two attempts to open a folder that cannot be used. */
const OPEN_AGAIN_MS = 5_000;

export interface FleetKeeperOptions extends FleetShardsOptions {
  /** For all replicas together. */
  readonly limits: QueueLimits;
}

export interface FleetKeeperListener {
  /** The folder on this replica's disk cannot be used. */
  notOpened(error: unknown): void;
  /** The queue did not take a batch: it is on this replica's disk now. */
  spooled(error: unknown): void;
  /** What waited on the disk is in the queue. */
  unspooled(batches: number): void;
  /** It is not: the rest is tried again after the next look at the queue. */
  notMoved(error: unknown): void;
}

export class FleetKeeper implements BatchKeeper {
  readonly isDurable = true;
  readonly isShared = true;
  readonly #world: Omit<ShardWorld, 'arrivals'>;
  readonly #clock: Clock;
  readonly #spool: Spool | undefined;
  readonly #listener: FleetKeeperListener;
  readonly #options: FleetKeeperOptions;
  #fleet: FleetShards | undefined;
  #arrivals: Arrivals | undefined;
  #moving: Promise<void> | undefined;
  #cancelOpening: Cancel = () => undefined;
  #isClosed = false;

  constructor(
    world: Omit<ShardWorld, 'arrivals'>,
    spool: Spool | undefined,
    listener: FleetKeeperListener,
    options: FleetKeeperOptions,
  ) {
    this.#world = world;
    this.#clock = world.clock;
    this.#spool = spool;
    this.#listener = listener;
    this.#options = options;
  }

  /** Undefined before it is open. */
  get fleet(): FleetShards | undefined {
    return this.#fleet;
  }

  get spool(): Spool | undefined {
    return this.#spool;
  }

  /** Never rejects: without the queue the disk takes what comes, and without the disk the queue does. */
  async open(_found: Found, arrivals: Arrivals): Promise<readonly KeptBatch[]> {
    this.#arrivals = arrivals;
    const fleet = new FleetShards({ ...this.#world, arrivals }, this.#options, () => {
      this.#moveSpooled();
    });
    this.#fleet = fleet;
    await this.#openSpool();
    await fleet.open();
    return [];
  }

  async keep(batch: Batch): Promise<undefined> {
    const spool = this.#spool;
    // Behind what is there of the same key.
    if (spool !== undefined && !spool.isEmpty) {
      await spool.keep(batch);
      return;
    }
    try {
      await this.#append(batch);
    } catch (error) {
      if (error instanceof QueueFull || spool?.isOpen !== true) throw error;
      // With the same id: where it did get into the queue, it is not put in again, or the origin can tell.
      await spool.keep(batch);
      this.#listener.spooled(error);
    }
  }

  async handOver(): Promise<void> {
    await this.#moving;
    await this.#fleet?.leave();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelOpening();
    this.#fleet?.close();
    await this.#spool?.close();
  }

  async #openSpool(): Promise<void> {
    try {
      await this.#spool?.open();
    } catch (error) {
      this.#listener.notOpened(error);
      if (this.#isClosed) return;
      this.#cancelOpening = this.#clock.schedule(OPEN_AGAIN_MS, () => {
        inBackground(this.#openSpool(), this.#world.log);
      });
    }
  }

  async #append(batch: Batch): Promise<void> {
    const isKnown = this.#arrivals?.isKnown(batch.sdkKey) === true;
    const entry = await toEntry(this.#world.sealer, batch, isKnown);
    // What is late may have been kept all the same.
    await inTime(this.#clock, APPEND_MS_MAX, tooLate(), this.#put(entry));
  }

  async #put(entry: NewEntry): Promise<void> {
    const fleet = this.#fleet;
    if (fleet === undefined) throw new Error('the log-event queue is not open');
    const { shards, limits } = this.#options;
    const shard = shardOf(entry.keyHash, shards);
    const appended = await this.#world.queue.append(shard, entry, limits, fleet.elsewhere(shard));
    switch (appended.kind) {
      case 'kept':
        fleet.added(shard, appended.counts);
        return;
      case 'full':
        throw new QueueFull(appended.isFirst);
      case 'too-few-replicas':
        fleet.added(shard);
        throw new Error(`only ${appended.replicas} replicas of Redis have the batch`);
    }
  }

  #moveSpooled(): void {
    const spool = this.#spool;
    if (spool === undefined || spool.isEmpty || !this.#world.queue.isReachable) return;
    this.#moving ??= this.#move(spool).finally(() => {
      this.#moving = undefined;
    });
    inBackground(this.#moving, this.#world.log);
  }

  async #move(spool: Spool): Promise<void> {
    const { batches } = spool;
    try {
      await spool.moveAll(
        (batch) => this.#append(batch),
        async (kept) => {
          await this.#arrivals?.bury(kept);
        },
      );
      this.#listener.unspooled(batches);
    } catch (error) {
      this.#listener.notMoved(error);
    }
  }
}

function tooLate(): Error {
  return new Error(`the batch was not in the queue within ${APPEND_MS_MAX} ms`);
}
