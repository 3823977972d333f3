// What the setting of data keys comes to: the keys of a file.
import { maskSdkKeysIn } from '../domain/sdk-key.js';
import { parseDataKeys, type DataKey } from '../files/data-keys.js';
import { fileFault } from '../files/small-file.js';
import type { Parsed, ReadFile } from './access-config.js';
import { sourceOf } from './setting.js';
import { settings, type SettingValues } from './settings.js';

/** `readFile` gives a file's text, or throws. */
export function readDataKeys(
  { dataKeyFile: path }: Pick<SettingValues, 'dataKeyFile'>,
  readFile: (path: string) => string,
): { readonly dataKeys: ReadFile<readonly DataKey[]> | undefined; readonly faults: readonly string[] } {
  if (path === '') return { dataKeys: undefined, faults: [] };
  const source = sourceOf(settings.dataKeyFile);
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
