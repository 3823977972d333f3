// What of a pinned key is asked for though no client of this process asks: the names that a setting lists.

/** What a pinned key can have, by the names that settings give it. */
export const PINNED_PAYLOADS = ['v1', 'v2', 'v2-protobuf', 'id-lists'] as const;
export type PinnedPayloadName = (typeof PINNED_PAYLOADS)[number];

/** A list of names, as the setting was found to be one. */
export function readPinnedPayloads(text: string): readonly PinnedPayloadName[] {
  const names = text.split(',');
  return PINNED_PAYLOADS.filter((name) => names.includes(name));
}
