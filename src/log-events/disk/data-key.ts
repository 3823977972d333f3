// The key that files of log events are sealed with: made once, kept beside them, readable by their owner only.
import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ifThere } from '../../sources/disk/file-system.js';
import { SEGMENT_SUFFIX } from './segment.js';

const KEY_BYTES = 32;
const KEY_FILE = 'key';
const OWNER_ONLY = 0o600;

/**
 * Batches hold SDK keys, some also in their bodies, and those shall not stand readable in files, copies and backups of
 * files. Who can read the whole folder can read everything: this hides, it does not protect from its owner.
 */
export async function loadDataKey(folder: string): Promise<Buffer> {
  const path = join(folder, KEY_FILE);
  const known = await ifThere(readFile(path));
  if (known !== undefined && known.length !== KEY_BYTES) {
    throw new Error(`${KEY_FILE} in the folder of log events is no key: it has ${known.length} bytes`);
  }
  if (known !== undefined) return known;
  // They were sealed with another: it may come back, and until then nothing is to be taken for damaged.
  const isNeeded = (await readdir(folder)).some((name) => name.endsWith(SEGMENT_SUFFIX));
  if (isNeeded) throw new Error(`${KEY_FILE} in the folder of log events is missing: put it back`);
  const key = randomBytes(KEY_BYTES);
  await writeKey(path, key);
  return key;
}

/** Puts the key that is in use back where somebody took it away: without it nobody could read what comes after. */
export async function keepDataKey(folder: string, key: Buffer): Promise<void> {
  const path = join(folder, KEY_FILE);
  if ((await ifThere(stat(path))) === undefined) await writeKey(path, key);
}

/** Under another name first, so that a crash leaves no half of a key. */
async function writeKey(path: string, key: Buffer): Promise<void> {
  const handle = await open(`${path}.new`, 'w', OWNER_ONLY);
  try {
    await handle.writeFile(key);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${path}.new`, path);
}
