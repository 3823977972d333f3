// Runs checks side by side, each within its time, and gathers what they found; a check that breaks is a finding too.
import type { Clock } from '../domain/clock.js';
import { maskSdkKeysIn } from '../domain/sdk-key.js';
import { within } from '../network/time-limit.js';
import { fail, worstOf, type Check, type Finding, type Patient, type Verdict } from './check.js';

export interface CheckReport {
  readonly name: string;
  readonly verdict: Verdict;
  readonly tookMs: number;
  readonly findings: readonly Finding[];
}

export interface Report {
  readonly verdict: Verdict;
  readonly checks: readonly CheckReport[];
}

/** Never rejects. */
export async function examine(checks: readonly Check[], patient: Patient): Promise<Report> {
  return toReport(await Promise.all(checks.map((check) => runCheck(check, patient))));
}

export function toReport(checks: readonly CheckReport[]): Report {
  return { verdict: worstOf(checks.map(({ verdict }) => verdict)), checks };
}

export function toCheckReport(name: string, tookMs: number, findings: readonly Finding[]): CheckReport {
  return {
    name,
    verdict: worstOf(findings.map(({ verdict }) => verdict)),
    tookMs: Math.round(tookMs),
    findings,
  };
}

async function runCheck(check: Check, patient: Patient): Promise<CheckReport> {
  const { clock } = patient;
  const startMs = clock.monotonicMs();
  const findings = await findInTime(clock, check, patient);
  return toCheckReport(check.name, clock.monotonicMs() - startMs, findings);
}

async function findInTime(
  clock: Clock,
  { run, deadlineMs }: Check,
  patient: Patient,
): Promise<readonly Finding[]> {
  const late = new Error('late');
  try {
    return await within(
      clock,
      deadlineMs,
      () => late,
      undefined,
      () => run(patient),
    );
  } catch (error) {
    if (error === late) {
      return [
        fail(
          `nothing was found out within ${deadlineMs / 1000} s`,
          'Something it asks hangs: see the other checks.',
        ),
      ];
    }
    const why = maskSdkKeysIn(error instanceof Error ? error.message : String(error));
    return [fail(`the check itself failed: ${why}`, 'This is a bug of this program: please report it.')];
  }
}
