// The messages between replicas: their format, and which of them are believed.
import type { PayloadKey } from '../../domain/payload-key.js';
import { hashSdkKey } from '../../domain/sdk-key.js';
import { encodingOf } from './redis-names.js';

/** Ours have about 250 characters; anything much longer is not ours. */
const MESSAGE_CHARACTERS_MAX = 2_048;
const KEY_HASH = /^[0-9a-f]{64}$/;

export type FleetMessage =
  | { readonly kind: 'stored'; readonly entryName: string; readonly version: number; readonly by: string }
  | { readonly kind: 'resigned'; readonly by: string };

/** The same on every replica, whatever its key schema. */
export function toEntryName(key: PayloadKey): string {
  return `${key.kind.path}|${encodingOf(key)}|${hashSdkKey(key.sdkKey)}`;
}

export function storedMessage(key: PayloadKey, version: number, by: string): string {
  return JSON.stringify({
    keyHash: hashSdkKey(key.sdkKey),
    path: key.kind.path,
    encoding: encodingOf(key),
    version,
    by,
  });
}

export function resignedMessage(by: string): string {
  return JSON.stringify({ resigned: by });
}

/** Undefined for what no replica sends. */
export function readMessage(text: string): FleetMessage | undefined {
  if (text.length > MESSAGE_CHARACTERS_MAX) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Anybody may publish anything on the channel.
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const message = value as Readonly<Record<string, unknown>>;
  if (typeof message['resigned'] === 'string') return { kind: 'resigned', by: message['resigned'] };
  return readStored(message);
}

function readStored(message: Readonly<Record<string, unknown>>): FleetMessage | undefined {
  const { keyHash: hash, path, encoding, version, by } = message;
  if (typeof hash !== 'string' || !KEY_HASH.test(hash)) return undefined;
  // The path belongs to no payload, so its name is unknown here.
  if (typeof path !== 'string') return undefined;
  if (encoding !== 'plain_text' && encoding !== 'statsig-br') return undefined;
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 0) return undefined;
  if (typeof by !== 'string') return undefined;
  return { kind: 'stored', entryName: `${path}|${encoding}|${hash}`, version, by };
}
