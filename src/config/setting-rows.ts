// Makes rows of the settings table, each of its kind; and what several rows share.
import type { FlagSetting, IntegerSetting, SwitchSetting, TextSetting, UrlSetting } from './setting.js';

export const ANY_TEXT = { pattern: /^[^\0]*$/s, patternText: 'any text' };
export const ADDRESS = { pattern: /^[0-9A-Za-z.:_-]+$/, patternText: 'an address or a host name' };
/** Empty, or with a host; credentials may be in it. */
export const PROXY_URL = {
  pattern: /^(?:$|https?:\/\/(?:[^\s/@]*@)?(?:\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::\d{1,5})?\/?$)/,
  patternText: 'http:// or https:// with a host and an optional port',
  isUrl: true,
  isSecret: true,
} as const;
/** A text that is one of these words, written as they are. */
export function oneOf(...words: readonly string[]): Pick<TextSetting, 'pattern' | 'patternText'> {
  return { pattern: new RegExp(`^(?:${words.join('|')})$`), patternText: `one of ${words.join(', ')}` };
}

export const PORT = { min: 0, max: 65_535, unit: 'port' } as const;
export const SECONDS = { unit: 's' } as const;

export function integer(row: Omit<IntegerSetting, 'kind'>): IntegerSetting {
  return { ...row, kind: 'integer' };
}

export function toggle(row: Omit<SwitchSetting, 'kind' | 'default'>): SwitchSetting {
  return { ...row, kind: 'switch', default: false };
}

export function flag(row: Omit<FlagSetting, 'kind' | 'default'>): FlagSetting {
  return { ...row, kind: 'flag', default: undefined };
}

export function text(row: Omit<TextSetting, 'kind'>): TextSetting {
  return { ...row, kind: 'text' };
}

export function url(row: Omit<UrlSetting, 'kind' | 'unit'>): UrlSetting {
  return { ...row, kind: 'url', unit: 'url' };
}
