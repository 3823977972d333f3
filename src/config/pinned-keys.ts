// Pinned SDK keys and their names: from a file, one a line, from a list, and from SFP's list; faults name the line, never the key.
import { fileFault } from '../files/small-file.js';
import {
  isValidKeyName,
  isValidSdkKey,
  KEY_NAME_RULE,
  maskSdkKeysIn,
  SDK_KEY_RULE,
} from '../domain/sdk-key.js';
import { sourceOf } from './setting.js';
import { settings } from './settings.js';
import { gateKeyOf } from './statsig-projects.js';
import { readWarmUp, type WarmUp } from './warm-up.js';

export interface PinnedKeys {
  readonly sdkKeys: ReadonlySet<string>;
  /** What keys are to be called, by key; not every key has a name. */
  readonly names: ReadonlyMap<string, string>;
  /** What the keys file holds; empty where there is none. */
  readonly fileText: string;
  /** Of SFP's list of keys to fetch at a start, which are pinned like the others. */
  readonly warmUp: WarmUp;
  readonly faults: readonly string[];
}

export interface PinnedKeySources {
  /** Path of the keys file; empty for none. */
  readonly sdkKeysFile: string;
  /** Keys separated by commas, each perhaps as `name=key`; empty for none. */
  readonly sdkKeys: string;
  /** SFP's list; empty for none. */
  readonly startupWarmupKeysJson: string;
  readonly maximumConcurrentSdkKeys: number;
  /** The proxy's own key, and what leaves it without a use: it takes a place of its own. */
  readonly statsigServerSdkKey: string;
  readonly forceGcpProfilingEnabled: boolean;
  /** `pinned`: other keys are refused. */
  readonly sdkKeysPolicy: string;
}

/** `readFile` gives a file's text, or throws. */
export function readPinnedKeys(sources: PinnedKeySources, readFile: (path: string) => string): PinnedKeys {
  const sdkKeys = new Set<string>();
  const names = new Map<string, string>();
  const keysByName = new Map<string, string>();
  const faults: string[] = [];
  const add = (text: string, where: string): void => {
    const entry = text.replace(/#.*$/, '').trim();
    if (entry === '') return;
    const [, name, sdkKey = entry] = /^([^=]*?)\s*=\s*(.*)$/.exec(entry) ?? [];
    const fault = entryFault(sdkKey, name, { names, keysByName });
    if (fault !== undefined) {
      faults.push(`${where} ${fault}`);
      return;
    }
    sdkKeys.add(sdkKey);
    if (name === undefined) return;
    names.set(sdkKey, name);
    keysByName.set(name, sdkKey);
  };

  sources.sdkKeys.split(',').forEach((part, index) => {
    add(part, `${sourceOf(settings.sdkKeys)}: key ${index + 1}`);
  });
  const path = sources.sdkKeysFile;
  const fileText = path === '' ? '' : readText(path, readFile, faults);
  if (fileText !== '') {
    fileText.split(/\r?\n/).forEach((line, index) => {
      add(line, `${sourceOf(settings.sdkKeysFile)}: line ${index + 1} of ${maskSdkKeysIn(path)}`);
    });
  }
  const warmUp = readWarmUp(sources.startupWarmupKeysJson);
  for (const sdkKey of warmUp.payloads.keys()) sdkKeys.add(sdkKey);
  const own = gateKeyOf(sources);
  const places = own === undefined || sdkKeys.has(own) ? sdkKeys.size : sdkKeys.size + 1;
  if (places > sources.maximumConcurrentSdkKeys) {
    faults.push(
      `${places} SDK keys are pinned, more than --maximum-concurrent-sdk-keys ` +
        `(${sources.maximumConcurrentSdkKeys}) allows: raise that or pin fewer`,
    );
  }
  if (sources.sdkKeysPolicy === 'pinned' && sdkKeys.size === 0 && faults.length === 0) {
    faults.push(
      `${sourceOf(settings.sdkKeysPolicy)}: 'pinned' without a pinned key would refuse everybody: ` +
        `name keys by ${sourceOf(settings.sdkKeysFile)} or ${sourceOf(settings.sdkKeys)}`,
    );
  }
  return { sdkKeys, names, fileText, warmUp, faults };
}

/** What is wrong, as the end of a sentence. Not even the name is shown: it may be the key, in the wrong place. */
function entryFault(
  sdkKey: string,
  name: string | undefined,
  { names, keysByName }: Readonly<Record<'names' | 'keysByName', ReadonlyMap<string, string>>>,
): string | undefined {
  if (name !== undefined && !isValidKeyName(name))
    return `has no valid name before its =: names must be ${KEY_NAME_RULE}`;
  if (!isValidSdkKey(sdkKey)) return `is not a valid SDK key: SDK keys must be ${SDK_KEY_RULE}`;
  if (name === undefined) return undefined;
  if ((names.get(sdkKey) ?? name) !== name) return 'gives a key a second name: each key has one';
  if ((keysByName.get(name) ?? sdkKey) === sdkKey) return undefined;
  return 'has the name of another key: each key needs a name of its own';
}

function readText(path: string, readFile: (path: string) => string, faults: string[]): string {
  try {
    return readFile(path);
  } catch (error) {
    faults.push(`${sourceOf(settings.sdkKeysFile)}: ${fileFault(path, error)}`);
    return '';
  }
}
