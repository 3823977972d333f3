// The report of a comparison: by key and form for people, or as JSON; and the exit status it comes to.
import type { KeyReport } from './rounds.js';
import type { Counted, FormReport } from './tally.js';

export interface ShadowReport {
  readonly base: string;
  readonly against: string;
  /** `late`: all that differs is when a version arrived. */
  readonly verdict: 'same' | 'late' | 'different';
  readonly keys: readonly KeyReport[];
}

export function verdictOf(keys: readonly KeyReport[]): ShadowReport['verdict'] {
  const forms = keys.flatMap((key) => key.forms);
  if (forms.some(({ differences }) => differences.length > 0)) return 'different';
  return forms.some(({ late }) => late.rounds > 0) ? 'late' : 'same';
}

export function toText({ base, against, verdict, keys }: ShadowReport): string {
  const lines = keys.flatMap(({ sdkKey, forms }) => [sdkKey, ...forms.flatMap(toLines)]);
  return [`base ${base}, against ${against}`, ...lines, `verdict: ${verdict}`, ''].join('\n');
}

const NAME_CHARACTERS = 22;

function toLines({ form, rounds, same, late, differences, notes, latency }: FormReport): string[] {
  const { base, against } = latency;
  const times = `median ${base.medianMs} / ${against.medianMs} ms, p95 ${base.p95Ms} / ${against.p95Ms} ms`;
  const ofLate =
    late.rounds === 0
      ? []
      : [
          `      late: ${late.rounds} rounds, up to ${late.longestMs / 1000} s, behind: ${late.behind.join(', ')}`,
        ];
  const word = differences.length > 0 ? 'DIFF' : late.rounds > 0 ? 'late' : 'same';
  return [
    `  ${word}  ${form.padEnd(NAME_CHARACTERS)} ${same} of ${rounds} rounds the same; ${times}`,
    ...differences.map((counted) => toLine('differs', counted)),
    ...ofLate,
    ...notes.map((counted) => toLine('noted', counted)),
  ];
}

function toLine(word: string, { kind, rounds, detail }: Counted): string {
  return `      ${word}: ${kind} in ${rounds} rounds: ${detail}`;
}
