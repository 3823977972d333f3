// Which bytes of a file a client asks for: a Range header (RFC 9110, 14), or the `?range=` that core SDKs send instead.

export type ByteRange =
  /** `last` is the last byte itself; undefined for all that follow. */
  | { readonly kind: 'from'; readonly first: number; readonly last: number | undefined }
  /** So many at the end of the file. */
  | { readonly kind: 'last'; readonly bytes: number }
  /** Malformed, or several ranges. */
  | { readonly kind: 'invalid' };

const INVALID: ByteRange = { kind: 'invalid' };
/** No file has a number of bytes with more digits. */
const RANGE = /^(\d{0,15})-(\d{0,15})$/;

/** The value of a Range header. */
export function parseRangeHeader(header: string): ByteRange {
  const text = header.trim();
  return /^bytes=/i.test(text) ? parseRange(text.slice('bytes='.length)) : INVALID;
}

/** The value of `?range=`: `20-`, with or without the unit. */
export function parseRangeQuery(value: string): ByteRange {
  return parseRange(value.trim().replace(/^bytes=/i, ''));
}

function parseRange(text: string): ByteRange {
  const [, first = '', last = ''] = RANGE.exec(text) ?? [];
  if (first === '') return last === '' ? INVALID : { kind: 'last', bytes: Number(last) };
  if (last === '') return { kind: 'from', first: Number(first), last: undefined };
  return Number(last) < Number(first) ? INVALID : { kind: 'from', first: Number(first), last: Number(last) };
}
