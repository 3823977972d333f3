// Gauges: how much of a bounded thing is taken. Its holder states it once; /status and whatever measures read it.

export interface Gauge {
  readonly entries: number;
  readonly entriesMax: number;
}

export type Gauges = Readonly<Record<string, Gauge>>;
