// What run_locally.sh hands over to: installs and builds where that is needed, then starts demo origin and proxy.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
const root = fileURLToPath(new URL('..', import.meta.url));
const args = process.argv.slice(2);

if (!args.includes('--help') && !args.includes('-h')) {
  await install();
  await build();
}
await import('./typescript.mjs');
const { main } = await import('./run-locally/main.ts');
await main(args);

async function install() {
  // npm writes the second file when it is done; it is missing where an installation was broken off.
  if (writtenMs('package-lock.json') <= writtenMs('node_modules/.package-lock.json')) return;
  console.log('Installing dependencies ...');
  await run('npm', ['ci', '--include=dev', '--loglevel=error'], 'the installation of dependencies failed');
}

/** What is built stays: a second replica must not take the files of the first one away. */
async function build() {
  const builtMs = writtenMs('dist/main.js');
  const sources = ['src', ...readdirSync(`${root}/src`, { recursive: true }).map((file) => `src/${file}`)];
  const made = ['scripts/build.mjs', 'scripts/build-page.mjs', 'package-lock.json'];
  if ([...sources, ...made].every((path) => writtenMs(path) <= builtMs)) return;
  console.log('Building ...');
  await run(process.execPath, ['scripts/build.mjs'], 'the build failed');
}

/** Runs a command in the project, shows what it wrote only where it failed, and ends it when this process has to end. */
async function run(command, commandArgs, failure) {
  let interrupted;
  const interrupt = (signal) => {
    interrupted = signal;
    child.kill('SIGTERM');
  };
  // Before it starts: a signal that comes with its first moment must not end this process alone.
  for (const signal of SIGNALS) process.on(signal, interrupt);
  const child = spawn(command, commandArgs, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const [code] = await once(child, 'close');
  for (const signal of SIGNALS) process.off(signal, interrupt);
  if (interrupted !== undefined) process.exit(128 + constants.signals[interrupted]);
  if (code === 0) return;
  console.error(`${output}run_locally.sh: ${failure}`);
  process.exit(1);
}

function writtenMs(path) {
  return statSync(`${root}/${path}`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
