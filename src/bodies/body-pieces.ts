// A body that is held, in pieces as if it arrived over a network: the event loop turns after each.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { PIECE_BYTES } from './body-encoding.js';

export async function* inPieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    yield bytes.subarray(at, at + PIECE_BYTES);
    await nextTurn();
  }
}
