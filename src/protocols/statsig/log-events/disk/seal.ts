// Seals what is written to files of log events, so that no SDK key stands in them in plain text; the seal is the checksum too.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ifThere } from '../../../../files/file-system.js';
import { BatchDamage } from '../batch.js';
import type { Sealer } from '../sealer.js';

const KEY_FILE = 'key';
const KEY_BYTES = 32;
const OWNER_ONLY = 0o600;
const CIPHER = 'aes-256-gcm';
/** Random: after 2^36 batches under one key, two nonces are the same with a probability of 2^-25. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/**
 * Sealed in about half a millisecond; the event loop gets its turn after each. WebCrypto, which works in threads, was
 * measured: its copies of 20 MiB block the event loop for 30 ms, and small batches cost twice the CPU.
 */
const PIECE_BYTES = 1024 * 1024;

/**
 * Batches hold SDK keys, some of them in their bodies too, and must be sendable after a restart, so their key lies beside
 * them. This keeps SDK keys out of searches, backups of single files and support bundles; it does not protect them from
 * anyone who can read the whole folder.
 */
export class Seal implements Sealer {
  readonly isSealed = true;
  readonly #key: Buffer;

  private constructor(key: Buffer) {
    this.#key = key;
  }

  /** With the key in the folder, which is made where nothing is sealed yet. */
  static async load(folder: string): Promise<Seal> {
    const known = await ifThere(readFile(join(folder, KEY_FILE)));
    // The files were sealed with a key that may come back: until then they must not count as damaged.
    const isMissing = known === undefined && (await readdir(folder)).some((name) => name.endsWith('.events'));
    if (isMissing) throw new Error(`${KEY_FILE} in the folder of log events is missing: put it back`);
    const key = known ?? randomBytes(KEY_BYTES);
    if (key.length !== KEY_BYTES) {
      throw new Error(`${KEY_FILE} in the folder of log events has ${key.length} bytes, not ${KEY_BYTES}`);
    }
    const seal = new Seal(key);
    await seal.keepKey(folder);
    return seal;
  }

  /** Writes the key where it is missing: without it, later files could not be read. */
  async keepKey(folder: string): Promise<void> {
    const path = join(folder, KEY_FILE);
    if ((await ifThere(stat(path))) !== undefined) return;
    // Under another name first, so that a crash leaves no half of a key.
    await writeFile(`${path}.new`, this.#key, { mode: OWNER_ONLY, flush: true });
    await rename(`${path}.new`, path);
  }

  /** Nonce, sealed content and tag, in pieces. */
  async close(content: readonly Uint8Array[]): Promise<Buffer[]> {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce);
    const sealed = [nonce];
    for (const part of content) {
      for await (const piece of inTurns(part)) sealed.push(cipher.update(piece));
    }
    sealed.push(cipher.final(), cipher.getAuthTag());
    return sealed;
  }

  /** Throws `BatchDamage` where `sealed` is not what `close` returned. */
  async open(sealed: Buffer): Promise<Buffer> {
    const tagFrom = sealed.length - TAG_BYTES;
    if (tagFrom < NONCE_BYTES) throw new BatchDamage('the record is too short for a seal');
    const decipher = createDecipheriv(CIPHER, this.#key, sealed.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(sealed.subarray(tagFrom));
    const content = Buffer.allocUnsafeSlow(tagFrom - NONCE_BYTES);
    let at = 0;
    for await (const piece of inTurns(sealed.subarray(NONCE_BYTES, tagFrom))) {
      at += decipher.update(piece).copy(content, at);
    }
    try {
      decipher.final();
    } catch (error) {
      throw new BatchDamage('the seal is broken', { cause: error });
    }
    return content;
  }
}

async function* inTurns(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    if (at > 0) await nextTurn();
    yield bytes.subarray(at, at + PIECE_BYTES);
  }
}
