// What an SDK key looks like, and what is shown instead of one: its name, or a masked form.

const SDK_KEY_CHARACTERS_MAX = 256;
const VALID_SDK_KEY = new RegExp(`^[A-Za-z0-9\\-_.~]{1,${SDK_KEY_CHARACTERS_MAX}}$`);
/** What a key has to look like, for people who sent or wrote one that does not. */
export const SDK_KEY_RULE = `1 to ${SDK_KEY_CHARACTERS_MAX} characters of A-Z a-z 0-9 - _ . ~`;
/** A key with fewer characters behind its prefix than this shows none of them: four would be too large a part of it. */
const SHOWN_FROM_CHARACTERS = 12;
const SHOWN_CHARACTERS = 4;

/**
 * Whether `text` may be used as an SDK key. The characters are those that mean nothing in a URL path, so a key can
 * be put into the origin's path as it is; `.` and `..` would be understood as a folder there and are refused.
 */
export function isValidSdkKey(text: string): boolean {
  return VALID_SDK_KEY.test(text) && text !== '.' && text !== '..';
}

/** What a key is called where specs are stored: sha256 in hex, lower case. Takes about a microsecond. */
export function hashSdkKey(sdkKey: string): string {
  // Loaded when it is first needed: a command that hashes nothing takes 3.6 MB less without it.
  return process.getBuiltinModule('node:crypto').hash('sha256', sdkKey, 'hex');
}

const KEY_NAME_CHARACTERS_MAX = 64;
const VALID_KEY_NAME = new RegExp(
  `^(?!(?:secret|client|server)-)[A-Za-z0-9\\-_.]{1,${KEY_NAME_CHARACTERS_MAX}}$`,
);
export const KEY_NAME_RULE = `1 to ${KEY_NAME_CHARACTERS_MAX} characters of A-Z a-z 0-9 - _ . and not begin like a key`;

export function isValidKeyName(text: string): boolean {
  return VALID_KEY_NAME.test(text);
}

/** By key. The process has one set of names, and every line, page and error about a key is to show them. */
const keyNames = new Map<string, string>();

/** From now on keys are shown by exactly these names. */
export function nameSdkKeys(names: ReadonlyMap<string, string>): void {
  keyNames.clear();
  for (const [sdkKey, name] of names) keyNames.set(sdkKey, name);
}

/** Undefined for a key without a name. */
export function nameOfSdkKey(sdkKey: string): string | undefined {
  return keyNames.get(sdkKey);
}

/** The form of a key for logs, status pages and error texts: its name, or `secret-abcd***`. */
export function maskSdkKey(sdkKey: string): string {
  return nameOfSdkKey(sdkKey) ?? maskedForm(sdkKey);
}

/** `secret-abcd***`, whether the key has a name or not. */
export function maskedForm(sdkKey: string): string {
  const prefix = /^(?:(?:secret|client|server)-|rp_)/.exec(sdkKey)?.[0] ?? '';
  const rest = sdkKey.slice(prefix.length);
  const shown = rest.length >= SHOWN_FROM_CHARACTERS ? rest.slice(0, SHOWN_CHARACTERS) : '';
  return `${prefix}${shown}***`;
}

/**
 * `text` with everything that looks like an SDK key masked: for errors and arguments that others worded. `own`: a key that
 * it may repeat, masked whatever it looks like.
 */
export function maskSdkKeysIn(text: string, own?: string): string {
  // Words may begin like a key of Replane's, but none is as long.
  const known = '(?:secret|client|server)-[A-Za-z0-9\\-_.~]+|\\brp_[A-Za-z0-9]{20,}';
  const pattern = own === undefined ? known : `${known}|${own.replaceAll('.', '\\.')}`;
  // In the origin's paths a key ends in `.json`, of characters that a key may have too.
  return text.replace(
    new RegExp(pattern, 'g'),
    (match) => keyNames.get(match.replace(/\.json$/, '')) ?? maskSdkKey(match),
  );
}
