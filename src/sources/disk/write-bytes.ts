// Writes all of what is to be written: the system may take it in parts.
import type { FileHandle } from 'node:fs/promises';

/** Throws where the disk takes a part of them only. */
export async function writeBytes(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    if (bytesWritten === 0) throw new Error('the disk takes no more bytes of a file');
    done += bytesWritten;
  }
}
