// The settings in effect, by their options, for people who look at a running proxy: without secrets.
import { maskSdkKeysIn } from '../domain/sdk-key.js';
import type { Setting } from './setting.js';
import { settings, type SettingValues } from './settings.js';

/** Null where nothing was said. */
type Shown = string | number | boolean | null;

const SECRET = '***';

export function shownSettings(values: SettingValues): Readonly<Record<string, Shown>> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, setting]) => [
      `--${setting.flag}`,
      shown(setting, values[name as keyof SettingValues]),
    ]),
  );
}

function shown(setting: Setting, value: SettingValues[keyof SettingValues]): Shown {
  if (value instanceof URL) return value.href;
  if (typeof value !== 'string' || value === '') return value ?? null;
  return setting.kind === 'text' && setting.isSecret === true ? SECRET : maskSdkKeysIn(value);
}
