// The HTTP/2 stream under a gRPC call, a private member of grpc-js.
import type { ServerHttp2Stream } from 'node:http2';

/** The HTTP/2 stream of a call, or undefined where this release of grpc-js does not show it. */
export function http2StreamOf(call: object): ServerHttp2Stream | undefined {
  const inner = (call as { readonly call?: { readonly stream?: unknown } }).call?.stream;
  return isHttp2Stream(inner) ? inner : undefined;
}

function isHttp2Stream(value: unknown): value is ServerHttp2Stream {
  return typeof value === 'object' && value !== null && 'sendTrailers' in value && 'write' in value;
}
