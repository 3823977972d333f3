// Lists whose bytes are known beforehand, and what is read of a copy of one.
import { createHash } from 'node:crypto';
import type { CopyBytes } from '../../src/protocols/statsig/id-lists/copy-place.js';

const LINE_BYTES = 10;
const LINES_MAX = 1_000_000;

/** From `from` up to, and not with, `to`, of the list with this number: another one has no line of it. */
export function listBytes(list: number, from: number, to: number): Buffer {
  const first = Math.floor(from / LINE_BYTES);
  const last = Math.ceil(to / LINE_BYTES);
  const lines: string[] = [];
  for (let line = first; line < last; line += 1) {
    lines.push(`+${String(list * LINES_MAX + line).padStart(LINE_BYTES - 2, '0')}\n`);
  }
  return Buffer.from(lines.join('')).subarray(from - first * LINE_BYTES, to - first * LINE_BYTES);
}

/** As long as the names of files are. */
export function copyName(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** Lets the copy grow to `to` by bytes of the list. */
export async function grow(copy: CopyBytes, list: number, to: number, pieceBytes = 40_000): Promise<void> {
  for (let at = copy.length; at < to; at += pieceBytes) {
    await copy.append(listBytes(list, at, Math.min(at + pieceBytes, to)));
  }
}

export async function piecesOf(reading: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of reading) pieces.push(piece);
  return pieces;
}

export async function readAll(copy: CopyBytes, from = 0, to = copy.length): Promise<Buffer> {
  return Buffer.concat(await piecesOf(copy.read(from, to)));
}
