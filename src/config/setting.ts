// What a setting is: one row of the table, and how its text becomes a value or a fault.
import { maskSdkKeysIn } from '../domain/sdk-key.js';
import { withoutLogins } from '../domain/url-login.js';

interface Row {
  /** Long option without its dashes. */
  readonly flag: string;
  /** One letter, for the options that SFP has one for. */
  readonly short?: string;
  /** Another name of the option in SFP, without its dashes. */
  readonly alias?: string;
  /** Environment variable; names count in any case. */
  readonly env: string;
  /** One line for --help and the documentation. */
  readonly help: string;
  /** Shown by --help; the others by --help-all. */
  readonly isCommon?: true;
}

export interface IntegerSetting extends Row {
  readonly kind: 'integer';
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** What is counted: `s`, `keys`, `port` … */
  readonly unit: string;
}

/** A flag without a value; its variable takes true, false, 1 or 0. */
export interface SwitchSetting extends Row {
  readonly kind: 'switch';
  readonly default: false;
}

/** A switch that can also be said to be off; undefined where nothing was said. */
export interface FlagSetting extends Row {
  readonly kind: 'flag';
  readonly default: undefined;
}

export interface TextSetting extends Row {
  readonly kind: 'text';
  readonly default: string;
  /** The value's name in --help. */
  readonly unit: string;
  /** What a value must look like, and the words for that. */
  readonly pattern: RegExp;
  readonly patternText: string;
  /** Where it is not empty it has to be a URL: a pattern alone lets port 99999 pass. */
  readonly isUrl?: true;
  /** Never shown, not even where it is wrong: a password, or a URL that may hold one. */
  readonly isSecret?: true;
}

export interface UrlSetting extends Row {
  readonly kind: 'url';
  readonly default: string;
  readonly unit: 'url';
}

export type Setting = IntegerSetting | SwitchSetting | FlagSetting | TextSetting | UrlSetting;

/** What a value must be, whatever it is the value of. */
export type Rule = RuleOf<Setting>;
type RuleOf<S extends Setting> = S extends Setting ? Omit<S, keyof Row | 'default'> : never;

/** A variable that others have named, and that no option has. */
export interface ForeignVariable {
  readonly rule: Rule;
  /** In words. */
  readonly default: string;
  readonly help: string;
}

export type ValueOf<S extends Setting> = S extends IntegerSetting
  ? number
  : S extends SwitchSetting
    ? boolean
    : S extends FlagSetting
      ? boolean | undefined
      : S extends UrlSetting
        ? URL
        : string;

/**
 * A text as the setting's value; throws an Error that says what is wrong with it. Spaces and line ends around it are
 * ignored: files and templates leave them behind.
 */
export function parseSetting(setting: Rule, given: string): number | boolean | string | URL {
  const text =
    setting.kind === 'text' && setting.isSecret === true ? given.replace(/\r?\n$/, '') : given.trim();
  switch (setting.kind) {
    case 'integer':
      return parseInteger(setting, text);
    case 'switch':
    case 'flag':
      return parseSwitch(text);
    case 'text':
      return parseText(setting, text);
    case 'url':
      return parseUrl(text);
  }
}

/** A setting's names, where it does not matter which of them was used. */
export function sourceOf({ flag, env }: Setting): string {
  return `--${flag} (${env})`;
}

/** The row's bounds in words, for --help, faults and the documentation. */
export function boundsText(setting: Rule): string {
  switch (setting.kind) {
    case 'integer':
      return `${setting.min} to ${setting.max}`;
    case 'switch':
    case 'flag':
      return 'true or false';
    case 'text':
      return setting.patternText;
    case 'url':
      return 'an http:// or https:// URL';
  }
}

function parseInteger(setting: RuleOf<IntegerSetting>, text: string): number {
  const value = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(value)) throw new Error('must be an integer');
  if (value < setting.min || value > setting.max) throw new Error('is out of bounds');
  return value;
}

function parseSwitch(text: string): boolean {
  if (/^(?:true|1|yes|on)$/i.test(text)) return true;
  if (/^(?:false|0|no|off)$/i.test(text)) return false;
  throw new Error('must be true or false');
}

function parseText({ pattern, patternText, isUrl }: RuleOf<TextSetting>, text: string): string {
  const isGood = pattern.test(text) && (isUrl !== true || text === '' || URL.canParse(text));
  if (!isGood) throw new Error(`must be ${patternText}`);
  return text;
}

/** What SDKs have behind the address of an origin. It is often copied with that, and the proxy puts it there itself. */
const SDK_PATH = /\/v[12](?:\/(?:download_config_specs|get_id_lists|log_event|rgstr))?\/?$/;

/** With a path where the origin stands under one; without query, hash and credentials, which would be lost or logged. */
function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new Error('must be a URL that begins with http:// or https://');
  if (url.search !== '' || url.hash !== '') throw new Error('must not have a query or a fragment');
  if (url.username !== '' || url.password !== '') throw new Error('must not contain credentials');
  url.pathname = url.pathname.replace(SDK_PATH, '');
  return url;
}

const SHOWN_CHARACTERS_MAX = 60;

/** The beginning of a sentence about a value: in quotes and cut where it is long; nothing of what may be a secret. */
export function shownValue(setting: Rule, text: string): string {
  if (setting.kind === 'text' && setting.isSecret === true) return 'its value, which is not shown,';
  // A URL may hold credentials, which are what is wrong with it.
  const masked = withoutLogins(maskSdkKeysIn(text));
  const isCut = masked.length > SHOWN_CHARACTERS_MAX;
  return `'${masked.slice(0, SHOWN_CHARACTERS_MAX)}${isCut ? '…' : ''}'`;
}
