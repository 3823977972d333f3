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

/** For those without Helm: plain manifests, and the values that they are made from. */
export const MANIFESTS = 'examples/kubernetes/spec-forward-proxy.yaml';
const MANIFEST_VALUES = 'examples/kubernetes/values.yaml';
const OPENING =
  '# Made from the chart with values.yaml beside it: `npm run chart:golden`. Change that, not this.\n';

export function renderManifests(helm: string): Render {
  const { yaml, errors } = render(helm, ['--values', MANIFEST_VALUES, '--no-hooks']);
  // Nobody's but Helm's.
  const plain = yaml?.replace(
    /^(?: *(?:helm\.sh\/chart|app\.kubernetes\.io\/managed-by):|# Source:) .*\n/gm,
    '',
  );
  return { yaml: plain?.replace('---\n', `---\n${OPENING}`), errors };
}
