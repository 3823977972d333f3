// Which specs an operator means: names of keys, masked keys and beginnings of hashes, with an API and a format or without.
import { AdminFault } from './admin-client.js';

export interface ListedSpec {
  readonly sdkKey: string;
  readonly keyHash: string;
  readonly api: string;
  readonly format: string;
  readonly version: number;
  readonly versionAt: string | null;
  readonly bytes: number;
  readonly confirmedAgoS: number;
  readonly source: string;
}

/** Enough that no two keys of a fleet begin with the same. */
const HASH_CHARACTERS_MIN = 8;

/** Those that are meant, all of one key; throws an AdminFault where there is none, or keys are several. */
export function specsMeant(specs: readonly ListedSpec[], text: string): readonly ListedSpec[] {
  const [key = '', api, format] = text.split('/');
  const isKey = ({ sdkKey, keyHash }: ListedSpec): boolean =>
    sdkKey === key || (key.length >= HASH_CHARACTERS_MIN && keyHash.startsWith(key));
  const meant = specs.filter(
    (spec) =>
      isKey(spec) &&
      (api === undefined || spec.api === api) &&
      (format === undefined || spec.format === format),
  );
  if (meant.length === 0) throw new AdminFault(`no spec is called '${text}': see ctl names`);
  if (new Set(meant.map(({ keyHash }) => keyHash)).size > 1)
    throw new AdminFault(
      `'${text}' may be several keys: name one by the beginning of its hash, as in ctl specs`,
    );
  return meant;
}

/** Of each spec a text that means just that one. */
export function namesOf(specs: readonly ListedSpec[]): readonly string[] {
  return specs.map(({ sdkKey, keyHash, api, format }) => {
    const isOnly = specs.every((other) => other.sdkKey !== sdkKey || other.keyHash === keyHash);
    return `${isOnly ? sdkKey : keyHash.slice(0, 2 * HASH_CHARACTERS_MIN)}/${api}/${format}`;
  });
}

export function pathOf({ keyHash, api, format }: ListedSpec): string {
  return `/api/v1/specs/${keyHash}/${api}/${format}`;
}
