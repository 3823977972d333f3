// Why a folder cannot be used, found without making it: for the check of settings.
import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode } from './file-system.js';

/** What follows the folder's name in a sentence; undefined where it is there or can be made. */
export function folderFault(path: string): string | undefined {
  try {
    if (!statSync(path).isDirectory()) return 'is not a directory';
    accessSync(path, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    const code = errorCode(error);
    const parent = dirname(path);
    return code === 'ENOENT' && parent !== path ? folderFault(parent) : `cannot be used (${code})`;
  }
}
