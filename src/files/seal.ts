// Encrypts bytes so that only the holder of a key reads them, and any change to them shows: AES-256-GCM, piece by piece.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';

export const SEAL_KEY_BYTES = 32;
const CIPHER = 'aes-256-gcm';
/** Random: after 2^36 seals under one key, two nonces are the same with a probability of 2^-25. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What `closeWith` adds to the content. */
export const SEAL_BYTES = NONCE_BYTES + TAG_BYTES;
/**
 * Sealed in about half a millisecond; the event loop gets its turn after each. WebCrypto, which works in threads, was
 * measured: its copies of 20 MiB block the event loop for 30 ms, and small batches cost twice the CPU.
 */
const PIECE_BYTES = 1024 * 1024;

/** What was to be opened is not what was sealed, or not for this purpose. */
export class BrokenSeal extends Error {
  override readonly name = 'BrokenSeal';
}

export interface Seal {
  /** In pieces. `purpose` is not part of the result: what is sealed for one purpose cannot be opened for another. */
  close(content: readonly Uint8Array[], purpose?: string): Promise<Buffer[]>;
  /** Rejects with a BrokenSeal where `sealed` is not what `close` gave, and with a DataKeyMissing where its key is not there. */
  open(sealed: Buffer, purpose?: string): Promise<Buffer>;
}

/** Nonce, sealed content and tag, in pieces. */
export async function closeWith(
  key: Buffer,
  content: readonly Uint8Array[],
  purpose: string,
): Promise<Buffer[]> {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce);
  cipher.setAAD(Buffer.from(purpose));
  const sealed = [nonce];
  for (const part of content) {
    for await (const piece of inTurns(part)) sealed.push(cipher.update(piece));
  }
  sealed.push(cipher.final(), cipher.getAuthTag());
  return sealed;
}

/** Rejects with a BrokenSeal where `sealed` is not what `closeWith` gave for this key and purpose. */
export async function openWith(key: Buffer, sealed: Buffer, purpose: string): Promise<Buffer> {
  const tagFrom = sealed.length - TAG_BYTES;
  if (tagFrom < NONCE_BYTES) throw new BrokenSeal('too short for a seal');
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES));
  decipher.setAAD(Buffer.from(purpose));
  decipher.setAuthTag(sealed.subarray(tagFrom));
  const content = Buffer.allocUnsafeSlow(tagFrom - NONCE_BYTES);
  let at = 0;
  for await (const piece of inTurns(sealed.subarray(NONCE_BYTES, tagFrom))) {
    at += decipher.update(piece).copy(content, at);
  }
  try {
    decipher.final();
  } catch (error) {
    throw new BrokenSeal('the seal is broken', { cause: error });
  }
  return content;
}

async function* inTurns(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    if (at > 0) await nextTurn();
    yield bytes.subarray(at, at + PIECE_BYTES);
  }
}
