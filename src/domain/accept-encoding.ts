// The Accept-Encoding header: which of the encodings at hand a client may be sent (RFC 9110, 12.5.3).
import { ownCopy } from './own-copy.js';
import type { Encoding } from './payload.js';

type Qualities = ReadonlyMap<string, number>;

/** Longer headers are not read to their end: nothing that an SDK sends comes near. */
const HEADER_CHARACTERS_MAX = 1024;
/** Headers whose weights are remembered: clients send a few, and short ones. */
const REMEMBERED_MAX = 200;
const REMEMBERED_CHARACTERS_MAX = 128;
const QUALITY = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/i;

/**
 * Picks the encoding to send, or undefined where the client excluded every one of `offered`.
 * Of those the client likes best, the first in `offered` wins: the caller lists what it has at hand first.
 * A header that is absent or empty asks for `identity`.
 */
export function negotiateEncoding(
  header: string | undefined,
  offered: readonly Encoding[],
): Encoding | undefined {
  const qualities = qualitiesOf(header);
  let best: Encoding | undefined;
  let bestQuality = 0;
  for (const encoding of offered) {
    const quality = qualityOf(encoding, qualities);
    // Identity is always allowed, but only as the last choice unless the client names it.
    if (quality > bestQuality) {
      best = encoding;
      bestQuality = quality;
    }
  }
  return best;
}

/** Whether the client names `coding`, and likes it no less than `other`. */
export function namesAsWelcome(header: string | undefined, coding: string, other: string): boolean {
  const qualities = qualitiesOf(header);
  const quality = qualities.get(coding) ?? 0;
  return quality > 0 && quality >= (qualities.get(other) ?? 0);
}

const IDENTITY_UNNAMED_QUALITY = 0.0001;

function qualityOf(encoding: Encoding, qualities: Qualities): number {
  const named = qualities.get(encoding) ?? (encoding === 'gzip' ? qualities.get('x-gzip') : undefined);
  if (named !== undefined) return named;
  const any = qualities.get('*');
  if (encoding === 'identity') return any === 0 ? 0 : IDENTITY_UNNAMED_QUALITY;
  return any ?? 0;
}

const remembered = new Map<string, Qualities>();

function qualitiesOf(header = ''): Qualities {
  const known = remembered.get(header);
  if (known !== undefined) return known;
  const qualities = parseQualities(header.slice(0, HEADER_CHARACTERS_MAX));
  if (header.length <= REMEMBERED_CHARACTERS_MAX) {
    if (remembered.size >= REMEMBERED_MAX) remembered.clear();
    remembered.set(ownCopy(header), qualities);
  }
  return qualities;
}

/** Tokens in lower case with their weight; a token whose weight cannot be read is left out. */
function parseQualities(header: string): Qualities {
  const qualities = new Map<string, number>();
  for (const part of header.split(',')) {
    const [token = '', ...parameters] = part.split(';').map((piece) => piece.trim());
    if (token === '') continue;
    const quality = parameters.length === 0 ? 1 : readQuality(parameters);
    if (quality !== undefined) qualities.set(token.toLowerCase(), quality);
  }
  return qualities;
}

function readQuality(parameters: readonly string[]): number | undefined {
  const match = QUALITY.exec(parameters[0]?.replace(/\s+/g, '') ?? '');
  return match === null || parameters.length > 1 ? undefined : Number(match[1]);
}
