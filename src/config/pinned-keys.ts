// Pinned SDK keys: from a file, one a line, and from a list; faults name the line, never the key.
import { isValidSdkKey, maskSdkKeysIn, SDK_KEY_RULE } from '../domain/sdk-key.js';

/** What a pinned key can have, by the names that settings give it. */
export const PINNED_PAYLOADS = ['v1', 'v2', 'v2-protobuf', 'id-lists'] as const;
export type PinnedPayloadName = (typeof PINNED_PAYLOADS)[number];

/** A list of names, as the setting was found to be one. */
export function readPinnedPayloads(text: string): readonly PinnedPayloadName[] {
  const names = text.split(',');
  return PINNED_PAYLOADS.filter((name) => names.includes(name));
}

export interface PinnedKeys {
  readonly sdkKeys: ReadonlySet<string>;
  readonly faults: readonly string[];
}

export interface PinnedKeySources {
  /** Path of the keys file; empty for none. */
  readonly sdkKeysFile: string;
  /** Keys separated by commas; empty for none. */
  readonly sdkKeys: string;
  readonly maximumConcurrentSdkKeys: number;
}

/** `readFile` gives a file's text, or throws. */
export function readPinnedKeys(sources: PinnedKeySources, readFile: (path: string) => string): PinnedKeys {
  const sdkKeys = new Set<string>();
  const faults: string[] = [];
  const add = (text: string, where: string): void => {
    const sdkKey = text.replace(/#.*$/, '').trim();
    if (sdkKey === '') return;
    if (isValidSdkKey(sdkKey)) sdkKeys.add(sdkKey);
    else faults.push(`${where} is not a valid SDK key: SDK keys must be ${SDK_KEY_RULE}`);
  };

  sources.sdkKeys.split(',').forEach((part, index) => {
    add(part, `key ${index + 1} of --sdk-keys (SFP_SDK_KEYS)`);
  });
  if (sources.sdkKeysFile !== '') {
    const text = readText(sources.sdkKeysFile, readFile, faults);
    text.split(/\r?\n/).forEach((line, index) => {
      add(line, `line ${index + 1} of the SDK keys file`);
    });
  }
  if (sdkKeys.size > sources.maximumConcurrentSdkKeys) {
    faults.push(
      `${sdkKeys.size} SDK keys are pinned, more than --maximum-concurrent-sdk-keys ` +
        `(${sources.maximumConcurrentSdkKeys}) allows: raise that or pin fewer`,
    );
  }
  return { sdkKeys, faults };
}

function readText(path: string, readFile: (path: string) => string, faults: string[]): string {
  try {
    return readFile(path);
  } catch (error) {
    faults.push(`--sdk-keys-file (SFP_SDK_KEYS_FILE): ${fileFault(path, error)}`);
    return '';
  }
}

/** Why a file could not be read, in words. Where a path belongs, somebody may have put a key. */
export function fileFault(path: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return `cannot read ${maskSdkKeysIn(path)} (${code})`;
}
