// Who has one spec: its SDK instances and streams, how often they ask, and how its versions reached them.
import type { PayloadKey } from '../../../domain/payload-key.js';
import type { ClientSdk } from './client-sdks.js';
import type { UpdateTimes } from './update-times.js';

/** One SDK instance that polls a spec, or one stream of it. */
export interface Instance {
  readonly spec: SpecClients;
  readonly sdk: ClientSdk;
  /** Undefined for a stream. */
  readonly session: string | undefined;
  readonly firstSeenMs: number;
  /** Whole seconds: a fraction would be an object for each poll. Infinity while a stream is open. */
  seenAtS: number;
  /** The version that it said to hold, or took by its stream; 0 for none. */
  holds: number;
  /** The last version of ours that it was sent, or said to hold, and since when. */
  has: number;
  hasSinceMs: number;
}

/** Of one spec that is held. */
export interface SpecClients {
  readonly key: PayloadKey;
  version: number;
  heldSinceMs: number;
  /** Since the spec is held, by clients of every kind. */
  polls: number;
  /** What `polls` was at each sweep within the last minute: the oldest first. */
  readonly pollsBefore: number[];
  /** How the versions before this one reached clients: the oldest first. */
  pastUpdates: readonly UpdateTimes[];
  /** Pollers by their session id, streams by themselves. */
  readonly instances: Map<string | object, Instance>;
}

/** Polls of the spec in about the last minute. */
export function pollsInAMinute({ polls, pollsBefore }: SpecClients): number {
  return polls - (pollsBefore[0] ?? 0);
}
