// One shard as this replica sees it: who owns it, and while that is us, what waits in it and what of it is done.
import { inBackground } from '../../../../observability/in-background.js';
import {
  LEASE_LOST,
  type LeaseLost,
  type QueuedEntry,
  type ShardCounts,
  type ShardLease,
  type ShardState,
  type ShardWish,
} from '../../../../storage/shard-queue.js';
import { BatchDamage, BatchMoved, QueueAway, type Batch } from '../batch.js';
import { FleetBatch, type BatchPlace } from './fleet-batch.js';
import { openBatch, openFacts } from './sealed-entry.js';
import type { ShardWorld } from './shard-world.js';

/** Read of a shard's order at a time. */
const READ_MAX = 500;

interface Done {
  readonly batch: FleetBatch;
  /** While the queue is being told. */
  writing: Promise<void> | undefined;
}

export class OwnedShard implements BatchPlace {
  readonly shard: number;
  readonly #world: ShardWorld;
  #lease: ShardLease | undefined;
  /** By the monotonic clock, which keeps running while this process is paused. */
  #untilMs = -Infinity;
  /** Up to where its order was read. */
  #position: string | undefined;
  /** What waits in it, as far as it was read, by batch id. */
  readonly #waiting = new Map<string, FleetBatch>();
  /** Done with, though the queue does not know that yet; by batch id. */
  readonly #done = new Map<string, Done>();
  #unreadable = 0;
  #reading: Promise<void> | undefined;
  #isMoreThere = false;
  /** To its end, since it is ours. */
  #isRead = false;
  /** While what was being sent ends, before another may own it, or we again. */
  #leaving: Promise<void> | undefined;
  /** As it was last seen; undefined before it ever was. */
  state: ShardState | undefined;

  constructor(shard: number, world: ShardWorld) {
    this.shard = shard;
    this.#world = world;
  }

  get isOwned(): boolean {
    return this.#lease !== undefined && this.#world.clock.monotonicMs() < this.#untilMs;
  }

  /** Whether anything of it is in this replica's hands. */
  get isHeld(): boolean {
    return this.#lease !== undefined || this.#leaving !== undefined;
  }

  /** Whether all that waited in it when it became ours is in the lines of its keys here. */
  get isInLine(): boolean {
    return this.#isTaking && this.#isRead;
  }

