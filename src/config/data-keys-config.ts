// What the settings of data keys come to: the keys of a file, and whether backups can be sealed with them.
import { maskSdkKeysIn } from '../domain/sdk-key.js';
import { parseDataKeys, type DataKey } from '../files/data-keys.js';
import { fileFault } from '../files/small-file.js';
import type { Parsed, ReadFile } from './access-config.js';
import { sourceOf } from './setting.js';
import { settings, type SettingValues } from './settings.js';

type DataKeyValues = Pick<SettingValues, 'dataKeyFile' | 'encryptBackups' | 'doubleWriteCacheForLegacyKey'>;

/** `readFile` gives a file's text, or throws. */
export function readDataKeys(
  values: DataKeyValues,
  readFile: (path: string) => string,
): { readonly dataKeys: ReadFile<readonly DataKey[]> | undefined; readonly faults: readonly string[] } {
  const { dataKeyFile: path } = values;
  const source = sourceOf(settings.dataKeyFile);
  const contradictions = contradictionsIn(values);
  if (path === '' || contradictions.length > 0) return { dataKeys: undefined, faults: contradictions };
  try {
    const text = readFile(path);
    const { content, faults } = parseDataKeyFile(path, text);
    return { dataKeys: faults.length > 0 ? undefined : { text, content }, faults };
  } catch (error) {
    return { dataKeys: undefined, faults: [`${source}: ${fileFault(path, error)}`] };
  }
}

export function parseDataKeyFile(path: string, text: string): Parsed<readonly DataKey[]> {
  const { keys, faults } = parseDataKeys(text);
  const where = `${sourceOf(settings.dataKeyFile)}: ${maskSdkKeysIn(path)}`;
  return { content: keys, faults: faults.map((fault) => `${where}: ${fault}`) };
}

function contradictionsIn({
  dataKeyFile,
  encryptBackups,
  doubleWriteCacheForLegacyKey,
}: DataKeyValues): readonly string[] {
  if (!encryptBackups) return [];
  const source = sourceOf(settings.encryptBackups);
  const legacy = sourceOf(settings.doubleWriteCacheForLegacyKey);
  return [
    ...(dataKeyFile === '' ? [`${source} needs a key: set ${sourceOf(settings.dataKeyFile)}`] : []),
    ...(doubleWriteCacheForLegacyKey
      ? [`${source} and ${legacy}: readers of the legacy key need it plain; set one of the two`]
      : []),
  ];
}
