// Whether stored bodies are sealed, and with what: new ones as settings say, and those that are there are read either way.
import type { PayloadKey } from '../domain/payload-key.js';
import { hashSdkKey } from '../domain/sdk-key.js';
import { DataKeyMissing, type DataKeys } from '../files/data-keys.js';
import { BrokenSeal } from '../files/seal.js';
import type { SnapshotFault } from './snapshots.js';

export class BackupSeal {
  readonly #dataKeys: DataKeys;
  readonly #isOn: boolean;

  constructor(dataKeys: DataKeys, isOn: boolean) {
    this.#dataKeys = dataKeys;
    this.#isOn = isOn;
  }

  /** Of the data key that seals what is stored now; empty where it is stored as it is. */
  get id(): string {
    return (this.#isOn && this.#dataKeys.sealingId) || '';
  }

  /** To be called where there is an id. What is sealed counts for this version of this payload only. */
  async close(key: PayloadKey, version: number, body: Buffer): Promise<Buffer> {
    return Buffer.concat(await this.#dataKeys.close([body], purposeOf(key, version)));
  }

  /** The body, or why it cannot be had. */
  async open(key: PayloadKey, version: number, sealed: Buffer): Promise<Buffer | SnapshotFault> {
    try {
      return await this.#dataKeys.open(sealed, purposeOf(key, version));
    } catch (error) {
      if (error instanceof DataKeyMissing) return 'data_key_missing';
      if (error instanceof BrokenSeal) return 'torn';
      throw error;
    }
  }
}

function purposeOf({ kind, format, sdkKey }: PayloadKey, version: number): string {
  return `${kind.name}|${format}|${hashSdkKey(sdkKey)}|${version}`;
}
