// The test runner: several files at a time, each in its own process, with a line for each file and one summary for all.
import { randomInt } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { delimiter, dirname } from 'node:path';
import pLimit from 'p-limit';
import { optionsOf, USAGE, type Options } from './options.js';
import { bundlesOf } from './bundles.js';
import { sum, summary } from './counts.js';
import { node24, type OtherNode } from './node-24.js';
import { runFile, runScript, type FileResult } from './run-file.js';
import { endRunningPrograms, type ProgramOptions } from './run-program.js';
import {
  allTestFiles,
  hasLongVersion,
  isForBothNodes,
  isRandom,
  isUnit,
  longestFirst,
  runsAlone,
} from './test-files.js';

const FILE_MS_MAX = 240_000;
const SOAK_FILE_MS_MAX = 3 * 3_600_000;
/** The linter knows types, takes a minute of one core, and shares it with the first files. */
const LINT_MS_MAX = 900_000;
const SEED_MAX = 2 ** 31;
/** Scripts of package.json; the one that takes longer comes first. */
const LINT = ['lint', 'format:check'];

/** Something to run, and what its line begins with. */
interface Job {
  readonly title: string;
  readonly file: string;
  readonly run: () => Promise<FileResult>;
}

export async function main(args: readonly string[]): Promise<void> {
  const options = optionsOf(args);
  if (options.help) {
    console.log(USAGE);
    return;
  }
  const files = filesFor(options);
  if (files.length === 0) throw new Error('no test files found');
  // Before anything runs: what is missing is heard of at once.
  const second =
    options.alsoOnNode24 && !process.version.startsWith('v24.') ? node24(process.env) : undefined;
  process.once('exit', endRunningPrograms);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

  const jobs = await jobsFor(files, second, options);
  const startedAt = performance.now();
  const results = await runAll(jobs, options);
  const failed = results.filter(({ passed }) => !passed);
  if (options.slowest > 0) console.log(slowestOf(results, options.slowest));
  for (const { file } of failed) console.log(`failed: ${file}`);
  console.log(summary(sum(results.map(({ counts }) => counts)), performance.now() - startedAt));
  process.exitCode = failed.length === 0 ? 0 : 1;
}

function filesFor({ files, unit, process, soak }: Options): string[] {
  return (files.length > 0 ? [...files] : allTestFiles()).filter(
    (file) => (!unit || isUnit(file)) && (!process || !isUnit(file)) && (!soak || hasLongVersion(file)),
  );
}

async function jobsFor(
  files: readonly string[],
  second: OtherNode | undefined,
  { soak, alsoLint }: Options,
): Promise<Job[]> {
  const seed = seedFrom(process.env['SEED']);
  console.log(`Random walks start from SEED=${seed}`);
  const env: NodeJS.ProcessEnv = { ...process.env, SEED: seed, ...(soak && { SOAK: '1' }) };
  const timeoutMs = soak ? SOAK_FILE_MS_MAX : FILE_MS_MAX;
  const bundles = await bundlesOf(files);
  const jobsOn = (node: string, version: string, on: readonly string[], options: ProgramOptions): Job[] => {
    console.log(`Node ${version.replace(/^v/, '')}: ${on.length} files`);
    const title = `Node ${version.replace(/^v(\d+).*/, '$1')}`;
    return longestFirst(on).map((file) => {
      const program = { node, file, script: bundles.get(file) ?? file, isRandom: isRandom(file) };
      return { title, file, run: () => runFile(program, options) };
    });
  };
  const jobs = jobsOn(process.execPath, process.version, files, { env, timeoutMs });
  if (second !== undefined) {
    const path = [dirname(second.path), env['PATH']].join(delimiter);
    const touching = files.filter(isForBothNodes);
    const options = { env: { ...env, PATH: path }, timeoutMs };
    jobs.push(...jobsOn(second.path, second.version, touching, options));
  }
  const lint = LINT.map((name) => ({
    title: 'npm run',
    file: name,
    run: () => runScript(name, { env, timeoutMs: LINT_MS_MAX }),
  }));
  return alsoLint ? [...lint, ...jobs] : jobs;
}

function seedFrom(given: string | undefined): string {
  const seed = given ?? String(randomInt(SEED_MAX));
  if (!/^-?\d+$/.test(seed)) throw new Error(`SEED must be an integer, not '${seed}'`);
  return seed;
}

/** Those that run alone come last, one by one. */
async function runAll(jobs: readonly Job[], { files, concurrency }: Options): Promise<FileResult[]> {
  const runOne = async ({ title, run }: Job): Promise<FileResult> => {
    const result = await run();
    console.log(`${line(result)}  ${title} ${result.file}`);
    // Of files that were named, what they wrote is shown even where they passed.
    if (files.length > 0 || !result.passed) console.log(result.output);
    return result;
  };
  const limit = pLimit(concurrency);
  const together = jobs.filter(({ file }) => !runsAlone(file));
  const results = await Promise.all(together.map((job) => limit(runOne, job)));
  for (const job of jobs.filter(({ file }) => runsAlone(file))) results.push(await runOne(job));
  return results;
}

function line({ passed, durationMs, cpuMs, counts }: FileResult): string {
  const cpu = cpuMs === undefined ? '' : `${seconds(cpuMs)} CPU`;
  const tests = `${counts.tests} tests`;
  return `${passed ? 'ok    ' : 'not ok'} ${seconds(durationMs)} ${cpu.padStart(12)} ${tests.padStart(10)}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`.padStart(8);
}

function slowestOf(results: readonly FileResult[], count: number): string {
  const slowest = results.toSorted((left, right) => right.durationMs - left.durationMs).slice(0, count);
  return ['Slowest:', ...slowest.map((result) => `${line(result)}  ${result.file}`)].join('\n');
}
