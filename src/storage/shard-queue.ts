// The port to a queue that all replicas share: its shards, each owned by one replica at a time, and what waits in them.

/** Who may take from a shard: `token` grows with each new owner, so that a former one is told from the present one. */
export interface ShardLease {
  readonly shard: number;
  readonly token: string;
}

/** How much waits in a shard, in the two parts that room is given in. */
export interface ShardCounts {
  readonly knownBatches: number;
  readonly knownBytes: number;
  readonly unknownBatches: number;
  readonly unknownBytes: number;
}

export interface ShardState extends ShardCounts {
  /** An instance id; empty where nobody owns it. */
  readonly owner: string;
  readonly token: string;
  /** Of the one that waits longest, by the queue's clock; undefined where nothing waits. */
  readonly oldestAgeMs: number | undefined;
  readonly deadLetters: number;
}

/** `own`: take it where it is free, else renew. `keep`: renew, but do not take. `release`: let others take it. */
export type ShardWish = 'own' | 'keep' | 'release' | 'look';

/** The replicas that are there now, this one among them, and how many shards any of them has ever used. */
export interface ShardFleet {
  readonly instances: readonly string[];
  readonly shardsUsed: number;
}

/** What is stored of a batch. The two byte strings mean nothing to the queue. */
export interface NewEntry {
  readonly id: string;
  /** Stands for the SDK key, and does not show it. */
  readonly keyHash: string;
  /** Whether it takes its room in the part for known keys. */
  readonly isKnown: boolean;
  /** What it counts as. */
  readonly bytes: number;
  /** Read together with those of all others, so it is small. */
  readonly facts: Buffer;
  /** Read one at a time. */
  readonly body: Buffer;
}

export interface QueuedEntry {
  /** Its place in the shard's order. */
  readonly position: string;
  readonly id: string;
  readonly bytes: number;
  readonly facts: Buffer;
}

/** In all shards together. */
export interface PartLimits {
  readonly batchesMax: number;
  readonly bytesMax: number;
}

export interface QueueLimits extends PartLimits {
  readonly known: PartLimits;
  readonly unknown: PartLimits;
  /** Of a part: kept back for keys that hold little. */
  readonly reservedShare: number;
  /** Of a part: what counts as little. */
  readonly littleShare: number;
}

export type Appended =
  | { readonly kind: 'kept'; readonly position: string; readonly counts: ShardCounts }
  /** `isFirst`: nothing of its key waits. */
  | { readonly kind: 'full'; readonly isFirst: boolean; readonly counts: ShardCounts }
  /** It is there, but on fewer replicas of the server than is asked for. */
  | { readonly kind: 'too-few-replicas'; readonly replicas: number };

/** The lease is another's by now. */
export const LEASE_LOST = Symbol('lease lost');
export type LeaseLost = typeof LEASE_LOST;

export interface Finish {
  readonly position: string;
  /** The origin took it: its key is known from now on. */
  readonly isTaken: boolean;
  /** Why it was given up: it becomes a dead letter with this text. */
  readonly letter: string | undefined;
}

/** How safe what is kept is, as far as the server says. */
export interface QueueDurability {
  readonly appendOnly: boolean | undefined;
  /** `always`, `everysec` or `no`. */
  readonly appendFsync: string | undefined;
  /** Replicas of the server. */
  readonly replicas: number | undefined;
  readonly evictionPolicy: string | undefined;
  /** 0 for no limit. */
  readonly memoryBytesMax: number | undefined;
  /** Commands of the queue that this user may not send; none where that is not to be learned. */
  readonly denied: readonly string[];
}

/** Each method is one round trip with a deadline, and rejects where the queue cannot be reached or refuses. */
export interface ShardQueue {
  /** The name that leases are held under, of this process alone. */
  readonly instanceId: string;
  /** How long a lease lasts without renewal. */
  readonly leaseMs: number;
  readonly isReachable: boolean;
  durability(): Promise<QueueDurability>;
  /** Whether any replica has ever put something in. */
  wasUsed(): Promise<boolean>;
  /** Notes that this replica is there. */
  beat(shards: number): Promise<ShardFleet>;
  /** This replica takes part no more. */
  leave(): Promise<void>;
  tend(shard: number, wish: ShardWish): Promise<ShardState>;
  /** Once more for an entry that is there changes nothing. `elsewhere`: what waits in the other shards. */
  append(shard: number, entry: NewEntry, limits: QueueLimits, elsewhere: ShardCounts): Promise<Appended>;
  /** In their order, from after `position` on; from the first where that is undefined. */
  read(
    lease: ShardLease,
    position: string | undefined,
    countMax: number,
  ): Promise<readonly QueuedEntry[] | LeaseLost>;
  /** Undefined where it is not there any more. */
  body(lease: ShardLease, id: string, bytes: number): Promise<Buffer | undefined | LeaseLost>;
  /** Runs before any `body` that is asked for later. */
  finish(lease: ShardLease, finish: Finish): Promise<undefined | LeaseLost>;
}
