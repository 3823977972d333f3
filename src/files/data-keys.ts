// The keys of the data key file: the first seals what is stored, each opens what it has sealed, and both may change while in use.
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Clock } from '../domain/clock.js';
import { RecentTrouble } from '../observability/recent-trouble.js';
import { BrokenSeal, closeWith, openWith, SEAL_BYTES, SEAL_KEY_BYTES, type Seal } from './seal.js';

/** One that seals, and the one before it. */
const KEYS_MAX = 2;
/** In front of what is sealed: a mark, the key's id, and a checksum of both, so that damage is not taken for a missing key. */
const HEAD_MARK = Buffer.from('SFP1');
const ID_BYTES = 8;
const ID_TO = HEAD_MARK.length + ID_BYTES;
const HEAD_BYTES = ID_TO + 4;
/** What a seal adds to the content. */
export const DATA_KEY_SEAL_BYTES = HEAD_BYTES + SEAL_BYTES;
const HOW_TO_MAKE = 'make one with: openssl rand -base64 32';

export interface DataKey {
  /** In hex; stands in front of what the key has sealed, and may be shown. */
  readonly id: string;
  readonly key: Buffer;
}

/** Sealed with a key that is not in the file: it can be opened once the key is there. */
export class DataKeyMissing extends Error {
  override readonly name = 'DataKeyMissing';
  readonly id: string;

  constructor(id: string) {
    super(`sealed with data key ${id}, which is not in the data key file: put it back, as its second line`);
    this.id = id;
  }
}

/** `keys` are complete where there are no faults. No fault shows anything of a line. */
export function parseDataKeys(text: string): {
  readonly keys: readonly DataKey[];
  readonly faults: readonly string[];
} {
  const keys: DataKey[] = [];
  const faults: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const entry = line.replace(/#.*$/, '').trim();
    if (entry === '') continue;
    const key = decodeKey(entry);
    if (key === undefined) {
      faults.push(`line ${index + 1} is not ${SEAL_KEY_BYTES} bytes in base64 or hex: ${HOW_TO_MAKE}`);
      continue;
    }
    const id = idOf(key);
    if (keys.some((known) => known.id === id)) faults.push(`line ${index + 1} repeats the key above`);
    keys.push({ id, key });
  }
  if (faults.length === 0 && keys.length === 0) faults.push(`holds no key: ${HOW_TO_MAKE}`);
  if (faults.length === 0 && keys.length > KEYS_MAX) {
    faults.push(`holds ${keys.length} keys: one that seals, and the one before it at most`);
  }
  return { keys, faults };
}

/** Undefined where it is no key: both forms have one length only. */
function decodeKey(text: string): Buffer | undefined {
  if (/^[0-9A-Fa-f]{64}$/.test(text)) return Buffer.from(text, 'hex');
  if (!/^[0-9A-Za-z+/_-]{43}=?$/.test(text)) return undefined;
  return Buffer.from(text, 'base64');
}

function idOf(key: Buffer): string {
  const hash = createHash('sha256').update('spec-forward-proxy data key').update(key).digest();
  return hash.toString('hex', 0, ID_BYTES);
}

function headOf(id: string): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  HEAD_MARK.copy(head);
  head.write(id, HEAD_MARK.length, 'hex');
  head.writeUInt32BE(crc32(head.subarray(0, ID_TO)), ID_TO);
  return head;
}

/** The id of the key; undefined where `sealed` does not begin as what data keys seal. */
function readHead(sealed: Buffer): string | undefined {
  const isWhole =
    sealed.length >= HEAD_BYTES &&
    sealed.subarray(0, HEAD_MARK.length).equals(HEAD_MARK) &&
    sealed.readUInt32BE(ID_TO) === crc32(sealed.subarray(0, ID_TO));
  return isWhole ? sealed.toString('hex', HEAD_MARK.length, ID_TO) : undefined;
}

/** Whether it begins as what data keys seal. */
export function isSealedWithDataKey(bytes: Buffer): boolean {
  return readHead(bytes) !== undefined;
}

/** Without a file there are no keys: nothing can be sealed, and what was sealed before waits for its key. */
export class DataKeys implements Seal {
  #keys: readonly DataKey[];
  readonly #missing: RecentTrouble;
  #missingId = '';
  readonly #listeners: (() => void)[] = [];

  constructor(clock: Clock, keys: readonly DataKey[] = []) {
    this.#keys = keys;
    this.#missing = new RecentTrouble(clock);
  }

  /** Of the key that seals; undefined where there is none. */
  get sealingId(): string | undefined {
    return this.#keys[0]?.id;
  }

  get ids(): readonly string[] {
    return this.#keys.map(({ id }) => id);
  }

  /** What could not be opened lately, and the key that the last of it needs; undefined where nothing was. */
  get missing(): { readonly id: string; readonly forMs: number; readonly count: number } | undefined {
    const { current } = this.#missing;
    return current && { id: this.#missingId, ...current };
  }

  replace(keys: readonly DataKey[]): void {
    this.#keys = keys;
    for (const listener of this.#listeners) listener();
  }

  /** `listener` is called when other keys are there. */
  subscribe(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** A head that names the key, then what `closeWith` gives. */
  async close(content: readonly Uint8Array[], purpose = ''): Promise<Buffer[]> {
    const [first] = this.#keys;
    if (first === undefined) throw new Error('there is no data key to seal with');
    return [headOf(first.id), ...(await closeWith(first.key, content, purpose))];
  }

  async open(sealed: Buffer, purpose = ''): Promise<Buffer> {
    const id = readHead(sealed);
    if (id === undefined) throw new BrokenSeal('not sealed with a data key');
    const found = this.#keys.find((known) => known.id === id);
    if (found !== undefined) return await openWith(found.key, sealed.subarray(HEAD_BYTES), purpose);
    this.#missingId = id;
    this.#missing.occurred();
    throw new DataKeyMissing(id);
  }
}
