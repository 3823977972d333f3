// Where in the polling interval a payload's turn comes: fixed for one instance, different for another.
import { createHash } from 'node:crypto';

/**
 * An offset in milliseconds, 0 or more and less than `intervalMs`. Keys spread over the interval, and replicas,
 * whose instance names differ, do not ask the origin in step.
 */
export function phaseMs(instanceName: string, id: string, intervalMs: number): number {
  const hash = createHash('sha256').update(`${instanceName}\n${id}`).digest();
  return hash.readUInt32BE(0) % intervalMs;
}
