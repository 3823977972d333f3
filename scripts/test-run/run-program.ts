// Runs a program that ends in time and leaves no process behind.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';

export interface ProgramOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
}

export interface Ending {
  readonly code: number | null;
  /** The exit code or the signal, in words; or that it was ended as it took too long. */
  readonly how: string;
  readonly isLate: boolean;
  readonly durationMs: number;
  /** All that it wrote. */
  readonly output: string;
}

/** Process groups of the programs that run now: a runner that is interrupted ends them. */
const running = new Set<number>();

export async function runProgram(
  command: string,
  args: readonly string[],
  { env, timeoutMs }: ProgramOptions,
): Promise<Ending> {
  const startedAt = performance.now();
  // `detached`: what it starts can be ended together with it.
  const child = spawn(command, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const group = child.pid;
  if (group === undefined) throw new Error(`${command} could not be started`);
  running.add(group);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort();
    endGroup(group);
  }, timeoutMs);
  // Whatever it left behind would hold the pipes open, and take time from what runs after it.
  child.once('exit', () => {
    endGroup(group);
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  running.delete(group);
  const isLate = late.signal.aborted;
  const ending = signal ?? `exit code ${String(code)}`;
  return {
    code,
    how: isLate ? `not done after ${timeoutMs / 1000} s, and ended` : `ended with ${ending}`,
    isLate,
    durationMs: performance.now() - startedAt,
    output,
  };
}

export function endRunningPrograms(): void {
  for (const group of running) endGroup(group);
}

function endGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ESRCH';
    if (!isGone) throw error;
  }
}
