// The curves of the benchmark growth: what a cost comes to as one number grows, and how steep that is.
import { readFileSync } from 'node:fs';

export interface Curve {
  /** Names the picture's file. */
  readonly name: string;
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** In the order of x; every number is above 0. */
  readonly points: readonly (readonly [number, number])[];
}

export const GROWTH_FILE = new URL('../docs/performance/growth.json', import.meta.url);

/** Curves by name, as the benchmark left them. */
export function readCurves(): readonly Curve[] {
  return JSON.parse(readFileSync(GROWTH_FILE, 'utf8')) as Curve[];
}

/** The exponent of the power of x that fits the points best: 0 where the cost stays, 1 where it grows as x does. */
export function slopeOf({ points }: Pick<Curve, 'points'>): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const mean = (of: 0 | 1): number => logs.reduce((sum, log) => sum + log[of], 0) / logs.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const covariance = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const variance = logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return covariance / variance;
}
