// The test runner: several files at a time, each in its own process, with a line for each file and one summary for all.
import { randomInt } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { delimiter, dirname } from 'node:path';
import pLimit from 'p-limit';
import { optionsOf, USAGE, type Options } from './options.js';
import { bundlesOf } from './bundles.js';
import { sum, summary } from './counts.js';
import { node24 } from './node-24.js';
import { endRunningFiles, runFile, type FileOptions, type FileResult } from './run-file.js';
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
const SEED_MAX = 2 ** 31;

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
  process.once('exit', endRunningFiles);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

  const seed = seedFrom(process.env['SEED']);
  console.log(`Random walks start from SEED=${seed}`);
  const env: NodeJS.ProcessEnv = { ...process.env, SEED: seed, ...(options.soak && { SOAK: '1' }) };
  const timeoutMs = options.soak ? SOAK_FILE_MS_MAX : FILE_MS_MAX;
  const run: Run = {
    isDetailed: options.files.length > 0,
    concurrency: options.concurrency,
    bundles: await bundlesOf(files),
  };
  const startedAt = performance.now();
  const results = await runAll(files, { node: process.execPath, env, timeoutMs }, process.version, run);
  if (second !== undefined) {
    const path = [dirname(second.path), env['PATH']].join(delimiter);
    const touching = files.filter(isForBothNodes);
    const other = { node: second.path, env: { ...env, PATH: path }, timeoutMs };
    results.push(
      ...(await runAll(touching, other, `${second.version}, what touches sockets, streams and clients`, run)),
    );
  }
  const failed = results.filter(({ passed }) => !passed);
  for (const { file } of failed) console.log(`failed: ${file}`);
  console.log(summary(sum(results.map(({ counts }) => counts)), performance.now() - startedAt));
  process.exitCode = failed.length === 0 ? 0 : 1;
}

function filesFor({ files, unit, process, soak }: Options): string[] {
  return (files.length > 0 ? [...files] : allTestFiles()).filter(
    (file) => (!unit || isUnit(file)) && (!process || !isUnit(file)) && (!soak || hasLongVersion(file)),
  );
}

function seedFrom(given: string | undefined): string {
  const seed = given ?? String(randomInt(SEED_MAX));
  if (!/^-?\d+$/.test(seed)) throw new Error(`SEED must be an integer, not '${seed}'`);
  return seed;
}

interface Run {
  /** Shows what each file wrote, even where it passed. */
  readonly isDetailed: boolean;
  readonly concurrency: number;
  readonly bundles: ReadonlyMap<string, string>;
}

/** Those that run alone come last, one by one. */
async function runAll(
  files: readonly string[],
  options: FileOptions,
  title: string,
  { isDetailed, concurrency, bundles }: Run,
): Promise<FileResult[]> {
  console.log(`\n== Node ${title.replace(/^v/, '')}: ${files.length} files ==`);
  const runOne = async (file: string): Promise<FileResult> => {
    const program = { file, script: bundles.get(file) ?? file, isRandom: isRandom(file) };
    const result = await runFile(program, options);
    console.log(line(result));
    if (isDetailed || !result.passed) console.log(result.output);
    return result;
  };
  const limit = pLimit(concurrency);
  const together = longestFirst(files.filter((file) => !runsAlone(file)));
  const results = await Promise.all(together.map((file) => limit(runOne, file)));
  for (const file of files.filter(runsAlone)) results.push(await runOne(file));
  return results;
}

function line({ passed, durationMs, cpuMs, counts, file }: FileResult): string {
  const [took, cpu] = [durationMs, cpuMs ?? 0].map((ms) => `${(ms / 1000).toFixed(1)} s`.padStart(8));
  const tests = `${String(counts.tests).padStart(4)} tests`;
  return `${passed ? 'ok    ' : 'not ok'} ${String(took)} ${String(cpu)} CPU ${tests}  ${file}`;
}
