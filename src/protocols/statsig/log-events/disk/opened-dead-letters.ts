// Reads dead letters from a folder of log events and opens them, for people who want to know what was given up.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataKeys } from '../../../../files/data-keys.js';
import { ifThere } from '../../../../files/file-system.js';
import { DEAD_LETTER_FILES } from './filed-dead-letters.js';
import { FolderKey } from './folder-key.js';
import type { Sealer } from '../sealer.js';
import { decodeBatch } from './record.js';

export interface OpenedLetter {
  /** As it stands in the file, without what is sealed. */
  readonly facts: object;
  /** The batch, its body in base64; null where the letter has none. */
  readonly batch: object | null;
  /** Why the batch could not be opened; left out where it could. */
  readonly fault?: string;
}

/** Oldest first. Rejects where the folder cannot be read. */
export async function openDeadLetters(folder: string, dataKeys: DataKeys): Promise<readonly OpenedLetter[]> {
  const folderKey = await FolderKey.find(folder);
  const opened: OpenedLetter[] = [];
  for (const name of DEAD_LETTER_FILES) {
    const text = await ifThere(readFile(join(folder, name), 'utf8'));
    // The last line may be half written.
    const lines = text?.slice(0, text.lastIndexOf('\n') + 1).split('\n') ?? [];
    for (const line of lines) if (line !== '') opened.push(await openLetter(line, dataKeys, folderKey));
  }
  return opened;
}

interface Letter {
  readonly sealed: string | null;
  readonly dataKey?: string;
}

async function openLetter(
  line: string,
  dataKeys: DataKeys,
  folderKey: FolderKey | undefined,
): Promise<OpenedLetter> {
  const { sealed, ...facts } = JSON.parse(line) as Letter;
  if (sealed === null) return { facts, batch: null };
  const seal = facts.dataKey === undefined ? folderKey : dataKeys;
  if (seal === undefined) return { facts, batch: null, fault: 'the key in the folder is missing' };
  return { facts, ...(await openSealed(seal, Buffer.from(sealed, 'base64'))) };
}

/** `sealed`: a batch as it is stored. */
export async function openSealed(
  seal: Pick<Sealer, 'open'>,
  sealed: Buffer,
): Promise<Omit<OpenedLetter, 'facts'>> {
  try {
    const { body, ...rest } = decodeBatch(await seal.open(sealed));
    return { batch: { ...rest, body: Buffer.from(body).toString('base64') } };
  } catch (error) {
    return { batch: null, fault: error instanceof Error ? error.message : String(error) };
  }
}
