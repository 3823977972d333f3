// Reads and writes all bytes that are asked for: the system may do it in parts.
import type { FileHandle } from 'node:fs/promises';

/** Read, written or hashed in less than a millisecond. */
export const PIECE_BYTES = 262_144;

/** From `position` on; throws where the disk takes a part of them only. */
export async function writeBytes(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    if (bytesWritten === 0) throw new Error('the disk takes no more bytes of a file');
    done += bytesWritten;
  }
}

/** So many bytes from `position` on, or fewer where the file ends before. */
export async function readBytes(
  handle: FileHandle,
  position: number,
  length: number,
  each: (piece: Buffer) => void = () => undefined,
): Promise<Buffer> {
  // Of its own, and not a slice of Node's pool: it may be held for weeks.
  const bytes = Buffer.allocUnsafeSlow(length);
  let done = 0;
  while (done < length) {
    const wanted = Math.min(PIECE_BYTES, length - done);
    const { bytesRead } = await handle.read(bytes, done, wanted, position + done);
    if (bytesRead === 0) break;
    each(bytes.subarray(done, done + bytesRead));
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}
