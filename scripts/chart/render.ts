// One render of the chart by helm, always of the same release, so that it can be compared with what is kept of it.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

export const CHART = 'chart';
export const VALUES = 'test/chart/values';
export const GOLDEN = 'test/chart/golden';

export interface Render {
  /** Undefined where helm refused the values. */
  readonly yaml: string | undefined;
  /** What helm wrote to standard error. */
  readonly errors: string;
}

/** The values files of the tests, by name without ending. */
export function valuesNames(): readonly string[] {
  return readdirSync(VALUES).map((file) => file.replace(/\.yaml$/, ''));
}

export function render(helm: string, args: readonly string[]): Render {
  const release = ['template', 'proxy', CHART, '--namespace', 'statsig'];
  const { status, stdout, stderr, error } = spawnSync(helm, [...release, ...args], { encoding: 'utf8' });
  if (error !== undefined) throw error;
  return { yaml: status === 0 ? stdout : undefined, errors: stderr };
}