  /** Whether what waits in it is to be sent from here: while it is being left, what comes is for its next owner. */
  get #isTaking(): boolean {
    return this.isOwned && this.#leaving === undefined;
  }

  /** What waits in it and is not readable with the key that is here. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /** Asks for it, or renews it, or lets go of it; rejects where the queue cannot be asked. */
  async tend(isOurs: boolean): Promise<void> {
    const { clock, queue } = this.#world;
    const lease = this.#lease;
    if (lease !== undefined && !isOurs) this.#leave(lease);
    const wish = this.#wish(isOurs);
    const sentMs = clock.monotonicMs();
    try {
      const state = await queue.tend(this.shard, wish);
      this.#tended(state, wish, sentMs);
    } catch (error) {
      // What another server took over may be older than what was read.
      this.#position = undefined;
      throw error;
    }
    if (!this.isOwned) return;
    if (this.#unreadable > 0) this.#position = undefined;
    await this.#writeDone();
    await this.readOn();
  }

  /** Reads what came since; a call during a reading causes one more after it. */
  readOn(): Promise<void> {
    this.#isMoreThere = true;
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Rejects with `BatchMoved` where the lease ran out: whoever owns the shard now sends the batch. */
  async read(batch: FleetBatch): Promise<Batch> {
    const { sealer } = this.#world;
    const body = await this.#body(this.#owned(batch), batch);
    if (body === LEASE_LOST) {
      this.#lost();
      throw new BatchMoved('the shard has another owner');
    }
    if (body === undefined) throw new BatchDamage('the batch is not in the queue any more');
    const opened = await openBatch(sealer, batch.id, body);
    // This process may have been paused meanwhile.
    this.#owned(batch);
    return opened;
  }

  done(batch: FleetBatch): void {
    if (this.#waiting.get(batch.id) !== batch) return;
    this.#waiting.delete(batch.id);
    this.#done.set(batch.id, { batch, writing: undefined });
    inBackground(this.#tryToWriteDone(), this.#world.log);
  }

  async #body(lease: ShardLease, { id, bytes }: FleetBatch): Promise<Buffer | undefined | LeaseLost> {
    const { queue } = this.#world;
    // Else it may be this body that cannot be read.
    const isAway = !queue.isReachable;
    try {
      // Whoever owns the shard after us would send it again, behind what we are about to send.
      await this.#writeDone();
      return await queue.body(lease, id, bytes);
    } catch (error) {
      throw isAway ? new QueueAway('the queue cannot be reached', { cause: error }) : error;
    }
  }

  #wish(isOurs: boolean): ShardWish {
    if (this.#lease !== undefined) return 'keep';
    if (this.isHeld) return 'look';
    if (isOurs) return 'own';
    // A renewal that crossed its loss, or a release that never arrived: others would wait for its end.
    return this.state?.owner === this.#world.queue.instanceId ? 'release' : 'look';
  }

  #owned(batch: FleetBatch): ShardLease {
    if (this.#lease === undefined || !this.isOwned || this.#waiting.get(batch.id) !== batch) {
      throw new BatchMoved('the shard is not owned');
    }
    return this.#lease;
  }

  #tended(state: ShardState, wish: ShardWish, sentMs: number): void {
    const { queue } = this.#world;
    this.state = state;
    if (wish === 'look' || wish === 'release') return;
    if (
      state.owner !== queue.instanceId ||
      (this.#lease !== undefined && this.#lease.token !== state.token)
    ) {
      this.#lost();
      return;
    }
    if (this.#lease === undefined && wish === 'keep') return;
    this.#lease ??= { shard: this.shard, token: state.token };
    // It lasts from when it was asked for, not from when the answer came.
    this.#untilMs = sentMs + queue.leaseMs;
  }

  async #readAll(): Promise<void> {
    while (this.#isMoreThere && this.#isTaking) {
      this.#isMoreThere = false;
      const lease = this.#lease;
      if (lease === undefined) return;
      if (this.#position === undefined) this.#unreadable = 0;
      const entries = await this.#world.queue.read(lease, this.#position, READ_MAX);
      if (this.#lease !== lease) return;
      if (entries === LEASE_LOST) {
        this.#lost();
        return;
      }
      await this.#take(lease, entries);
      if (entries.length === READ_MAX) this.#isMoreThere = true;
      else this.#isRead = true;
    }
  }

  async #take(lease: ShardLease, entries: readonly QueuedEntry[]): Promise<void> {
    const arrived: FleetBatch[] = [];
    for (const entry of entries) {
      if (this.#waiting.has(entry.id) || this.#done.has(entry.id)) continue;
      const batch = await this.#toBatch(entry);
      if (batch !== undefined) arrived.push(batch);
    }
    if (this.#lease !== lease || !this.#isTaking) return;
    for (const batch of arrived) this.#waiting.set(batch.id, batch);
    this.#position = entries.at(-1)?.position ?? this.#position;
    if (arrived.length > 0) this.#world.arrivals.add(arrived);
  }

  async #toBatch(entry: QueuedEntry): Promise<FleetBatch | undefined> {
    const { sealer, listener } = this.#world;
    try {
      const { id, position, bytes } = entry;
      const { sdkKey, acceptedAtMs } = await openFacts(sealer, entry);
      return new FleetBatch({ id, position, bytes, sdkKey, acceptedAtMs }, this);
    } catch (error) {
      this.#unreadable += 1;
      listener.unreadable(this.shard, entry.id, error);
      return undefined;
    }
  }

  async #tryToWriteDone(): Promise<void> {
    try {
      await this.#writeDone();
    } catch (error) {
      // Tried again before anything else of the shard is read, and when it is tended.
      this.#world.listener.progressNotWritten(error);
    }
  }

  async #writeDone(): Promise<void> {
    const lease = this.#lease;
    if (lease === undefined) return;
    await Promise.all(
      [...this.#done.values()].map((done) => {
        done.writing ??= this.#finish(lease, done.batch).finally(() => {
          done.writing = undefined;
        });
        return done.writing;
      }),
    );
  }

  async #finish(lease: ShardLease, { id, position, letter }: FleetBatch): Promise<void> {
    const answer = await this.#world.queue.finish(lease, { position, isTaken: letter === undefined, letter });
    if (this.#lease !== lease) return;
    if (answer === LEASE_LOST) this.#lost();
    else this.#done.delete(id);
  }

  /** Another owns it, or may: what is on its way cannot be called back, all else is not ours any more. */
  #lost(): void {
    if (this.#lease === undefined) return;
    this.#letGo();
    this.#leaving ??= this.#withdraw().finally(() => {
      this.#leaving = undefined;
    });
  }

  /** It is another's to own: sends nothing more of it, and leaves it once nothing is on its way. */
  #leave(lease: ShardLease): void {
    this.#leaving ??= this.#withdraw()
      .then(() => this.#release(lease))
      .finally(() => {
        this.#leaving = undefined;
      });
  }

  async #withdraw(): Promise<void> {
    await this.#world.arrivals.withdraw((kept) => kept instanceof FleetBatch && kept.isAt(this));
  }

  async #release(lease: ShardLease): Promise<void> {
    await this.#tryToWriteDone();
    if (this.#lease !== lease) return;
    this.#letGo();
    try {
      this.state = await this.#world.queue.tend(this.shard, 'release');
    } catch (error) {
      // It ends by itself.
      this.#world.listener.progressNotWritten(error);
    }
  }

  #letGo(): void {
    this.#lease = undefined;
    this.#untilMs = -Infinity;
    this.#position = undefined;
    this.#isRead = false;
    this.#waiting.clear();
    this.#done.clear();
    this.#unreadable = 0;
  }
}

/** What waits in a shard; nothing where it was never seen. */
export function countsOf({ state }: OwnedShard): ShardCounts {
  return state ?? { knownBatches: 0, knownBytes: 0, unknownBatches: 0, unknownBytes: 0 };
}
