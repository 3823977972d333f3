// What a test file says of itself at its end: how many tests ran and how they ended, in node's own words, and what they took.

const NAMES = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo'] as const;

export type Counts = Readonly<Record<(typeof NAMES)[number], number>>;

export const NONE: Counts = { tests: 0, suites: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0 };

/** The counts at the end of what node's `spec` reporter wrote; none where the process ended before it wrote them. */
export function countsIn(output: string): Counts | undefined {
  const counts = { ...NONE };
  for (const name of NAMES) {
    const last = [...output.matchAll(new RegExp(`^ℹ ${name} (\\d+)$`, 'gm'))].at(-1);
    if (last === undefined) return undefined;
    counts[name] = Number(last[1]);
  }
  return counts;
}

/** What cpu-time.mjs wrote. */
export function cpuMsIn(output: string): number | undefined {
  const text = /^ℹ cpu_ms (\d+)$/m.exec(output)?.[1];
  return text === undefined ? undefined : Number(text);
}

export function sum(all: readonly Counts[]): Counts {
  const total = { ...NONE };
  for (const counts of all) {
    for (const name of NAMES) total[name] += counts[name];
  }
  return total;
}

/** The lines with which `node --test` ends. */
export function summary(counts: Counts, durationMs: number): string {
  return [
    ...NAMES.map((name) => `# ${name} ${counts[name]}`),
    `# duration_ms ${Math.round(durationMs)}`,
  ].join('\n');
}
