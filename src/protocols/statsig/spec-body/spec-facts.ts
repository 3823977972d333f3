// What is read out of the body of a spec before it may replace a good one.

export interface SpecFacts {
  /** The body's `has_updates`; undefined where it is missing or no boolean. */
  readonly hasUpdates: boolean | undefined;
  /** The body's `time`; undefined where it is missing or no safe integer of 0 or more, and of ID lists, which have none. */
  readonly time: number | undefined;
  /** The body only makes sense to a client that holds the version before it. */
  readonly isDelta: boolean;
}
