// A batch as the fleet's queue stores it: what is read of all, and what is read when it is sent, each sealed.
import type { NewEntry, QueuedEntry } from '../../../../storage/shard-queue.js';
import { hashSdkKey } from '../../../../domain/sdk-key.js';
import { BatchDamage, bytesOf, type Batch } from '../batch.js';
import { decodeBatch, encodeBatch } from '../disk/record.js';
import type { Sealer } from '../sealer.js';

/** The key itself: whoever sends the batch needs it to put it in line. */
type Facts = Pick<Batch, 'id' | 'sdkKey' | 'acceptedAtMs'>;

export async function toEntry(sealer: Sealer, batch: Batch, isKnown: boolean): Promise<NewEntry> {
  const { id, sdkKey, acceptedAtMs } = batch;
  const facts = Buffer.from(JSON.stringify({ id, sdkKey, acceptedAtMs } satisfies Facts));
  return {
    id,
    keyHash: hashSdkKey(sdkKey),
    isKnown,
    bytes: bytesOf(batch),
    facts: Buffer.concat(await sealer.close([facts])),
    body: Buffer.concat(await sealer.close(encodeBatch(batch))),
  };
}

/** Throws `BatchDamage` where it cannot be read, or is another entry's. */
export async function openFacts(sealer: Sealer, { id, facts }: QueuedEntry): Promise<Facts> {
  const opened = await sealer.open(facts);
  return checked(id, () => JSON.parse(opened.toString()) as Facts);
}

/** Throws `BatchDamage` where it cannot be read, or is another entry's. */
export async function openBatch(sealer: Sealer, id: string, body: Buffer): Promise<Batch> {
  const opened = await sealer.open(body);
  return checked(id, () => decodeBatch(opened));
}

function checked<Read extends Facts>(id: string, read: () => Read): Read {
  let found: Read;
  try {
    found = read();
  } catch (error) {
    throw new BatchDamage('what is stored is not a batch', { cause: error });
  }
  if (found.id !== id) throw new BatchDamage('what is stored is another batch');
  return found;
}
