// Programs that one run needs, each until the end of the run.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';

const READY_MS_MAX = 120_000;
const LOOK_EVERY_MS = 250;

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

export class Children {
  readonly #running: ChildProcess[] = [];

  /** Resolves once `url` answers with 200. */
  async start(name: string, { file, args, cwd, env = {} }: Command, url: string): Promise<void> {
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.#running.push(child);
    for (let waitedMs = 0; waitedMs < READY_MS_MAX; waitedMs += LOOK_EVERY_MS) {
      if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
      if (await answers(url)) return;
      await pause(LOOK_EVERY_MS);
    }
    throw new Error(`${name} did not answer at ${url} within ${READY_MS_MAX / 1000} s`);
  }

  async stop(): Promise<void> {
    for (const child of this.#running.reverse()) {
      if (child.exitCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    }
  }
}

/** Runs to its end, in view; its exit code. */
export async function run({ file, args, cwd, env = {} }: Command): Promise<number> {
  const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
