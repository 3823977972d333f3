// Gathers the bytes of a request into one block, and hands them on when the request has ended.
import type { ServerHttp2Stream } from 'node:http2';

/** What most requests fit in; a larger one gets the largest block there is. */
const BLOCK_BYTES = 512;

export interface GatheringListener {
  /** The client has sent all of its request. */
  ended(): void;
  /** The request has more than `bytesMax`: nothing of it is kept. */
  tooLarge(): void;
}

/**
 * grpc-js keeps the pieces of a message as they come. One of one byte costs some hundred bytes, and keeps the whole
 * read of its connection, up to 64 KiB, alive: 38 MiB on the wire cost 451 MiB. So grpc-js gets a request whole.
 *
 * To be called before anything of the stream is read.
 */
export function gatherRequest(
  stream: ServerHttp2Stream,
  bytesMax: number,
  listener: GatheringListener,
): void {
  const pushOn = stream.push.bind(stream);
  let block = Buffer.alloc(0);
  let filled = 0;
  let isTooLarge = false;
  const take = (piece: Buffer): void => {
    const needed = filled + piece.length;
    if (isTooLarge) return;
    if (needed > bytesMax) {
      isTooLarge = true;
      block = Buffer.alloc(0);
      filled = 0;
      listener.tooLarge();
      return;
    }
    if (needed > block.length) {
      // Not from the pool: a block that is kept would keep its neighbours.
      const larger = Buffer.allocUnsafeSlow(needed > BLOCK_BYTES ? bytesMax : BLOCK_BYTES);
      block.copy(larger, 0, 0, filled);
      block = larger;
    }
    piece.copy(block, filled);
    filled = needed;
  };
  // Node hands each piece that arrives, and at the end null, to this method.
  stream.push = (piece: Buffer | null): boolean => {
    if (piece !== null) {
      take(piece);
      return true;
    }
    listener.ended();
    if (filled > 0) pushOn(block.subarray(0, filled));
    return pushOn(null);
  };
}

/** Calls `ended` when the client has sent all of its request, read or not. */
export function tellEnd(stream: ServerHttp2Stream, ended: () => void): void {
  const pushOn = stream.push.bind(stream);
  stream.push = (piece: Buffer | null): boolean => {
    if (piece === null) ended();
    return pushOn(piece);
  };
}
