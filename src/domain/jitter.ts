// Times that differ between replicas and connections, so that what began together does not go on together.
import { randomInt } from 'node:crypto';

/** Between half of it and all of it. */
export function jittered(longestMs: number): number {
  return longestMs / 2 + randomInt(Math.ceil(longestMs / 2));
}
