// Pinned SDK keys: from a file, one a line, and from a list; faults name the line, never the key.
import { fileFault } from '../files/small-file.js';
import { isValidSdkKey, SDK_KEY_RULE } from '../domain/sdk-key.js';

export interface PinnedKeys {
  readonly sdkKeys: ReadonlySet<string>;
  /** What the keys file holds; empty where there is none. */
  readonly fileText: string;
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
  const fileText = sources.sdkKeysFile === '' ? '' : readText(sources.sdkKeysFile, readFile, faults);
  if (fileText !== '') {
    fileText.split(/\r?\n/).forEach((line, index) => {
      add(line, `line ${index + 1} of the SDK keys file`);
    });
  }
  if (sdkKeys.size > sources.maximumConcurrentSdkKeys) {
    faults.push(
      `${sdkKeys.size} SDK keys are pinned, more than --maximum-concurrent-sdk-keys ` +
        `(${sources.maximumConcurrentSdkKeys}) allows: raise that or pin fewer`,
    );
  }
  return { sdkKeys, fileText, faults };
}

function readText(path: string, readFile: (path: string) => string, faults: string[]): string {
  try {
    return readFile(path);
  } catch (error) {
    faults.push(`--sdk-keys-file (SFP_SDK_KEYS_FILE): ${fileFault(path, error)}`);
    return '';
  }
}
