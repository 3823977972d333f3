// What was typed, before it is checked: operands, and the text of each option by its setting's name.
import type { settings } from './settings.js';

export type SettingName = keyof typeof settings;

export interface CommandLine {
  readonly operands: readonly string[];
  /** `true` for an option typed without a value. */
  readonly options: ReadonlyMap<SettingName, string | true>;
  readonly unknownOptions: readonly string[];
}
