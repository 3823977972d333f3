// At most so many tasks at one time, the rest in line; the one door to p-limit.
import pLimit, { type LimitFunction } from 'p-limit';

/** Runs a task when there is room; knows how many run (`activeCount`) and wait (`pendingCount`). */
export type ConcurrencyLimit = LimitFunction;

export function createConcurrencyLimit(tasksMax: number): ConcurrencyLimit {
  return pLimit(tasksMax);
}
