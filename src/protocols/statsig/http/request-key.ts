// An HTTP request turned into a payload key and the version its client holds, or into a refusal that says why.
import type { PayloadKey } from '../../../domain/payload-key.js';
import type { ResourceKind } from '../../../domain/resource-kind.js';
import { isValidSdkKey, SDK_KEY_RULE } from '../../../domain/sdk-key.js';
import { errorBody, type ErrorBody } from '../../../servers/http/error-reply.js';

/** Where a request may name its SDK key. */
export interface NamedKeys {
  /** The last path segment, decoded; undefined on the routes without one. */
  readonly pathKey: string | undefined;
  /** `statsig-api-key`. */
  readonly headerKey: string | undefined;
  /** `k` of the query: of client SDKs, which set no header, as a browser would ask for leave first. */
  readonly queryKey: string | undefined;
}

/** What of a request decides about its answer. */
export interface SpecRequest extends NamedKeys {
  readonly kind: ResourceKind;
  /** `supports_proto` of the query. */
  readonly queryProto: unknown;
  /** `accept_deltas` of the query. */
  readonly queryDeltas: unknown;
  /** `checksum` of the query. */
  readonly queryChecksum: unknown;
  /** `statsig-supports-proto`. */
  readonly headerProto: string | undefined;
  /** Of the query or of the body: whatever was sent. */
  readonly sinceTime: unknown;
}

export interface Question {
  readonly key: PayloadKey;
  /** 0 for a client that holds nothing, or says nothing that can be understood. */
  readonly sinceTime: number;
  /** It said something that could not. */
  readonly isSinceTimeIgnored: boolean;
  readonly acceptsDelta: boolean;
  /** Of the version that it holds; undefined where it names none. */
  readonly checksum: string | undefined;
}

/** A number as JSON writes one, whatever an SDK's language makes of it. At most 32 characters. */
const NUMBER = /^(?=.{1,32}$)-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?$/;

export function toQuestion(request: SpecRequest): Question | ErrorBody {
  const sdkKey = toSdkKey(request, request.kind.path);
  if (typeof sdkKey !== 'string') return sdkKey;
  const sinceTime = readSinceTime(request.sinceTime);
  return {
    key: { sdkKey, kind: request.kind, format: asksForProtobuf(request) ? 'protobuf' : 'json' },
    // The whole spec is right for everybody, also for a client whose language writes numbers in another way.
    sinceTime: sinceTime ?? 0,
    isSinceTimeIgnored: sinceTime === undefined,
    acceptsDelta: isTrue(request.queryDeltas) || request.queryDeltas === '',
    checksum: typeof request.queryChecksum === 'string' ? request.queryChecksum : undefined,
  };
}

/** The SDK key that a request names. `path`: of the route, for the words of a refusal. */
export function toSdkKey(named: NamedKeys, path: string): string | ErrorBody {
  const sdkKey = keyOf(named);
  if (sdkKey === '') {
    const where = `the path (…${path}/<KEY>.json) or the statsig-api-key header`;
    return errorBody('sdk_key_missing', `No SDK key: put it into ${where}.`);
  }
  if (!isValidSdkKey(sdkKey)) return errorBody('sdk_key_invalid', `An SDK key has ${SDK_KEY_RULE}`);
  return sdkKey;
}

/** As in SFP, the header wins; some clients send it empty. Empty where no key is named. */
export function keyOf({ headerKey = '', pathKey = '', queryKey = '' }: NamedKeys): string {
  if (headerKey !== '') return headerKey;
  const ofPath = stripSuffix(pathKey);
  return ofPath === '' ? queryKey : ofPath;
}

/** `.js` is what some CDN clients ask for. */
function stripSuffix(segment: string): string {
  return segment.replace(/\.js(?:on)?$/, '');
}

export function asksForProtobuf({ queryProto, headerProto }: SpecRequest): boolean {
  return isTrue(queryProto) || isTrue(headerProto);
}

function isTrue(value: unknown): boolean {
  return value === 'true' || value === '1';
}

/** 0 if absent; undefined if it is not a number. */
export function readSinceTime(value: unknown): number | undefined {
  if (value === undefined || value === null) return 0;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return typeof value === 'string' && NUMBER.test(value) ? Number(value) : undefined;
}
