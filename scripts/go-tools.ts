// Programs of others that tests run, each built by Go from its module at an exact version, once.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

export interface GoTool {
  readonly name: string;
  readonly module: string;
  readonly version: string;
  /** What is set in its packages when it is linked. */
  readonly linked?: readonly string[];
}

/** The Kubernetes that helm takes itself to talk to, as its own releases are linked; 1.20 otherwise. */
const KUBERNETES_MINOR = 37;

export const HELM: GoTool = {
  name: 'helm',
  module: 'helm.sh/helm/v3/cmd/helm',
  version: '3.22.0',
  linked: ['chartutil', 'lint/rules'].flatMap((place) => [
    `-X helm.sh/helm/v3/pkg/${place}.k8sVersionMajor=1`,
    `-X helm.sh/helm/v3/pkg/${place}.k8sVersionMinor=${KUBERNETES_MINOR}`,
  ]),
};
export const ACTIONLINT: GoTool = {
  name: 'actionlint',
  module: 'github.com/rhysd/actionlint/cmd/actionlint',
  version: '1.7.12',
};

function folderOf({ name, version }: GoTool): string {
  return resolve('node_modules/.cache', `${name}-${version}`);
}

/** One that is there: of the variable of its name, such as HELM, or of an earlier build. */
export function goToolPath(tool: GoTool, env: NodeJS.ProcessEnv): string | undefined {
  const given = env[tool.name.toUpperCase()];
  if (given !== undefined && given !== '') return given;
  const built = `${folderOf(tool)}/${tool.name}`;
  return existsSync(built) ? built : undefined;
}

/** Why tests that need it are skipped; false where it is there. */
export function whyNoGoTool(tool: GoTool, env: NodeJS.ProcessEnv): string | false {
  if (goToolPath(tool, env) !== undefined) return false;
  return `there is no ${tool.name}: \`npm run go-tools\` builds one where there is Go, or set ${tool.name.toUpperCase()}`;
}

/** Builds it unless it is there. Without Go, undefined. */
export function buildGoTool(tool: GoTool, env: NodeJS.ProcessEnv): string | undefined {
  const there = goToolPath(tool, env);
  if (there !== undefined) return there;
  if (spawnSync('go', ['version']).status !== 0) return undefined;
  const folder = folderOf(tool);
  console.log(`Building ${tool.name} ${tool.version} into ${folder} ...`);
  const linked = ['-s', '-w', ...(tool.linked ?? [])].join(' ');
  const { status } = spawnSync('go', ['install', '-ldflags', linked, `${tool.module}@v${tool.version}`], {
    stdio: 'inherit',
    env: { ...env, GOBIN: folder, CGO_ENABLED: '0' },
  });
  if (status !== 0) throw new Error(`Go could not build ${tool.name}: set ${tool.name.toUpperCase()}`);
  return `${folder}/${tool.name}`;
}
