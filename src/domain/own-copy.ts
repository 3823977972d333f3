// A string or a buffer with bytes of its own, for what goes into a table.

/**
 * One cut out of a longer string keeps all of that alive: a table of 10,000 refused keys would hold as many URLs, which is
 * 165 MB where they are padded.
 */
export function ownCopy(text: string): string {
  return Buffer.from(text).toString();
}

/**
 * The pieces joined, for what is held longer than a moment. `Buffer.from` and `Buffer.concat` take small buffers from a block that
 * everything shares, of 64 KiB in Node 24 and 8 in Node 20, and a single one keeps its whole block alive: 353 events of 600 bytes held
 * 23 MB.
 */
export function ownBytes(pieces: readonly Uint8Array[]): Buffer {
  const own = Buffer.allocUnsafeSlow(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    own.set(piece, at);
    at += piece.length;
  }
  return own;
}
