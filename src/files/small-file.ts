// Reading a file that an operator names: whole, or not at all where it is larger than any such file should be.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { maskSdkKeysIn } from '../domain/sdk-key.js';
import { errorCode } from './file-system.js';

/** Ten thousand keys, or every certificate authority that a distribution trusts, take less than a fifth of this. */
export const SMALL_FILE_BYTES_MAX = 4 * 1024 * 1024;

/** Symbolic links are followed, as Kubernetes makes them. A pipe is refused: what is in it can be read only once. */
export async function readSmallFile(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw Object.assign(new Error(), { code: 'not a regular file' });
    if (found.size > SMALL_FILE_BYTES_MAX) throw Object.assign(new Error(), { code: 'EFBIG' });
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

const WORDS_FOR_CODE: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a directory, not a file',
};

/** Why a file could not be read, in words. A key may have been given in the place of the path. */
export function fileFault(path: string, error: unknown): string {
  const code = errorCode(error) || 'unknown error';
  return `${maskSdkKeysIn(path)} ${WORDS_FOR_CODE[code] ?? 'cannot be read'} (${code})`;
}
