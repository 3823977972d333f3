// One payload as it is held: its forms, where it came from, and how old the origin's last word on it is.
import type { BodyForms } from '../bodies/body-forms.js';
import type { PayloadKey } from '../domain/payload-key.js';
import type { Payload } from '../domain/payload.js';

/** One payload as it is held. `confirmedAtMs` is by the monotonic clock. */
export interface HeldPayload {
  readonly key: PayloadKey;
  readonly payload: Payload;
  readonly forms: BodyForms;
  /** When the origin, or a proxy in between, last said that this is its newest version, to us or to whom we have it from. */
  confirmedAtMs: number;
  /** How old that word was when it came, where a proxy in between relayed it. */
  relayedMs: number;
  /** When a client last asked for it, by the same clock. */
  askedAtMs: number;
  /** Where this version came from. */
  readonly source: PayloadSource;
  /** The replica that had confirmed it in Redis, where it came from there and that is known. */
  readonly from?: string | undefined;
}

/** The origin, a place that outlives the process, or an operator who had an earlier version served. */
export type PayloadSource = 'origin' | 'redis' | 'disk' | 'operator';

export interface Arrival {
  /** How long ago it was confirmed; just now where left out. */
  readonly confirmedAgoMs?: number;
  /** How old that word was when it came; as in a held payload. */
  readonly relayedMs?: number | undefined;
  /** `origin` where left out. */
  readonly source?: PayloadSource;
  readonly from?: string | undefined;
}

/** How long ago the origin itself said that this is its newest version, as far as is known. */
export function ageMs({ confirmedAtMs, relayedMs }: HeldPayload, monotonicMs: number): number {
  return monotonicMs - confirmedAtMs + relayedMs;
}

/** Of one payload besides its bodies: keys, maps, promises. */
const PAYLOAD_OVERHEAD_BYTES = 2_048;

export function bytesOf({ forms }: HeldPayload): number {
  return Object.values(forms.sizes).reduce((sum, size) => sum + size, PAYLOAD_OVERHEAD_BYTES);
}
