// What stands beside a copy: up to where its bytes are known to be right, and how to tell.
import { createHash, type Hash } from 'node:crypto';

export interface Checkpoint {
  /** Of the copy: what follows does not count. */
  readonly bytes: number;
  /** Of the copy's name and of so many of its bytes, in hex. */
  readonly sha256: string;
  /** When the copy was last asked for, by the wall clock, in milliseconds since 1970; up to a minute late. */
  readonly usedAtMs: number;
}

const LAYOUT = 1;
/** Longer than any: what is longer is none. */
export const CHECKPOINT_BYTES_MAX = 256;
const SHA256 = /^[0-9a-f]{64}$/;

/** Begins with the name, so that a file that came under another name is not taken for that copy. */
export function startHash(name: string): Hash {
  return createHash('sha256').update(`${name}\n`);
}

export function encodeCheckpoint({ bytes, sha256, usedAtMs }: Checkpoint): Buffer {
  return Buffer.from(`${JSON.stringify({ layout: LAYOUT, bytes, sha256, usedAtMs })}\n`);
}

/** Undefined where it is none, or one of another layout. */
export function readCheckpoint(text: string): Checkpoint | undefined {
  const value = parse(text);
  if (typeof value !== 'object' || value === null) return undefined;
  const { layout, bytes, sha256, usedAtMs } = value as Record<string, unknown>;
  const isWhole = layout === LAYOUT && isCount(bytes) && isCount(usedAtMs);
  if (!isWhole || typeof sha256 !== 'string' || !SHA256.test(sha256)) return undefined;
  return { bytes, sha256, usedAtMs };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Cut off, or written by somebody else.
    return undefined;
  }
}
