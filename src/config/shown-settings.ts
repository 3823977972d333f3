// The settings in effect, by their options, for people who look at a running proxy: without secrets.
import { maskSdkKeysIn } from '../domain/sdk-key.js';
import type { SettingName } from './command-line.js';
import type { SettingSources } from './load-settings.js';
import type { Setting } from './setting.js';
import { settingGroups, settings, type SettingValues } from './settings.js';

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

/** The same with what each is for, and where it was given. */
export function describeSettings(values: SettingValues, sources: SettingSources): readonly object[] {
  const names = new Map<Setting, SettingName>(
    Object.entries(settings).map(([name, setting]) => [setting, name as SettingName]),
  );
  return settingGroups.flatMap(({ title, settings: group }) =>
    Object.values(group).flatMap((setting: Setting) => {
      const name = names.get(setting);
      if (name === undefined) return [];
      return {
        group: title,
        option: `--${setting.flag}`,
        variable: setting.env,
        value: shown(setting, values[name]),
        default: shown(setting, setting.default),
        from: sources.get(name) ?? 'default',
        help: setting.help,
      };
    }),
  );
}

function shown(setting: Setting, value: SettingValues[keyof SettingValues]): Shown {
  if (value instanceof URL) return value.href;
  if (typeof value !== 'string' || value === '') return value ?? null;
  return setting.kind === 'text' && setting.isSecret === true ? SECRET : maskSdkKeysIn(value);
}
