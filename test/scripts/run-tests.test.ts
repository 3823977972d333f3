// The test runner: what passes and what does not, and that no file hides its failure or leaves a process behind.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { node24 } from '../../scripts/test-run/node-24.js';
import { runFile, runScript, type TestFile } from '../../scripts/test-run/run-file.js';
import {
  allTestFiles,
  dependsOnNode,
  isForBothNodes,
  isUnit,
  longestFirst,
  SCENES,
} from '../../scripts/test-run/test-files.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RUNNER = join(ROOT, 'scripts/run-tests.mjs');
const IMPORT = `import { test } from 'node:test';\n`;
/** In two pieces, as the bundle of this file would have its own URL there. */
const META = 'import.meta';
const PASSING = `${IMPORT}test('passes', () => undefined);\n`;
const FAILING = `${IMPORT}test('fails', () => { throw new Error('on purpose'); });\n`;

function fileWith(name: string, text: string): string {
  const file = join(makeTemporaryFolder('run-tests'), name);
  writeFileSync(file, text);
  return file;
}

function testFile(name: string, text: string): TestFile {
  const file = fileWith(name, text);
  return { node: process.execPath, file, script: file, isRandom: false };
}

interface Run {
  readonly status: number | null;
  readonly output: string;
}

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Run {
  const { status, stdout, stderr } = spawnSync(process.execPath, [RUNNER, ...args], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  return { status, output: stdout + stderr };
}

test('a run names its files and its seed, and ends with the summary of all', () => {
  const files = [fileWith('one.test.mjs', PASSING), fileWith('two.test.mjs', PASSING)];
  const { status, output } = run(['--slowest', '2', ...files], { SEED: '42' });
  const major = String(process.versions.node.split('.')[0]);
  assert.equal(status, 0, output);
  for (const file of files) assert.match(output, new RegExp(`^ok .* 1 tests {2}Node ${major} ${file}$`, 'm'));
  assert.match(output, /^Random walks start from SEED=42$/m);
  assert.match(output, new RegExp(`^Node ${process.versions.node}: 2 files$`, 'm'));
  assert.match(output, /^Slowest:\n(?:ok .*\n){2}# tests 2$/m);
  assert.match(
    output,
    /^# tests 2\n# suites 0\n# pass 2\n# fail 0\n# cancelled 0\n# skipped 0\n# todo 0\n# duration/m,
  );
});

test('a failing test fails the run, and is named at its end', () => {
  const failing = fileWith('failing.test.mjs', FAILING);
  const { status, output } = run([fileWith('passing.test.mjs', PASSING), failing]);
  assert.equal(status, 1);
  assert.match(output, /Error: on purpose/);
  assert.match(output, new RegExp(`^failed: ${failing}\n# tests 2$`, 'm'));
  assert.match(output, /^# pass 1\n# fail 1$/m);
});

test('random walks go the same way again with the seed of their run', () => {
  const walk = `import fc from 'fast-check';
${IMPORT}test('walks', () => { fc.assert(fc.property(fc.nat(), (n) => { console.log('walked to ' + n); })); });\n`;
  const file = fileWith('walk.test.mjs', walk);
  symlinkSync(join(ROOT, 'node_modules'), join(dirname(file), 'node_modules'));
  const places = ['7', '7', '8'].map((SEED) =>
    run([file], { SEED })
      .output.match(/walked to \d+/g)
      ?.join(),
  );
  assert.equal(places[0], places[1]);
  assert.notEqual(places[1], places[2]);
  assert.equal(run([file], { SEED: 'x' }).status, 1);
});

test('what fails in a file of TypeScript is told by its line there, and beside it are its files', () => {
  const failing = `${IMPORT}interface Unused {}\n\ntest('fails', () => { throw new Error(${META}.url); });\n`;
  const file = fileWith('failing.test.ts', failing);
  const { status, output } = run([file]);
  assert.equal(status, 1);
  assert.match(output, new RegExp(`Error: ${pathToFileURL(file).href}\\n.* \\(${file}:4:\\d+\\)`), output);
});

for (const [name, text, problem] of [
  ['ends before its tests', `${PASSING}process.exit(0);`, /ended with exit code 0 and no result/],
  ['is killed', `${PASSING}process.kill(process.pid, 'SIGKILL');`, /ended with SIGKILL and no result/],
  ['has no tests', '', /ended with exit code 0 and no result/],
  ['cannot be read', '(', /ended with exit code 1 and no result/],
  ['fails beside its tests', `${PASSING}process.exitCode = 3;`, /ended with exit code 3/],
  [
    'does not end',
    `${IMPORT}test('hangs', () => new Promise(() => setInterval(() => {}, 1)));`,
    /not done after 3 s/,
  ],
] as const) {
  test(`a file that ${name} has failed`, async () => {
    const options = {
      env: { ...process.env },
      timeoutMs: name === 'does not end' ? 3_000 : 60_000,
    };
    const { passed, counts, output } = await runFile(testFile('wrong.test.mjs', text), options);
    assert.equal(passed, false);
    assert.ok(counts.fail > 0, output);
    assert.match(output, problem);
  });
}

test('a script of package.json that fails is a failure, with what it wrote', async () => {
  const options = { env: { ...process.env }, timeoutMs: 60_000 };
  const { passed, counts, output } = await runScript('no-such-script', options);
  assert.equal(passed, false);
  assert.equal(counts.fail, 1);
  assert.match(output, /Missing script: "no-such-script"[^]*no-such-script: ended with exit code 1\n$/);
});

test('what a file starts and leaves behind is ended with it', async () => {
  // It holds the file's output open: the runner would wait for it.
  const text = `import { spawn } from 'node:child_process';
${IMPORT}test('starts', () => {
  const child = spawn('sleep', ['600'], { stdio: 'inherit' });
  child.unref();
});\n`;
  const options = { env: { ...process.env }, timeoutMs: 60_000 };
  const { passed, output } = await runFile(testFile('leaves.test.mjs', text), options);
  assert.ok(passed, output);
});

test('what a file needs is read from what it imports, however deep', () => {
  const files = allTestFiles();
  assert.ok(files.length > 100);
  const kinds = (file: string): readonly boolean[] => [isUnit(file), dependsOnNode(file)];
  assert.deepEqual(kinds('test/tidy.test.ts'), [true, false]);
  assert.deepEqual(kinds('test/streams/client-stream.test.ts'), [true, true]);
  assert.deepEqual(kinds('test/app/app.test.ts'), [false, true]);
  assert.deepEqual(kinds('test/scripts/run-tests.test.ts'), [false, true]);
  for (const file of files.filter((name) => /^test\/(?:process|e2e)\//.test(name))) {
    assert.equal(isUnit(file), false, file);
  }
});

test('scenes of several programs are not played again on another Node, and everything else that touches it is', () => {
  for (const scene of SCENES) {
    assert.ok(existsSync(scene), scene);
  }
  const isForBoth = Object.fromEntries(allTestFiles().map((file) => [file, isForBothNodes(file)]));
  for (const file of [
    'process/fleet-outage',
    'app/fleet',
    'e2e/passive-sdks',
    'e2e/id-lists',
    'process/run-locally',
  ]) {
    assert.equal(isForBoth[`test/${file}.test.ts`], false, file);
  }
  for (const [file, isRepeated] of Object.entries(isForBoth)) {
    const isRoom = /^test\/(?:http-client|servers|streams|bodies|storage)\//.test(file);
    if (isRoom) assert.equal(isRepeated, dependsOnNode(file), file);
  }
});

test('files that start programs come first, and those that need nothing last', () => {
  const names = [
    'test/streams/a.test.ts',
    'test/tidy.test.ts',
    'test/app/app.test.ts',
    'test/process/tls.test.ts',
  ];
  assert.deepEqual(longestFirst(names), [names[3], names[2], names[0], names[1]]);
});

test('a Node 24 of your own is taken, and nothing else in its place', () => {
  const [right, wrong] = ['v24.9.9', 'v20.19.0'].map((version) => {
    const path = fileWith('node', `#!/bin/sh\necho ${version}\n`);
    chmodSync(path, 0o755);
    return path;
  });
  assert.deepEqual(node24({ NODE_24: right }), { path: right, version: 'v24.9.9' });
  assert.throws(() => node24({ NODE_24: wrong }), /is not Node 24: v20\.19\.0/);
  assert.throws(() => node24({ NODE_24: '/nowhere/node' }), /is not Node 24: it cannot be started/);
});
