// Pinned SDK keys: from a file, one a line, and from a list; faults name the line, never the key.
import { isValidSdkKey, maskSdkKeysIn, SDK_KEY_RULE } from '../domain/sdk-key.js';
import { sourceOf } from './setting.js';
import { settings } from './settings.js';

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
    add(part, `${sourceOf(settings.sdkKeys)}: key ${index + 1}`);
  });
  const path = sources.sdkKeysFile;
  if (path !== '') {
    const text = readText(path, readFile, faults);
    text.split(/\r?\n/).forEach((line, index) => {
      add(line, `${sourceOf(settings.sdkKeysFile)}: line ${index + 1} of ${maskSdkKeysIn(path)}`);
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
    faults.push(`${sourceOf(settings.sdkKeysFile)}: ${fileFault(path, error)}`);
    return '';
  }
}

const WORDS_FOR_CODE: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a directory, not a file',
};

/** Why a file could not be read, in words. Where a path belongs, somebody may have put a key. */
export function fileFault(path: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return `${maskSdkKeysIn(path)} ${WORDS_FOR_CODE[code] ?? 'cannot be read'} (${code})`;
}
