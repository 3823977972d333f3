// A batch of log events as an SDK sent it, and the port to where batches are kept until the origin has them.

/** One POST of an SDK: its bytes as they came, and what the origin needs beside them. */
export interface Batch {
  /** Ours, sent to the origin: the same whenever the batch is sent again, after a restart too. */
  readonly id: string;
  readonly sdkKey: string;
  /** The SDK's own headers, names in lower case, without the key. */
  readonly headers: Readonly<Record<string, string>>;
  /** The request's query with its question mark, without a key; empty for none. */
  readonly query: string;
  readonly body: Uint8Array;
  /** Wall-clock time. */
  readonly acceptedAtMs: number;
}

/** What a batch takes wherever it is held: its body, its headers and its query. Their characters are bytes. */
export function bytesOf({ body, headers, query }: Pick<Batch, 'body' | 'headers' | 'query'>): number {
  let bytes = body.length + query.length;
  for (const [name, value] of Object.entries(headers)) bytes += name.length + value.length;
  return bytes;
}

/** A batch that is kept. */
export interface KeptBatch extends Omit<Batch, 'headers' | 'query' | 'body'> {
  /** As `bytesOf` counts them. */
  readonly bytes: number;
  /**
   * Rejects with `BatchDamage` where it can never be read, with `BatchMoved` where another replica sends it from now on, with
   * `QueueAway` where no batch can be read, and with anything else where it is worth another try, as without its key.
   */
  read(): Promise<Batch>;
  /** The origin has it, or will never take it: it need not be kept. */
  forget(): void;
}

/** What was kept is not what is there now. */
export class BatchDamage extends Error {
  override readonly name = 'BatchDamage';
}

/** It is another replica's to send. */
export class BatchMoved extends Error {
  override readonly name = 'BatchMoved';
}

/** Where it is kept cannot be reached, which says nothing about the batch. */
export class QueueAway extends Error {
  override readonly name = 'QueueAway';
}

/** There is no room where it should be kept. */
export class QueueFull extends Error {
  override readonly name = 'QueueFull';
  /** Whether nothing of its key waits. */
  readonly isFirst: boolean;

  constructor(isFirst: boolean) {
    super('the log-event queue is full');
    this.isFirst = isFirst;
  }
}

/** Hears of batches that this replica is to send, though it may not have accepted them. */
export interface Arrivals {
  /** In their order. */
  add(batches: readonly KeptBatch[]): void;
  /** They are not this replica's to send any more. Resolves once none of them is on its way. */
  withdraw(isOne: (kept: KeptBatch) => boolean): Promise<void>;
  /** It will never be read: gives it up. */
  bury(kept: KeptBatch): Promise<void>;
  /** Whether the origin is known to take the key. */
  isKnown(sdkKey: string): boolean;
}

/** Is called with batches that an earlier process left. */
export type Found = (batches: readonly KeptBatch[]) => void;

export interface BatchKeeper {
  /** Whether what is kept outlives the process. */
  readonly isDurable: boolean;
  /** Whether batches are kept for all replicas: then there is room for them where they are kept, and not here. */
  readonly isShared: boolean;
  /**
   * What an earlier process left here, oldest first; `found` is called with what of it turns up later, `arrivals` for what
   * other replicas accept. To be called before `keep`, and again only after a rejection.
   */
  open(found: Found, arrivals: Arrivals): Promise<readonly KeptBatch[]>;
  /**
   * Resolves once the batch is kept as well as this keeper can, with undefined where it arrives later, here or at another
   * replica; rejects where it is not kept, with `QueueFull` for want of room.
   */
  keep(batch: Batch): Promise<KeptBatch | undefined>;
  /** Leaves to others what they can send; resolves once nothing of it is on its way here. Never rejects. */
  handOver(): Promise<void>;
  /** Resolves once what is known is written. */
  close(): Promise<void>;
}

/** Keeps batches for this replica alone. */
export interface LocalKeeper extends BatchKeeper {
  readonly isShared: false;
  open(found: Found): Promise<readonly KeptBatch[]>;
  keep(batch: Batch): Promise<KeptBatch>;
}
