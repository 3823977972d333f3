// ./run_locally.sh as a child process: what it prints, what it starts, and its end when the test is over.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'node:test';
import { eventually, within } from '../e2e/deadline.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
/** Of the whole start, on a machine that does other things. */
const START_MS_MAX = 120_000;

export interface LocalRunOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** The folder of the project. */
  readonly root?: string;
}

/** What a shell runs, in a process group of its own; called from a folder that is not the project's. */
export class LocalRun {
  output = '';
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly #child: ChildProcess;

  constructor(t: TestContext, command: string, env: NodeJS.ProcessEnv = {}) {
    this.#child = spawn('bash', ['-c', command], {
      cwd: tmpdir(),
      env: { ...process.env, ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    this.ended = once(this.#child, 'close').then(
      ([code, signal]) => (code ?? signal) as number | NodeJS.Signals,
    );
    t.after(async () => {
      this.signal('SIGTERM');
      await within(this.ended, `end of ${command}:\n${this.output}`, START_MS_MAX);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async printed(text: string): Promise<void> {
    const isEnded = this.ended.then(() => true);
    await eventually(
      `'${text}' of ./run_locally.sh`,
      async () => {
        if (this.output.includes(text)) return true;
        const hasEnded = await Promise.race([isEnded, Promise.resolve(false)]);
        if (hasEnded) throw new Error(`ended without '${text}':\n${this.output}`);
        return false;
      },
      START_MS_MAX,
    );
  }

  /** The first line that begins, but for spaces, with this; without these spaces. */
  line(start: string): string {
    const found = this.output.split('\n').find((line) => line.trimStart().startsWith(start));
    if (found === undefined) throw new Error(`no line '${start}' in\n${this.output}`);
    return found.trim();
  }

  /** All processes it has started that live, and those they started. */
  descendants(pid = this.pid): readonly number[] {
    const file = `/proc/${pid}/task/${pid}/children`;
    if (!existsSync(file)) return [];
    const children = readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number);
    return children.flatMap((child) => [child, ...this.descendants(child)]);
  }

  async exitStatus(): Promise<number | NodeJS.Signals> {
    return await within(this.ended, `end of ./run_locally.sh:\n${this.output}`, START_MS_MAX);
  }
}

/** Starts ./run_locally.sh with these arguments, as a shell reads them. */
export function runLocally(
  t: TestContext,
  args: string,
  { env, root = ROOT }: LocalRunOptions = {},
): LocalRun {
  return new LocalRun(t, `exec '${root}/run_locally.sh' ${args}`, env);
}

export function isAlive(pid: number): boolean {
  // A zombie has ended, and waits for somebody who asks how.
  const file = `/proc/${pid}/stat`;
  return existsSync(file) && !/\) Z /.test(readFileSync(file, 'utf8'));
}
