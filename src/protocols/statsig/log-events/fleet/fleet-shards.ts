// This replica's part in the fleet's queue: which shards it is to own, and a look at all of them once a second.
import type { Cancel, Clock } from '../../../../domain/clock.js';
import { atMost, pause } from '../../../../domain/deadline.js';
import { inBackground } from '../../../../observability/in-background.js';
import type { ShardCounts } from '../../../../storage/shard-queue.js';
import { countsOf, OwnedShard } from './owned-shard.js';
import { shareShards } from './shard-shares.js';
import type { ShardWorld } from './shard-world.js';

/** A lease may miss one renewal, and a part of the next. */
const TENDINGS_PER_LEASE = 3;
/** A start goes on without a look at the queue after this. */
const FIRST_LOOK_MS_MAX = 2_000;
/** Between two looks for what other replicas put into our shards. */
const READ_EVERY_MS = 250;
/** Between two looks at what of ours is still being sent, before we leave. */
const LEAVING_LOOK_MS = 50;

export interface FleetShardsOptions {
  /** Of what is put in from now on. */
  readonly shards: number;
}

export class FleetShards {
  readonly #world: ShardWorld;
  readonly #clock: Clock;
  readonly #options: FleetShardsOptions;
  readonly #shards: OwnedShard[] = [];
  #instances: readonly string[] = [];
  #tendingMs: number;
  #isLeaving = false;
  #isClosed = false;
  #cancelTending: Cancel = () => undefined;
  #cancelReading: Cancel = () => undefined;
  #working: Promise<void> = Promise.resolve();
  /** Called after each look at all shards. */
  readonly #seen: () => void;

  constructor(world: ShardWorld, options: FleetShardsOptions, seen: () => void) {
    this.#world = world;
    this.#clock = world.clock;
    this.#options = options;
    this.#seen = seen;
    this.#tendingMs = world.queue.leaseMs / TENDINGS_PER_LEASE;
    this.#growTo(options.shards);
  }

  /** All that were ever used: those beyond today's number may still hold something. */
  get all(): readonly OwnedShard[] {
    return this.#shards;
  }

  /** Replicas that were there at the last look. */
  get instances(): readonly string[] {
    return this.#instances;
  }

  /** Begins to take part; resolves after the first look, or soon without one. */
  async open(): Promise<void> {
    this.#scheduleReading();
    this.#working = this.#tend();
    await atMost(this.#clock, FIRST_LOOK_MS_MAX, this.#working);
  }

  /** Something was put into this shard from here, and so much waits in it now. */
  added(shard: number, counts?: ShardCounts): void {
    const owned = this.#shards[shard];
    if (owned?.state !== undefined && counts !== undefined) owned.state = { ...owned.state, ...counts };
    if (owned?.isOwned === true) inBackground(this.#readOn(owned), this.#world.log);
  }

  /** What waits in all others, as it was last seen. */
  elsewhere(shard: number): ShardCounts {
    const sum = { knownBatches: 0, knownBytes: 0, unknownBatches: 0, unknownBytes: 0 };
    for (const each of this.#shards) {
      if (each.shard === shard) continue;
      const counts = countsOf(each);
      sum.knownBatches += counts.knownBatches;
      sum.knownBytes += counts.knownBytes;
      sum.unknownBatches += counts.unknownBatches;
      sum.unknownBytes += counts.unknownBytes;
    }
    return sum;
  }

  /** Leaves every shard to the others, as soon as nothing of it is on its way. Never rejects. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    await this.#working;
    // What is being sent ends, while its shard is kept; each round leaves what has ended.
    while (!this.#isClosed && this.#world.queue.isReachable && this.#shards.some(({ isHeld }) => isHeld)) {
      this.#cancelTending();
      this.#working = this.#tend();
      await this.#working;
      await pause(this.#clock, LEAVING_LOOK_MS);
    }
    if (this.#isClosed) return;
    await this.#world.queue.leave().catch((error: unknown) => {
      // This replica is forgotten a little later.
      this.#world.listener.progressNotWritten(error);
    });
  }

  /** Asks for nothing more; what is owned is another's when its lease ends. */
  close(): void {
    this.#isClosed = true;
    this.#cancelTending();
    this.#cancelReading();
  }

  /** Never rejects: what cannot be asked now is asked again. */
  async #tend(): Promise<void> {
    const startMs = this.#clock.monotonicMs();
    try {
      await this.#tendAll();
    } catch {
      // The room that has the connection has reported it; leases that are not renewed end by themselves.
    }
    this.#seen();
    if (this.#isClosed) return;
    const leftMs = Math.max(0, startMs + this.#tendingMs - this.#clock.monotonicMs());
    this.#cancelTending();
    this.#cancelTending = this.#clock.schedule(leftMs, () => {
      this.#working = this.#tend();
      inBackground(this.#working, this.#world.log);
    });
  }

  async #tendAll(): Promise<void> {
    const ours = this.#isLeaving ? new Set<number>() : await this.#share();
    const tending = this.#shards.map((shard) => shard.tend(ours.has(shard.shard)));
    const [failure] = (await Promise.allSettled(tending)).filter(({ status }) => status === 'rejected');
    if (failure?.status === 'rejected') throw failure.reason;
  }

  async #share(): Promise<ReadonlySet<number>> {
    const { queue } = this.#world;
    const { instances, shardsUsed } = await queue.beat(this.#options.shards);
    this.#instances = instances;
    this.#growTo(shardsUsed);
    return shareShards(instances, this.#shards.length).get(queue.instanceId) ?? new Set();
  }

  #growTo(shards: number): void {
    while (this.#shards.length < shards) {
      this.#shards.push(new OwnedShard(this.#shards.length, this.#world));
    }
  }

  #scheduleReading(): void {
    this.#cancelReading = this.#clock.schedule(READ_EVERY_MS, () => {
      const owned = this.#shards.filter(({ isOwned }) => isOwned);
      inBackground(Promise.all(owned.map((shard) => this.#readOn(shard))), this.#world.log);
      if (!this.#isClosed) this.#scheduleReading();
    });
  }

  async #readOn(shard: OwnedShard): Promise<void> {
    try {
      await shard.readOn();
    } catch {
      // As with a look at all: it is reported, and comes again.
    }
  }
}
