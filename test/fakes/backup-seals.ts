// Seals for bodies that are stored: none, and such with keys that a test names by a number.
import { DataKeys, parseDataKeys } from '../../src/files/data-keys.js';
import { BackupSeal } from '../../src/storage/backup-seal.js';
import { ManualClock } from './manual-clock.js';

export function dataKeysOf(...numbers: readonly number[]): DataKeys {
  const lines = numbers.map((number) => Buffer.alloc(32, number).toString('base64'));
  return new DataKeys(new ManualClock(), parseDataKeys(lines.join('\n')).keys);
}

/** Reads what these keys have sealed, and seals nothing. */
export function plainSeal(...numbers: readonly number[]): BackupSeal {
  return new BackupSeal(dataKeysOf(...numbers), false);
}

/** Seals with the first of these keys. */
export function sealWith(...numbers: readonly number[]): BackupSeal {
  return new BackupSeal(dataKeysOf(...numbers), true);
}
