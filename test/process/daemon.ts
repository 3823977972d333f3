// The built program as a child process: what it writes, how it ends, and its end when the test is over.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'node:test';
import { within } from '../e2e/deadline.js';
import { LogSink, type LogLine } from '../fakes/log-sink.js';

/** Processes that start together on a busy machine each wait for all. */
const START_MS_MAX = 60_000;

export const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export type Environment = Readonly<Record<string, string>>;

export interface RunOptions {
  /** The whole environment, with no shutdown delay unless it is in here: nothing of the test's own gets through. */
  readonly env?: Environment;
  /** Options of node itself. */
  readonly nodeArgs?: readonly string[];
  /** How many files and connections it may have open; as many as this process where left out. */
  readonly openFilesMax?: number;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Program {
  readonly logs = new LogSink();
  /** Lines on standard output that are no JSON objects. */
  readonly strayLines: string[] = [];
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';
  #unfinishedLine = '';
  #hasEnded = false;

  constructor(args: readonly string[], { env = {}, nodeArgs = [], openFilesMax }: RunOptions = {}) {
    if (!existsSync(MAIN)) throw new Error('dist/main.js is not there: npm run build makes it');
    const command = [process.execPath, ...nodeArgs, MAIN, ...args];
    const [file = '', ...rest] =
      openFilesMax === undefined
        ? command
        : ['bash', '-c', 'ulimit -n "$0" && exec "$@"', String(openFilesMax), ...command];
    const child = spawn(file, rest, {
      env: { HOSTNAME: 'test-replica', SFP_SHUTDOWN_DELAY_IN_S: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#take(text);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.#child = child;
    this.ended = once(child, 'close').then(([code, signal]) => {
      this.#hasEnded = true;
      return { code: code as number | null, signal: signal as Ending['signal'], ...this.output };
    });
  }

  /** Everything written so far. */
  get output(): Pick<Ending, 'stdout' | 'stderr'> {
    return { stdout: this.#stdout, stderr: this.#stderr };
  }

  /** Its process id. */
  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('it was not started');
    return this.#child.pid;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** The first log line with this message; fails where the program ends without it. */
  async line(message: string, matches: (line: LogLine) => boolean = () => true): Promise<LogLine> {
    const written = this.logs.waitFor((line) => line['msg'] === message && matches(line));
    const ended = this.ended.then(({ code, stdout, stderr }) => {
      if (this.logs.withMessage(message).some(matches)) return written;
      throw new Error(`it ended with ${String(code)} and no line '${message}':\n${stdout}${stderr}`);
    });
    return await within(Promise.race([written, ended]), `line '${message}'`, START_MS_MAX);
  }

  /** Ends it whatever it does. */
  async kill(): Promise<void> {
    if (!this.#hasEnded) this.#child.kill('SIGKILL');
    await this.ended;
  }

  #take(text: string): void {
    this.#stdout += text;
    const lines = (this.#unfinishedLine + text).split('\n');
    this.#unfinishedLine = lines.pop() ?? '';
    for (const line of lines) {
      if (isJsonObject(line)) this.logs.write(line);
      else this.strayLines.push(line);
    }
  }
}

/** Starts the program with these arguments; it is gone when the test is over. */
export function startProgram(t: TestContext, args: readonly string[], options?: RunOptions): Program {
  const program = new Program(args, options);
  t.after(() => program.kill());
  return program;
}

/** Runs the program to its end. */
export function runProgram(t: TestContext, args: readonly string[], options?: RunOptions): Promise<Ending> {
  return within(startProgram(t, args, options).ended, `end of ${args.join(' ')}`, START_MS_MAX);
}

export interface Daemon {
  readonly program: Program;
  readonly port: number;
  readonly url: string;
  readonly adminUrl: string;
  /** Host and port of the gRPC server, where the mode has one. */
  readonly grpcAddress: string;
}

export interface Operands {
  readonly mode?: 'http' | 'grpc-and-http';
  readonly cache?: 'disabled' | 'redis' | 'local';
}

/** What a daemon is told so that it stays on this machine, on free ports. */
export function daemonArgs(
  origin: string,
  { mode = 'http', cache = 'disabled' }: Operands = {},
): readonly string[] {
  const grpc = mode === 'http' ? [] : ['--grpc-port', '0'];
  const ports = [
    '--http-port',
    '0',
    ...grpc,
    '--admin-port',
    '0',
    '--https-port',
    '0',
    '--grpc-tls-port',
    '0',
  ];
  return [mode, cache, '--host', '127.0.0.1', ...ports, '--statsig-endpoint', origin];
}

const READY = 'started up: ready for traffic';

export interface DaemonOptions extends RunOptions, Operands {
  readonly args?: readonly string[];
  /** What it logs once it has started up; that all is well where left out. */
  readonly ready?: string;
}

/** A daemon that is ready for traffic. */
export async function startDaemon(
  t: TestContext,
  origin: string,
  { args = [], ready = READY, mode, cache, ...options }: DaemonOptions = {},
): Promise<Daemon> {
  const operands = { ...(mode && { mode }), ...(cache && { cache }) };
  const program = startProgram(t, [...daemonArgs(origin, operands), ...args], options);
  const { httpPort, grpcPort, adminPort } = await program.line('listening');
  await program.line(ready);
  return {
    program,
    port: Number(httpPort),
    url: `http://127.0.0.1:${String(httpPort)}`,
    adminUrl: `http://127.0.0.1:${String(adminPort)}`,
    grpcAddress: `127.0.0.1:${String(grpcPort)}`,
  };
}

function isJsonObject(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
