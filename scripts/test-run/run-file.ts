// Runs one test file in a process of its own, which ends in time and leaves no process behind.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { countsIn, cpuMsIn, NONE, type Counts } from './counts.js';

const SEED = new URL('./seed.mjs', import.meta.url).href;
const PRELOADED = ['./cpu-time.mjs', './end-at-exit.mjs'].map((file) => new URL(file, import.meta.url).href);

export interface TestProgram {
  readonly file: string;
  /** What is run for it. */
  readonly script: string;
  readonly isRandom: boolean;
}

export interface FileOptions {
  /** The path of the node that runs it. */
  readonly node: string;
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
}

export interface FileResult {
  readonly file: string;
  readonly passed: boolean;
  readonly durationMs: number;
  /** Of its process and of those that it waited for; undefined where it ended early, or the system does not say. */
  readonly cpuMs: number | undefined;
  readonly counts: Counts;
  /** All that it wrote, and what the runner has to say about its end. */
  readonly output: string;
}

/** Process groups of the files that run now: a runner that is interrupted ends them. */
const running = new Set<number>();

export async function runFile(
  { file, script, isRandom }: TestProgram,
  { node, env, timeoutMs }: FileOptions,
): Promise<FileResult> {
  const startedAt = performance.now();
  const preloaded = isRandom ? [...PRELOADED, SEED] : PRELOADED;
  const imports = preloaded.flatMap((url) => ['--import', url]);
  const args = ['--enable-source-maps', ...imports, '--test-reporter', 'spec', script];
  // `detached`: what it starts can be ended together with it.
  const child = spawn(node, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const group = child.pid;
  if (group === undefined) throw new Error(`${node} could not be started`);
  running.add(group);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort();
    endGroup(group);
  }, timeoutMs);
  // Whatever it left behind would hold the pipes open, and take time from the files after it.
  child.once('exit', () => {
    endGroup(group);
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  running.delete(group);

  const counts = countsIn(output);
  const ending = signal ?? `exit code ${String(code)}`;
  const problem = late.signal.aborted
    ? `not done after ${timeoutMs / 1000} s, and ended`
    : problemOf(code, ending, counts);
  return {
    file,
    passed: code === 0 && problem === undefined,
    durationMs: performance.now() - startedAt,
    cpuMs: cpuMsIn(output),
    counts: problem === undefined && counts !== undefined ? counts : withFailure(counts ?? NONE),
    output: problem === undefined ? output : `${output}${file}: ${problem}\n`,
  };
}

/** What is wrong with the file as a whole, where it is not a test that failed. */
function problemOf(code: number | null, ending: string, counts: Counts | undefined): string | undefined {
  if (counts === undefined) return `ended with ${ending} and no result of a test`;
  const hasFailures = counts.fail + counts.cancelled > 0;
  return code !== 0 && !hasFailures ? `ended with ${ending}` : undefined;
}

export function endRunningFiles(): void {
  for (const group of running) endGroup(group);
}

/** A file that fails as a whole counts as one more test that failed. */
function withFailure(counts: Counts): Counts {
  return { ...counts, tests: counts.tests + 1, fail: counts.fail + 1 };
}

function endGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ESRCH';
    if (!isGone) throw error;
  }
}
