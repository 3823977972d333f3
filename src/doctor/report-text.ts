// A report for people, one line a finding, or for machines; and the exit status that it comes to.
import { maskSdkKey } from '../domain/sdk-key.js';
import type { Verdict } from './check.js';
import type { Report } from './examine.js';

const WORDS: Readonly<Record<Verdict, string>> = { pass: 'pass', warn: 'WARN', fail: 'FAIL' };

/** Shorter ones are words, and could be anything. */
const MASKED_FROM_CHARACTERS = 12;

/** With every key in its masked form alone, whatever a finding quotes. */
export function withoutKeys(report: Report, sdkKeys: Iterable<string>): Report {
  const known = [...sdkKeys].filter(({ length }) => length >= MASKED_FROM_CHARACTERS);
  const mask = (text: string): string =>
    known.reduce((result, sdkKey) => result.replaceAll(sdkKey, maskSdkKey(sdkKey)), text);
  const checks = report.checks.map(({ findings, ...check }) => ({
    ...check,
    findings: findings.map(({ verdict, what, remedy }) => ({
      verdict,
      what: mask(what),
      ...(remedy !== undefined && { remedy: mask(remedy) }),
    })),
  }));
  return { ...report, checks };
}

export function toText(report: Report): string {
  const width = Math.max(0, ...report.checks.map(({ name }) => name.length));
  const lines = report.checks.flatMap(({ name, findings }) =>
    findings.flatMap(({ verdict, what, remedy }) => {
      const line = `${WORDS[verdict]}  ${name.padEnd(width)}  ${what}`;
      return remedy === undefined ? [line] : [line, `${' '.repeat(width + 8)}-> ${remedy}`];
    }),
  );
  return [...lines, summary(report), ''].join('\n');
}

export function toJson(report: Report, version: string): string {
  return `${JSON.stringify({ version, ...report }, undefined, 2)}\n`;
}

/** Warnings count only where that was asked for: a container that waits for this has to start with them. */
export function exitStatusOf({ verdict }: Pick<Report, 'verdict'>, isStrict: boolean): 0 | 1 {
  return verdict === 'fail' || (isStrict && verdict === 'warn') ? 1 : 0;
}

function summary({ checks }: Report): string {
  const count = (verdict: Verdict): number =>
    checks.flatMap(({ findings }) => findings).filter((finding) => finding.verdict === verdict).length;
  return `${count('pass')} passed, ${count('warn')} warnings, ${count('fail')} failed`;
}
