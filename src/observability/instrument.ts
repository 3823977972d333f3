// One instrument of /metrics: its name, type, labels and bounds, and how each kind is made.

export type Label =
  | 'api'
  | 'code'
  | 'format'
  | 'kind'
  | 'method'
  | 'node'
  | 'operation'
  | 'outcome'
  | 'reason'
  | 'route'
  | 'sdk'
  | 'sdk_key'
  | 'shard'
  | 'sink'
  | 'table'
  | 'version'
  | 'version_held';

export interface Instrument {
  readonly name: string;
  readonly type: 'counter' | 'histogram' | 'gauge';
  readonly help: string;
  readonly labels: readonly Label[];
  /** Upper bounds of a histogram, in its unit. */
  readonly bounds?: readonly number[];
  /** What a gauge or a pulled counter shows where several readings have the same labels: their sum where left out. */
  readonly merge?: 'min' | 'max';
}

export function counter(name: string, labels: readonly Label[], help: string): Instrument {
  return { name, type: 'counter', labels, help };
}

export function gauge(
  name: string,
  labels: readonly Label[],
  help: string,
  merge?: NonNullable<Instrument['merge']>,
): Instrument {
  return { name, type: 'gauge', labels, help, ...(merge && { merge }) };
}

export function histogram(
  name: string,
  labels: readonly Label[],
  bounds: readonly number[],
  help: string,
): Instrument {
  return { name, type: 'histogram', labels, bounds, help };
}
