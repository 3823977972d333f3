// Remote values as a kind of resource: named by their hash, so that each has one version, the same for every client.
import type { StoredFacts } from '../../../domain/body-reader.js';
import type { PayloadKey } from '../../../domain/payload-key.js';
import type { ResourceKind } from '../../../domain/resource-kind.js';

/** Of every value. */
export const VALUE_VERSION = 1;
/** Without compression: SDKs take no larger ones. */
export const VALUE_BYTES_MAX = 10 * 1024 * 1024;

const FACTS: StoredFacts = { isServable: true, version: VALUE_VERSION, checksum: undefined };

/** Not among the kinds that an SDK key can have: nobody polls for it, and no fleet shares its polls. */
export const REMOTE_VALUE: ResourceKind = {
  name: 'remote_value',
  path: '/v1/dynamic_config_value',
  noun: 'remote value',
  formats: ['json'],
  versions: 'stated',
  isContentAddressed: true,
  hasLegacyName: false,
  // Its hash is all that is asked of it: see `withProof`.
  createStoredReader: () => ({ isText: false, push: () => undefined, end: () => FACTS }),
};

export function valueKey(sha256: string): PayloadKey {
  return { sdkKey: sha256, kind: REMOTE_VALUE, format: 'json' };
}
