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
  /** Rejects with `BatchDamage` where it can never be read; with anything else where it is worth another try, as without its key. */
  read(): Promise<Batch>;
  /** The origin has it, or will never take it: it need not be kept. */
  forget(): void;
}

/** What was kept is not what is there now. */
export class BatchDamage extends Error {
  override readonly name = 'BatchDamage';
}

export interface BatchKeeper {
  /** Whether what is kept outlives the process. */
  readonly isDurable: boolean;
  /**
   * What an earlier process left here, oldest first; `found` is called with what of it turns up later. To be called before
   * `keep`, and again only after a rejection.
   */
  open(found: (batches: readonly KeptBatch[]) => void): Promise<readonly KeptBatch[]>;
  /** Resolves once the batch is kept as well as this keeper can; rejects where it is not. */
  keep(batch: Batch): Promise<KeptBatch>;
  /** Resolves once what is known is written. */
  close(): Promise<void>;
}
