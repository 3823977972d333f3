// What was typed, before it is checked: operands, and the text of each option by its setting's name.
import type { IdleOption } from './sfp-leftovers.js';
import type { settings } from './settings.js';

export type SettingName = keyof typeof settings;

export interface CommandLine {
  readonly operands: readonly string[];
  /** `true` for an option typed without a value. */
  readonly options: ReadonlyMap<SettingName, string | true>;
  /** Those of SFP that have no effect. */
  readonly idleOptions: readonly IdleOption[];
  readonly unknownOptions: readonly string[];
}
