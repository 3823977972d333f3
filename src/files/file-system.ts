// The file operations that folders of ours need: the system's own, behind a port so that tests can make them fail.
import { constants } from 'node:fs';
import { link, lstat, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';

export interface FileSystem {
  readonly link: typeof link;
  readonly lstat: typeof lstat;
  readonly mkdir: typeof mkdir;
  readonly open: typeof open;
  readonly readdir: typeof readdir;
  readonly rename: typeof rename;
  readonly stat: typeof stat;
  readonly unlink: typeof unlink;
}

export const systemFiles: FileSystem = { link, lstat, mkdir, open, readdir, rename, stat, unlink };

/** The system's own name for what went wrong, as `ENOSPC`; empty where an error has none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Symbolic links are not followed, and a named pipe does not block a thread until it is written to. */
export const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** What opening with these says of a link, and of a socket. */
const NO_FILE_CODES: readonly string[] = ['ELOOP', 'ENXIO'];

/** Whether opening failed because the path is not that of a regular file. */
export function isNoFile(error: unknown): boolean {
  return NO_FILE_CODES.includes(errorCode(error));
}

/** The value, or undefined where the file is not there. */
export async function ifThere<Value>(found: Promise<Value>): Promise<Value | undefined> {
  try {
    return await found;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
