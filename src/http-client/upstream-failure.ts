// What went wrong on the way to the origin, by error codes: an error's text may hold a URL, and so a key.
import { BodyFault, type BodyFaultReason } from '../domain/body-reader.js';
import { failed, type Failure } from '../domain/failure.js';

/** Why a request brought no answer, or no whole one. Stable and machine-readable. */
export type RequestFailureReason =
  | BodyFaultReason
  | 'connect_timeout'
  | 'headers_timeout'
  | 'body_timeout'
  | 'request_timeout'
  | 'connection_refused'
  | 'connection_lost'
  | 'dns_failed'
  | 'tls_failed'
  | 'outbound_proxy_failed'
  | 'redirect_refused'
  | 'bad_http'
  | 'network'
  | 'closed';

const REASONS: ReadonlyMap<string, RequestFailureReason> = new Map<string, RequestFailureReason>([
  ['UND_ERR_CONNECT_TIMEOUT', 'connect_timeout'],
  ['ETIMEDOUT', 'connect_timeout'],
  ['UND_ERR_HEADERS_TIMEOUT', 'headers_timeout'],
  ['UND_ERR_BODY_TIMEOUT', 'body_timeout'],
  ['ECONNREFUSED', 'connection_refused'],
  ['ECONNRESET', 'connection_lost'],
  ['EPIPE', 'connection_lost'],
  ['UND_ERR_SOCKET', 'connection_lost'],
  // A stream of HTTP/2 that was closed before its answer began.
  ['UND_ERR_INFO', 'connection_lost'],
  ['ENOTFOUND', 'dns_failed'],
  ['EAI_AGAIN', 'dns_failed'],
  ['UND_ERR_PRX_TLS', 'outbound_proxy_failed'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'truncated'],
  ['UND_ERR_HEADERS_OVERFLOW', 'bad_http'],
  ['HTTPParserError', 'bad_http'],
  ['UND_ERR_RES_EXCEEDED_MAX_SIZE', 'body_too_large'],
  ['UND_ERR_DESTROYED', 'closed'],
  ['UND_ERR_CLOSED', 'closed'],
  // undici's word for an outbound proxy that refuses the tunnel; our own aborts are recognized before.
  ['UND_ERR_ABORTED', 'outbound_proxy_failed'],
]);

/** Families of codes, where the list of single codes has none. */
const FAMILIES: readonly (readonly [RegExp, RequestFailureReason])[] = [
  [/^(?:ERR_TLS|ERR_SSL|EPROTO|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)/, 'tls_failed'],
  [/^ERR_HTTP2/, 'connection_lost'],
];

/** No server was reached that could have read the request. */
const UNSENT: ReadonlySet<string> = new Set<RequestFailureReason>([
  'connect_timeout',
  'connection_refused',
  'dns_failed',
  'tls_failed',
  'outbound_proxy_failed',
]);

/** Whether a request that failed for this reason says nothing about what it held. */
export function isUnsent(reason: string): boolean {
  return UNSENT.has(reason);
}

/** The failure an error of the HTTP client or of the body's intake stands for. */
export function toFailure(error: unknown): Failure<RequestFailureReason> {
  if (error instanceof BodyFault) return failed(error.reason, error.message);
  const code = codeOf(error);
  const reason = REASONS.get(code) ?? FAMILIES.find(([pattern]) => pattern.test(code))?.[1] ?? 'network';
  return failed(reason, code === '' ? 'an error without a code' : code);
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  // undici means to give it a code, and looks for its number among names.
  if (error.name === 'HTTPParserError') return error.name;
  // Every address of the host failed, each with its own code: the first that tells most.
  if (error instanceof AggregateError) {
    const codes = error.errors.map(codeOf);
    return codes.find((code) => REASONS.has(code)) ?? codes[0] ?? '';
  }
  return codeOf(error.cause);
}
