// The request for one payload, as SFP 4 words it to the origin, so that both look alike to what stands between.
import type { PayloadKey } from '../../../domain/payload-key.js';
import type { Encoding } from '../../../domain/payload.js';

export interface UpstreamRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Sender {
  readonly version: string;
  /** The header's value. */
  readonly via: string;
}

/** brotli first: it is the smallest to keep, and core SDKs take it as it is. */
const JSON_ENCODINGS = 'br, gzip';
/** For clients that read no brotli. Recompressing 1.4 MB for them takes 32 ms of CPU, more than all else a cold fetch does. */
const JSON_GZIP = 'gzip';
const PROTOBUF_ENCODINGS = 'statsig-br, br, gzip';

/** The key's characters need no escaping: see `isValidSdkKey`. */
export function toUpstreamRequest(
  key: PayloadKey,
  sinceTime: number,
  { version, via }: Sender,
  wanted?: Encoding,
): UpstreamRequest {
  const proto = key.format === 'protobuf' ? '?supports_proto=true' : '';
  const since = sinceTime > 0 ? `${proto === '' ? '?' : '&'}sinceTime=${sinceTime}` : '';
  const headers: Record<string, string> = {
    'accept-encoding': encodings(key, wanted),
    'user-agent': `spec-forward-proxy/${version}`,
    'x-sfp-version': version,
    via,
  };
  if (key.format === 'protobuf') headers['statsig-supports-proto'] = 'true';
  return { path: `${key.kind.path}/${key.sdkKey}.json${proto}${since}`, headers };
}

/** SDKs that ask for protobuf read `statsig-br`, all of them. */
function encodings({ format }: PayloadKey, wanted: Encoding | undefined): string {
  if (format === 'protobuf') return PROTOBUF_ENCODINGS;
  return wanted === 'gzip' ? JSON_GZIP : JSON_ENCODINGS;
}
