// Names in Redis: of entries, of the leader's lock, and of the channel.
import type { PayloadKey } from '../../domain/payload-key.js';
import { hashSdkKey } from '../../domain/sdk-key.js';
import type { RedisKeySchema, RedisOptions } from './redis-options.js';

/** What SFP and SDKs' adapters call the two formats. */
export type EntryEncoding = 'plain_text' | 'statsig-br';

/** How much of an SDK key is in names of the `prefix` schema. */
const PREFIX_CHARACTERS = 20;

/** What names of what is kept for operators begin with: no SDK looks there. */
export const KEPT_SPACE = 'spec-forward-proxy';

export interface EntryNames {
  /** The entry's own name. */
  readonly entry: string;
  /** A second name with the same config, for readers that date from SFP 1. */
  readonly mirror: string | undefined;
  readonly encoding: EntryEncoding;
  /** Hex SHA-256 of the SDK key. */
  readonly owner: string;
  /** Several keys may share the name, as their first characters are the same. */
  readonly isShared: boolean;
}

export class RedisNames {
  /** Of the leader's lock, which SFP calls so too. */
  readonly lease: string;
  readonly channel: string;
  /** In front of every name; empty for none. */
  readonly prefix: string;
  readonly #schema: RedisKeySchema;
  readonly #hasMirror: boolean;
  readonly #space: string;

  /** `space`: what names of entries begin with; SDKs look for `statsig`. */
  constructor(
    {
      keyPrefix,
      keySchema,
      doubleWriteLegacyKey,
    }: Pick<RedisOptions, 'keyPrefix' | 'keySchema' | 'doubleWriteLegacyKey'>,
    space = 'statsig',
  ) {
    this.#space = space;
    this.prefix = toNamePrefix(keyPrefix);
    this.lease = `${this.prefix}statsig_forward_proxy::leader`;
    this.channel = `${this.prefix}spec-forward-proxy::updates`;
    this.#schema = keySchema;
    this.#hasMirror = doubleWriteLegacyKey;
  }

  /** Not cached: it takes four microseconds, most of them for the hash. */
  of(key: PayloadKey): EntryNames {
    const owner = hashSdkKey(key.sdkKey);
    const encoding = encodingOf(key);
    const { isContentAddressed, isNamedByHash = isContentAddressed } = key.kind;
    const isByPrefix = this.#schema === 'prefix' && !isNamedByHash;
    // A key as short as its prefix would be stored whole.
    const isShared = isByPrefix && key.sdkKey.length > PREFIX_CHARACTERS;
    const whose = isShared
      ? key.sdkKey.slice(0, PREFIX_CHARACTERS)
      : Buffer.from(owner, 'hex').toString('base64');
    const isMirrored = this.#hasMirror && key.kind.hasLegacyName && key.format === 'json';
    return {
      entry: `${this.prefix}${this.#space}|${key.kind.path}|${encoding}|${whose}`,
      mirror: isMirrored ? `${this.prefix}statsig::${owner}` : undefined,
      encoding,
      owner,
      isShared,
    };
  }
}

/** As SFP reads a prefix: without the space around it, with one colon behind it, and none of it where it is blank. */
export function toNamePrefix(text: string): string {
  // What String.trim takes for space differs from that by two characters.
  const prefix = text.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, '');
  return prefix === '' || prefix.endsWith(':') ? prefix : `${prefix}:`;
}

export function encodingOf(key: PayloadKey): EntryEncoding {
  return key.format === 'json' ? 'plain_text' : 'statsig-br';
}
