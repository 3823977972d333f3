// Brings the helm of the chart's tests: built by Go from its module, at an exact version, once.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const VERSION = '3.22.0';
const FOLDER = resolve('node_modules/.cache', `helm-${VERSION}`);
const BUILT = `${FOLDER}/helm`;
/** As helm's own releases are linked: the Kubernetes that it takes itself to talk to, which is 1.20 otherwise. */
const KUBERNETES_MINOR = 37;
const LINKED = ['chartutil', 'lint/rules'].flatMap((place) => [
  `-X helm.sh/helm/v3/pkg/${place}.k8sVersionMajor=1`,
  `-X helm.sh/helm/v3/pkg/${place}.k8sVersionMinor=${KUBERNETES_MINOR}`,
]);

/** A helm that is there: of the variable HELM, or of an earlier build. */
export function helmPath(env: NodeJS.ProcessEnv): string | undefined {
  const given = env['HELM'];
  if (given !== undefined && given !== '') return given;
  return existsSync(BUILT) ? BUILT : undefined;
}

/** Builds it unless it is there: minutes with an empty cache of Go, seconds later. Without Go, undefined. */
export function buildHelm(env: NodeJS.ProcessEnv): string | undefined {
  const there = helmPath(env);
  if (there !== undefined) return there;
  if (spawnSync('go', ['version']).status !== 0) return undefined;
  console.log(`Building helm ${VERSION} into ${FOLDER} ...`);
  const module = `helm.sh/helm/v3/cmd/helm@v${VERSION}`;
  const { status } = spawnSync('go', ['install', '-ldflags', `-s -w ${LINKED.join(' ')}`, module], {
    stdio: 'inherit',
    env: { ...env, GOBIN: FOLDER, CGO_ENABLED: '0' },
  });
  if (status !== 0) throw new Error(`Go could not build helm ${VERSION}: set HELM to the path of one`);
  return BUILT;
}
