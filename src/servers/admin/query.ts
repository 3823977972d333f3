// What the queries of /api/v1 say: numbers within bounds, and texts that are not too long.

const TEXT_CHARACTERS_MAX = 500;
const DIGITS = /^\d{1,16}$/;

/** Where nothing is said, `ofNone`; undefined for what is no number from 1 to `max`. */
export function readLimit(given: unknown, ofNone: number, max: number): number | undefined {
  const limit = given === undefined ? ofNone : readNumber(given);
  return limit !== undefined && limit >= 1 && limit <= max ? limit : undefined;
}

/** A version; undefined for what is none. */
export function readNumber(given: unknown): number | undefined {
  return typeof given === 'string' && DIGITS.test(given) ? Number(given) : undefined;
}

/** Empty where nothing is said; undefined for several, or one that is too long. */
export function readText(given: unknown): string | undefined {
  if (given === undefined) return '';
  return typeof given === 'string' && given.length <= TEXT_CHARACTERS_MAX ? given : undefined;
}
