// Why a reading brought no spec, in words for the person who reads an SDK's log; the same over every protocol.
import type { Reading } from '../core/reader.js';

export const NOT_PINNED =
  'This SDK key is not pinned, and only pinned keys are served: see --sdk-keys-policy.';

export function explainReading(reading: Exclude<Reading, { readonly kind: 'held' }>): string {
  if (reading.kind === 'refused') return 'The origin refuses this SDK key: check it in the console.';
  if (reading.kind === 'not_pinned') return NOT_PINNED;
  switch (reading.cause) {
    case 'origin_failing':
      return 'The origin fails and what was asked for was never fetched: try again.';
    case 'too_many_cold_fetches':
      return 'Too many specs are being fetched for the first time: try again.';
    case 'sdk_keys_limit_reached':
      return 'Every place for an SDK key is taken by one that stays: raise --maximum-concurrent-sdk-keys.';
  }
}
