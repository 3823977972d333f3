// What clients say about themselves in headers, made fit to be shown: bounded, and without SDK keys.
import { isValidSdkKey, maskSdkKeysIn } from './sdk-key.js';

export const UNKNOWN = 'unknown';
/** Longer ones are cut: they come from clients. */
export const CLIENT_TEXT_CHARACTERS_MAX = 64;
/** How core SDKs name themselves: not a key, although it looks like one. */
const CORE_SDK = /^(?:[a-z]+-)?statsig-server-core-[a-z]+$/;
const LIKE_A_KEY = /(?:secret|client|server)-/;

/** `own`: the SDK key that the same client names, which it may repeat. */
export function clientText(value: unknown, own: string | undefined): string {
  if (typeof value !== 'string' || value === '') return UNKNOWN;
  const text = value.slice(0, CLIENT_TEXT_CHARACTERS_MAX);
  // Whatever a client writes there, a key is not shown; the pattern for that takes longer to make than the rest.
  const isLikeKey = LIKE_A_KEY.test(text) && !CORE_SDK.test(text);
  const mayHoldKey = isLikeKey || (own !== undefined && own !== '' && text.includes(own));
  return mayHoldKey ? maskSdkKeysIn(text, own !== undefined && isValidSdkKey(own) ? own : undefined) : text;
}
