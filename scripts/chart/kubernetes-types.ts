// Brings the programs that read renders into Kubernetes' types: of its oldest, a middle and its newest version, built by Go once.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** Of k8s.io/api: 0.29 has the types of Kubernetes 1.29. */
export const TYPES_VERSIONS = ['0.29.15', '0.33.5', '0.37.0'] as const;
const YAML_VERSION = '1.6.0';

export interface TypesReport {
  readonly faults: readonly string[];
  /** How many objects were read, by their kind. */
  readonly known: Readonly<Record<string, number>>;
  /** The same of kinds that are not Kubernetes' own. */
  readonly unknown: Readonly<Record<string, number>>;
}

function folderOf(version: string): string {
  return resolve('node_modules/.cache', `kubernetes-types-${version}`);
}

/** The program of an earlier build. */
export function typesPath(version: string): string | undefined {
  const built = `${folderOf(version)}/read`;
  return existsSync(built) ? built : undefined;
}

export function buildTypes(env: NodeJS.ProcessEnv): void {
  for (const version of TYPES_VERSIONS.filter((each) => typesPath(each) === undefined)) {
    const cwd = folderOf(version);
    console.log(`Building what reads the types of Kubernetes ${version} into ${cwd} ...`);
    mkdirSync(cwd, { recursive: true });
    copyFileSync('scripts/chart/kubernetes-types.go', `${cwd}/main.go`);
    const needs = `require k8s.io/api v${version}\nrequire sigs.k8s.io/yaml v${YAML_VERSION}\n`;
    writeFileSync(`${cwd}/go.mod`, `module read\ngo 1.24\n${needs}`);
    const { status } = spawnSync('go', ['build', '-mod=mod', '-o', 'read', '.'], {
      cwd,
      stdio: 'inherit',
      env,
    });
    if (status !== 0) throw new Error(`Go could not build what reads the types of Kubernetes ${version}`);
  }
}

export function readIntoTypes(program: string, files: readonly string[]): TypesReport {
  const { stdout, error } = spawnSync(program, files, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  return JSON.parse(stdout) as TypesReport;
}
