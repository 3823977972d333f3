// A ConfigSpecRequest turned into a payload key and the client's version, or into a status that says what to do.
import type { StatusObject } from '@grpc/grpc-js';
import { status } from '../../../servers/grpc/grpc-values.js';
import type { Reading } from '../../../core/reader.js';
import type { PayloadKey } from '../../../domain/payload-key.js';
import type { ResourceKind } from '../../../domain/resource-kind.js';
import { isValidSdkKey, SDK_KEY_RULE } from '../../../domain/sdk-key.js';
import { SPEC_V1, SPEC_V2 } from '../resource-kinds.js';
import { explainReading } from '../../../servers/reading-text.js';
import { STREAM_ENDINGS } from '../stream-endings.js';
import type { ConfigSpecRequest } from './config-spec-proto.js';

export interface GrpcQuestion {
  readonly key: PayloadKey;
  /** 0 for a client that holds nothing. */
  readonly sinceTime: number;
}

export type GrpcRefusal = Pick<StatusObject, 'code' | 'details'>;

/** For a client that takes nothing: it may be too slow to see it. */
export const STALLED: GrpcRefusal = {
  code: status.UNAVAILABLE,
  details: STREAM_ENDINGS.stalled,
};

/** Python and Java send no version and want v1. */
const KINDS: ReadonlyMap<number, ResourceKind> = new Map([
  [0, SPEC_V1],
  [1, SPEC_V1],
  [2, SPEC_V2],
]);

export function toGrpcQuestion(request: Partial<ConfigSpecRequest>): GrpcQuestion | GrpcRefusal {
  const { sdkKey = '', version = 0, sinceTime = 0 } = request;
  const kind = KINDS.get(version);
  if (kind === undefined)
    return invalid('version is neither 1 nor 2: send 1 for legacy SDKs, 2 for core SDKs.');
  if (sdkKey === '') return invalid('No SDK key: set sdkKey.');
  if (!isValidSdkKey(sdkKey)) return invalid(`An SDK key has ${SDK_KEY_RULE}`);
  return { key: { sdkKey, kind, format: 'json' }, sinceTime };
}

/** The status for a reading that brought no spec. PERMISSION_DENIED only where the key is refused, by the origin or by policy. */
export function toRefusal(reading: Exclude<Reading, { readonly kind: 'held' }>): GrpcRefusal {
  const details = explainReading(reading);
  if (reading.kind !== 'unavailable') return { code: status.PERMISSION_DENIED, details };
  if (reading.cause === 'sdk_keys_limit_reached') return { code: status.RESOURCE_EXHAUSTED, details };
  return {
    code: status.UNAVAILABLE,
    details: reading.detail === '' ? details : `${details} (${reading.detail})`,
  };
}

function invalid(details: string): GrpcRefusal {
  return { code: status.INVALID_ARGUMENT, details };
}
