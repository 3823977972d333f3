// ./run_locally.sh before anything runs: what it needs, what it installs and builds, and what it leaves alone.
import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { isAlive, ROOT, runLocally } from './local-run.js';

const PORTS = '--http-port 0 --grpc-port 0 --admin-port 0';
const LAST_LINE = 'Ctrl-C stops everything.';

/** A folder with these programs, to be found before all others. */
function programs(scripts: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const folder = makeTemporaryFolder('programs');
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
}

interface Project {
  /** The lock file is newer than what is installed. */
  readonly newer?: boolean;
  /** In place of all of `src`: this one file. */
  readonly source?: string;
}

/** The project without what was built; installed, unless it is to be `newer`. */
function freshProject({ newer = false, source }: Project = {}): string {
  const folder = makeTemporaryFolder('project');
  const copied = ['proto', 'scripts', 'package.json', 'package-lock.json', 'tsconfig.json', 'run_locally.sh'];
  for (const name of source === undefined ? ['src', ...copied] : copied) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true, preserveTimestamps: true });
  }
  if (source !== undefined) {
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'src/main.ts'), source);
  }
  if (newer) {
    mkdirSync(join(folder, 'node_modules'));
    writeFileSync(join(folder, 'node_modules/.package-lock.json'), '{}');
    utimesSync(join(folder, 'node_modules/.package-lock.json'), 0, 0);
  } else {
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  }
  return folder;
}

describe('./run_locally.sh', { concurrency: true }, () => {
  it('builds what is not built, and does not build it again', async (t) => {
    const root = freshProject();
    const first = runLocally(t, `http disabled ${PORTS}`, { root });
    await first.printed(LAST_LINE);
    assert.match(first.output, /^Building \.\.\.\n\nThe proxy is ready/);
    first.signal('SIGTERM');
    assert.equal(await first.exitStatus(), 0);
    const second = runLocally(t, `http disabled ${PORTS}`, { root });
    await second.printed(LAST_LINE);
    assert.match(second.output, /^\nThe proxy is ready/);
  });

  it('installs where the lock file is newer, and shows what npm wrote where that fails', async (t) => {
    const env = programs({ npm: 'echo "npm $*"; echo "npm error nothing there" >&2; exit 1' });
    const run = runLocally(t, '', { root: freshProject({ newer: true }), env });
    assert.equal(await run.exitStatus(), 1);
    assert.match(run.output, /^Installing dependencies \.\.\.$/m);
    assert.match(run.output, /^npm ci --include=dev/m);
    assert.match(
      run.output,
      /npm error nothing there\nrun_locally\.sh: the installation of dependencies failed\n$/,
    );
  });

  it('ends npm when it is ended itself', async (t) => {
    const env = programs({ npm: 'exec sleep 600' });
    const run = runLocally(t, '', { root: freshProject({ newer: true }), env });
    await run.printed('Installing');
    await eventually('npm', () => run.descendants().length > 0);
    const started = run.descendants();
    run.signal('SIGTERM');
    assert.equal(await run.exitStatus(), 143);
    await eventually('end of npm', () => !started.some(isAlive));
  });

  it('shows what is wrong where the build fails', async (t) => {
    const root = freshProject({ source: 'export const wrong = ;\n' });
    const run = runLocally(t, '', { root });
    assert.equal(await run.exitStatus(), 1);
    assert.match(run.output, /src\/main\.ts:1:21[^]*run_locally\.sh: the build failed\n$/);
  });

  for (const version of ['v18.20.0', 'v20.18.3']) {
    it(`refuses Node ${version}`, async (t) => {
      const run = runLocally(t, '', { env: programs({ node: `echo ${version}` }) });
      assert.equal(await run.exitStatus(), 1);
      assert.match(run.output, /^run_locally\.sh: Node 20\.19 or newer is needed, found: v/);
    });
  }

  it('prints its usage without installing or building anything', async (t) => {
    const run = runLocally(t, '--help', { root: freshProject() });
    assert.equal(await run.exitStatus(), 0);
    assert.match(run.output, /^usage: \.\/run_locally\.sh/);
  });
});
