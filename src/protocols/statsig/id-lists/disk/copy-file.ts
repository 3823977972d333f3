// The file of one copy: its name, and a header that says how many of the bytes after it are right, and how to tell.
import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { READ_FLAGS, type FileSystem } from '../../../../files/file-system.js';

export interface CopyHeader {
  /** Of the list, after the header; whatever follows them does not count. */
  readonly bytes: number;
  /** Of the copy's name and of so many of its bytes, in hex. */
  readonly sha256: string;
}

/** Of every header: it is written over in place, in one step for a process that is killed. */
export const HEADER_BYTES = 128;
const LAYOUT = 2;
const NAME = /^[A-Za-z0-9_-]{43}$/;
const SUFFIX = '.list';
const SHA256 = /^[0-9a-f]{64}$/;
const FILE_MODE = 0o600;
const WRITE_FLAGS = constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const CREATE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;

/** Whether a copy of this name can have a file: another one could lead out of the folder. */
export function isCopyName(name: string): boolean {
  return NAME.test(name);
}

export function copyFile(name: string): string {
  return name + SUFFIX;
}

/** The name of the copy; undefined for a file that is not ours to touch. */
export function readCopyFile(file: string): string | undefined {
  const name = file.endsWith(SUFFIX) ? file.slice(0, -SUFFIX.length) : '';
  return isCopyName(name) ? name : undefined;
}

/** Begins with the name, so that a file that was copied to another name is not taken for that copy. */
export function startHash(name: string): Hash {
  return createHash('sha256').update(`${name}\n`);
}

/** `hash`: of the name and of all bytes; it can be added to afterwards. */
export function encodeHeader(bytes: number, hash: Hash): Buffer {
  const text = JSON.stringify({ layout: LAYOUT, bytes, sha256: hash.copy().digest('hex') });
  return Buffer.from(`${text.padEnd(HEADER_BYTES - 1)}\n`);
}

/** Undefined where it is not a header of this layout. */
export function readHeader(text: string): CopyHeader | undefined {
  const value = text.length === HEADER_BYTES ? parse(text) : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  const { layout, bytes, sha256 } = value as Record<string, unknown>;
  const isCount = Number.isSafeInteger(bytes) && (bytes as number) >= 0;
  if (layout !== LAYOUT || !isCount || typeof sha256 !== 'string' || !SHA256.test(sha256)) return undefined;
  return { bytes: bytes as number, sha256 };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Cut off, or written by another program.
    return undefined;
  }
}

/*
 * A file is opened for each piece and closed again: a copy that waits for its next piece, or for a client that reads
 * slowly, holds no file open, and nothing has to be closed when an operation turns out to be late.
 */

export async function withCopyFile<Value>(
  files: FileSystem,
  path: string,
  flags: 'create' | 'write' | 'read',
  use: (handle: FileHandle) => Promise<Value>,
): Promise<Value> {
  const handle = await files.open(path, FLAGS[flags], FILE_MODE);
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

const FLAGS = { create: CREATE_FLAGS, write: WRITE_FLAGS, read: READ_FLAGS };
