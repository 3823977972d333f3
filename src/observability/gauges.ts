// Gauges: how much of a bounded thing is taken. Its holder states it once; /status and whatever measures read it.

export interface Gauge {
  readonly entries: number;
  readonly entriesMax: number;
  /** How often somebody was turned away, or had to give way, as all was taken; since the start, where that is counted. */
  readonly reached?: number;
}

export type Gauges = Readonly<Record<string, Gauge>>;
