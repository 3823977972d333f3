// Runs one test file in a process of its own, or a script of package.json, and judges how it ended.
import { countsIn, cpuMsIn, NONE, type Counts } from './counts.js';
import { runProgram, type Ending, type ProgramOptions } from './run-program.js';

const SEED = new URL('./seed.mjs', import.meta.url).href;
const PRELOADED = ['./cpu-time.mjs', './end-at-exit.mjs'].map((file) => new URL(file, import.meta.url).href);

export interface TestFile {
  /** The path of the node that runs it. */
  readonly node: string;
  readonly file: string;
  /** What is run for it. */
  readonly script: string;
  readonly isRandom: boolean;
}

export interface FileResult {
  readonly file: string;
  readonly passed: boolean;
  readonly durationMs: number;
  /** Of its process and of those that it waited for; undefined where it ended early, or nothing tells. */
  readonly cpuMs: number | undefined;
  readonly counts: Counts;
  /** All that it wrote, and what the runner has to say about its end. */
  readonly output: string;
}

export async function runFile(
  { node, file, script, isRandom }: TestFile,
  options: ProgramOptions,
): Promise<FileResult> {
  const preloaded = isRandom ? [...PRELOADED, SEED] : PRELOADED;
  const imports = preloaded.flatMap((url) => ['--import', url]);
  const args = ['--enable-source-maps', ...imports, '--test-reporter', 'spec', script];
  const ending = await runProgram(node, args, options);
  const counts = countsIn(ending.output);
  return resultOf(file, ending, counts, problemOf(ending, counts));
}

export async function runScript(name: string, options: ProgramOptions): Promise<FileResult> {
  const ending = await runProgram('npm', ['run', name], options);
  return resultOf(name, ending, NONE, ending.code === 0 ? undefined : ending.how);
}

function resultOf(
  file: string,
  { code, durationMs, output }: Ending,
  counts: Counts | undefined,
  problem: string | undefined,
): FileResult {
  return {
    file,
    passed: code === 0 && problem === undefined,
    durationMs,
    cpuMs: cpuMsIn(output),
    counts: problem === undefined && counts !== undefined ? counts : withFailure(counts ?? NONE),
    output: problem === undefined ? output : `${output}${file}: ${problem}\n`,
  };
}

/** What is wrong with the file as a whole, where it is not a test that failed. */
function problemOf({ code, how, isLate }: Ending, counts: Counts | undefined): string | undefined {
  if (isLate) return how;
  if (counts === undefined) return `${how} and no result of a test`;
  const hasFailures = counts.fail + counts.cancelled > 0;
  return code !== 0 && !hasFailures ? how : undefined;
}

/** A file that fails as a whole counts as one more test that failed. */
function withFailure(counts: Counts): Counts {
  return { ...counts, tests: counts.tests + 1, fail: counts.fail + 1 };
}
