// An HTTP request turned into a payload key and the version its client holds, or into a refusal that says why.
import type { PayloadKey, SpecApi } from '../../domain/payload-key.js';
import { isValidSdkKey, SDK_KEY_RULE } from '../../domain/sdk-key.js';
import { errorBody, type ErrorBody } from './error-reply.js';

/** What of a request decides about its answer. */
export interface SpecRequest {
  readonly api: SpecApi;
  /** The last path segment, decoded; undefined on the routes without one. */
  readonly pathKey: string | undefined;
  /** `statsig-api-key`. */
  readonly headerKey: string | undefined;
  /** `supports_proto` of the query. */
  readonly queryProto: unknown;
  /** `statsig-supports-proto`. */
  readonly headerProto: string | undefined;
  /** Of the query or of the body: whatever was sent. */
  readonly sinceTime: unknown;
}

export interface Question {
  readonly key: PayloadKey;
  /** 0 for a client that holds nothing. */
  readonly sinceTime: number;
}

/** A number as JSON writes one, whatever an SDK's language makes of it. At most 32 characters. */
const NUMBER = /^(?=.{1,32}$)-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?$/;

export function toQuestion(request: SpecRequest): Question | ErrorBody {
  const sdkKey = keyOf(request.headerKey, request.pathKey);
  if (sdkKey === '') {
    return errorBody(
      'sdk_key_missing',
      'No SDK key: put it into the path (…/download_config_specs/<KEY>.json) or the statsig-api-key header.',
    );
  }
  if (!isValidSdkKey(sdkKey)) {
    return errorBody('sdk_key_invalid', `An SDK key has ${SDK_KEY_RULE}`);
  }
  const sinceTime = readSinceTime(request.sinceTime);
  if (sinceTime === undefined) {
    return errorBody(
      'since_time_invalid',
      'sinceTime is no number: send milliseconds since 1970, or leave it out.',
    );
  }
  const isProto = isTrue(request.queryProto) || isTrue(request.headerProto);
  return { key: { sdkKey, api: request.api, format: isProto ? 'protobuf' : 'json' }, sinceTime };
}

/** As in SFP, the header wins where both are sent; some clients send it empty. Empty where no key is named. */
export function keyOf(headerKey: string | undefined, pathKey: string | undefined): string {
  return headerKey !== undefined && headerKey !== '' ? headerKey : stripSuffix(pathKey ?? '');
}

/** `.js` is what some CDN clients ask for. */
function stripSuffix(segment: string): string {
  return segment.replace(/\.js(?:on)?$/, '');
}

function isTrue(value: unknown): boolean {
  return value === 'true' || value === '1';
}

/** Absent is 0; undefined for what is no number. */
function readSinceTime(value: unknown): number | undefined {
  if (value === undefined || value === null) return 0;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return typeof value === 'string' && NUMBER.test(value) ? Number(value) : undefined;
}
