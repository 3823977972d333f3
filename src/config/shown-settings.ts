// The settings in effect, by their options, for people who look at a running proxy: without secrets.
import { maskSdkKeysIn } from '../domain/sdk-key.js';
import type { Setting } from './setting.js';
import { settings, type SettingValues } from './settings.js';

const SECRET = '***';

export function shownSettings(values: SettingValues): Readonly<Record<string, string | number | boolean>> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, setting]) => [
      `--${setting.flag}`,
      shown(setting, values[name as keyof SettingValues]),
    ]),
  );
}

function shown(setting: Setting, value: string | number | boolean | URL): string | number | boolean {
  if (value instanceof URL) return value.href;
  if (typeof value !== 'string' || value === '') return value;
  return setting.kind === 'text' && setting.isSecret === true ? SECRET : maskSdkKeysIn(value);
}
