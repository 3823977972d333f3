// The request for one payload, as SFP 4 words it to the origin, so that both look alike to what stands between.
import type { PayloadKey } from '../../../domain/payload-key.js';

export interface UpstreamRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** brotli first: it is the smallest to keep, and core SDKs take it as it is. */
const JSON_ENCODINGS = 'br, gzip';
const PROTOBUF_ENCODINGS = 'statsig-br, br, gzip';

/** The key's characters need no escaping: see `isValidSdkKey`. */
export function toUpstreamRequest(key: PayloadKey, sinceTime: number, version: string): UpstreamRequest {
  const query = new URLSearchParams();
  if (key.format === 'protobuf') query.set('supports_proto', 'true');
  if (sinceTime > 0) query.set('sinceTime', String(sinceTime));
  const search = query.size === 0 ? '' : `?${query.toString()}`;
  return {
    path: `${key.kind.path}/${key.sdkKey}.json${search}`,
    headers: {
      'accept-encoding': key.format === 'protobuf' ? PROTOBUF_ENCODINGS : JSON_ENCODINGS,
      'user-agent': `spec-forward-proxy/${version}`,
      'x-sfp-version': version,
      ...(key.format === 'protobuf' ? { 'statsig-supports-proto': 'true' } : {}),
    },
  };
}
