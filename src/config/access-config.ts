// What the settings of access come to: tokens and keys that can be read, and how far the admin port is open.
import { readKeySet, type KeySet } from '../auth/key-set.js';
import { readTokens, type FileToken } from '../auth/token-file.js';
import { fileFault } from '../files/small-file.js';
import { maskSdkKeysIn } from '../domain/sdk-key.js';
import { sourceOf, type Setting } from './setting.js';
import { settings as rows, type SettingValues } from './settings.js';
import { isLoopback, isReadableOnTheWay } from './url-safety.js';

export type AccessValues = Pick<
  SettingValues,
  | 'tokensFile'
  | 'jwtKeysFile'
  | 'jwtKeysUrl'
  | 'jwtIssuer'
  | 'jwtAudience'
  | 'adminHost'
  | 'adminWithoutToken'
>;

/** A file that a setting names, as it was read. */
export interface ReadFile<Content> {
  readonly text: string;
  readonly content: Content;
}

export interface AccessConfig {
  /** `open`: to everybody. `closed`: but for probes and metrics. `tokens`: with a token of enough scope. */
  readonly admin: 'open' | 'closed' | 'tokens';
  /** Undefined without such a file. */
  readonly tokens: ReadFile<readonly FileToken[]> | undefined;
  readonly keys: ReadFile<KeySet> | undefined;
  readonly keysUrl: URL | undefined;
}

export interface ReadAccess {
  /** Complete where there are no faults. */
  readonly access: AccessConfig;
  readonly faults: readonly string[];
}

export function readAccess(values: AccessValues, readFile: (path: string) => string): ReadAccess {
  const faults = [...contradictionsIn(values)];
  const read = <Content>(
    setting: Setting,
    path: string,
    parse: (text: string) => Parsed<Content>,
  ): ReadFile<Content> | undefined => {
    if (path === '') return undefined;
    try {
      const text = readFile(path);
      const parsed = parse(text);
      if (parsed.faults.length === 0) return { text, content: parsed.content };
      faults.push(...parsed.faults);
    } catch (error) {
      faults.push(`${sourceOf(setting)}: ${fileFault(path, error)}`);
    }
    return undefined;
  };
  const tokens = read(rows.tokensFile, values.tokensFile, (text) => parseTokens(values.tokensFile, text));
  const keys = read(rows.jwtKeysFile, values.jwtKeysFile, (text) => parseKeys(values.jwtKeysFile, text));
  const keysUrl = URL.canParse(values.jwtKeysUrl) ? new URL(values.jwtKeysUrl) : undefined;
  return { access: { admin: doorOf(values), tokens, keys, keysUrl }, faults };
}

export interface Parsed<Content> {
  /** Complete where there are no faults. */
  readonly content: Content;
  readonly faults: readonly string[];
}

export function parseTokens(path: string, text: string): Parsed<readonly FileToken[]> {
  const { tokens, faults } = readTokens(text);
  const where = `${sourceOf(rows.tokensFile)}: ${maskSdkKeysIn(path)}`;
  return { content: tokens, faults: faults.map((fault) => `${where}: ${fault}`) };
}

export function parseKeys(path: string, text: string): Parsed<KeySet> {
  const keys = readKeySet(text);
  if (typeof keys !== 'string') return { content: keys, faults: [] };
  return {
    content: { keys: [] },
    faults: [`${sourceOf(rows.jwtKeysFile)}: ${maskSdkKeysIn(path)} ${keys}`],
  };
}

function doorOf(values: AccessValues): AccessConfig['admin'] {
  if (hasTokens(values)) return 'tokens';
  return isLoopback(values.adminHost) || values.adminWithoutToken ? 'open' : 'closed';
}

function hasTokens({ tokensFile, jwtKeysFile, jwtKeysUrl }: AccessValues): boolean {
  return tokensFile !== '' || jwtKeysFile !== '' || jwtKeysUrl !== '';
}

function contradictionsIn(values: AccessValues): readonly string[] {
  const { jwtKeysFile, jwtKeysUrl, jwtIssuer, jwtAudience } = values;
  const [file, url] = [sourceOf(rows.jwtKeysFile), sourceOf(rows.jwtKeysUrl)];
  const faults: string[] = [];
  if (jwtKeysFile !== '' && jwtKeysUrl !== '') faults.push(`${file} and ${url}: set one of the two`);
  const hasKeys = jwtKeysFile !== '' || jwtKeysUrl !== '';
  for (const [row, value] of [
    [rows.jwtIssuer, jwtIssuer],
    [rows.jwtAudience, jwtAudience],
  ] as const) {
    // Without one of them, any token that the issuer ever signs for anybody would do.
    if (hasKeys && value === '') faults.push(`${sourceOf(row)} is missing: JWTs are checked for it`);
    if (!hasKeys && value !== '') faults.push(`${sourceOf(row)} needs keys: set ${file} or ${url}`);
  }
  if (isReadableOnTheWay(jwtKeysUrl)) {
    faults.push(
      `${url}: must be https://, unless it is of this machine: others could put keys of theirs into it`,
    );
  }
  if (values.adminWithoutToken && hasTokens(values)) {
    faults.push(`${sourceOf(rows.adminWithoutToken)} contradicts the tokens that are set: leave it out`);
  }
  return faults;
}
