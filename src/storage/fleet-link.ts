// The port between the replicas of a fleet: which one leads, what the others have stored and confirmed, and messages about both.
import type { PayloadKey } from '../domain/payload-key.js';

/** What is stored of a payload, as all replicas see it. */
export interface EntryState {
  readonly version: number;
  /** How long ago anybody confirmed it with the origin, by the clock of the place that all share. */
  readonly confirmedAgoMs: number;
  /** Whether it was this very process that confirmed it last. */
  readonly isConfirmedByUs: boolean;
}

export interface FleetListener {
  /** Another replica has stored this version under this name. Messages may be lost, and may come late or twice. */
  stored(entryName: string, version: number): void;
  /** This process leads from now on. */
  lead(): void;
  /** What all replicas share can be reached again. */
  reachable(): void;
}

export interface FleetLink {
  /** True while the lease is ours beyond doubt: it ends by our own clock, whatever cannot be reached. */
  readonly isLeader: boolean;
  /** The leader, as far as known: an instance id, or undefined. For `/status`. */
  readonly leader: string | undefined;
  /** The same for the same payload on every replica; tells nothing of the SDK key. */
  entryName(key: PayloadKey): string;
  /**
   * One state for each key, in their order: undefined where nothing usable is stored. Undefined as a whole where it
   * could not be asked. One round trip, with a deadline; never rejects.
   */
  states(keys: readonly PayloadKey[]): Promise<readonly (EntryState | undefined)[] | undefined>;
  /** Begins to take part: tries for the lease now and from time to time, and listens. At most once. */
  join(listener: FleetListener): void;
  /** Gives the lease back if it is ours, tells the others so, and takes part no more. Never rejects. */
  leave(): Promise<void>;
}
