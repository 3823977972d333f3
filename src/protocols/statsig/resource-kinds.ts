// The kinds of resources that Statsig's SDKs ask for: config specs in two versions of the API, and manifests of ID lists.
import type { BodyReader, StoredFacts } from '../../domain/body-reader.js';
import type { PayloadKey } from '../../domain/payload-key.js';
import { PAYLOAD_FORMATS, type PayloadFormat, type ResourceKind } from '../../domain/resource-kind.js';
import { restatedPayload } from './restating/restated-payload.js';
import { measuredLoss } from './spec-diff/measured-loss.js';
import { ManifestReader } from './spec-body/manifest-reader.js';
import { createSpecReader } from './spec-body/spec-reader.js';

/** What legacy SDKs ask for. */
export const SPEC_V1: ResourceKind = {
  name: 'v1',
  path: '/v1/download_config_specs',
  noun: 'spec',
  formats: PAYLOAD_FORMATS,
  versions: 'stated',
  isContentAddressed: false,
  hasLegacyName: true,
  createStoredReader: createStoredSpecReader,
  restate: restatedPayload,
  lossOf: measuredLoss,
};

/** What core SDKs and ruby ask for: another body for the same key. */
export const SPEC_V2: ResourceKind = {
  ...SPEC_V1,
  name: 'v2',
  path: '/v2/download_config_specs',
  hasLegacyName: false,
};

/** The manifest of a key's ID lists, kept like a spec. */
export const ID_LISTS: ResourceKind = {
  name: 'id_lists',
  path: '/v1/get_id_lists',
  noun: 'manifest of ID lists',
  formats: ['json'],
  versions: 'assigned',
  isContentAddressed: false,
  hasLegacyName: false,
  createStoredReader: () => new ManifestReader(),
};

export const SPEC_KINDS: readonly ResourceKind[] = [SPEC_V1, SPEC_V2];
/** Every kind there is. */
export const RESOURCE_KINDS: readonly ResourceKind[] = [...SPEC_KINDS, ID_LISTS];

/** The manifest of a key's ID lists. */
export function idListsKey(sdkKey: string): PayloadKey {
  return { sdkKey, kind: ID_LISTS, format: 'json' };
}

/** Every payload that an SDK key can have. */
export function allPayloadKeys(sdkKey: string): PayloadKey[] {
  return RESOURCE_KINDS.flatMap((kind) => kind.formats.map((format) => ({ sdkKey, kind, format })));
}

function createStoredSpecReader(format: PayloadFormat, decodedBytesMax: number): BodyReader<StoredFacts> {
  const reader = createSpecReader(format, decodedBytesMax);
  return {
    isText: reader.isText,
    push: (bytes) => {
      reader.push(bytes);
    },
    end: () => {
      const { hasUpdates, time, checksum, isDelta, namedValues } = reader.end();
      return { isServable: hasUpdates === true && !isDelta, version: time, checksum, namedValues };
    },
  };
}
