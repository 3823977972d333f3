// What a check of the doctor is: a name, work that finds things out and changes nothing, and findings with a remedy.
import type { World } from '../app/world.js';
import type { Config } from '../config/load-config.js';
import type { Ignored } from '../config/load-settings.js';
import type { Logger } from '../observability/logger.js';
import type { TriedPayloads } from './tried-keys.js';

export type Verdict = 'pass' | 'warn' | 'fail';

export interface Finding {
  readonly verdict: Verdict;
  /** A sentence for people. */
  readonly what: string;
  /** What to do about it; only where there is something to do. */
  readonly remedy?: string;
}

export interface Patient extends Pick<
  World,
  'clock' | 'version' | 'user' | 'openFilesMax' | 'memoryBytesMax' | 'lookup'
> {
  readonly config: Config;
  readonly ignored: Ignored;
  /** Of rooms that report by log lines. */
  readonly log: Logger;
  /** How long the load balancer in front keeps an idle connection. */
  readonly balancerIdleS: number;
  /** What the pinned keys were answered; fetched once, for every check that needs it. */
  readonly tried: () => Promise<TriedPayloads>;
}

export interface Check {
  readonly name: string;
  readonly deadlineMs: number;
  /** At least one finding. A rejection is a bug, and is reported as one. */
  readonly run: (patient: Patient) => Promise<readonly Finding[]>;
}

export function pass(what: string): Finding {
  return { verdict: 'pass', what };
}

export function warn(what: string, remedy: string): Finding {
  return { verdict: 'warn', what, remedy };
}

export function fail(what: string, remedy: string): Finding {
  return { verdict: 'fail', what, remedy };
}

const ORDER: readonly Verdict[] = ['pass', 'warn', 'fail'];

export function worstOf(verdicts: readonly Verdict[]): Verdict {
  return ORDER[Math.max(0, ...verdicts.map((verdict) => ORDER.indexOf(verdict)))] ?? 'pass';
}
