// The proxy as a child process: its log is held back until there is something to say before it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const READY_MS_MAX = 60_000;
const LOOK_EVERY_MS = 100;
const REQUEST_MS_MAX = 2_000;
/** As shells say it. */
const EXIT_BY_SIGNAL = 128;

/** What the proxy says of itself once it listens; a port that the mode does not have is not there. */
export interface Listening {
  readonly host: string;
  readonly adminHost: string;
  readonly httpPort?: number;
  readonly grpcPort?: number;
  readonly adminPort: number;
  readonly cache: string;
  readonly dataDir?: string;
  readonly origin: string;
}

export class ProxyProcess {
  /** Its exit status, or that of the signal which ended it. */
  readonly ended: Promise<number>;
  readonly #child: ChildProcess;
  readonly #log: Readable;
  #held = '';
  #hasEnded = false;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv) {
    // In a process group of its own: Ctrl-C reaches this process alone, which passes it on once. The proxy would take a
    // second signal as the order to end at once.
    const child = spawn(process.execPath, ['--enable-source-maps', MAIN, ...args], {
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    this.#log = child.stdout.setEncoding('utf8');
    this.#log.on('data', this.#hold);
    this.ended = once(child, 'exit').then(([code, signal]) => {
      this.#hasEnded = true;
      return signal === null ? Number(code) : EXIT_BY_SIGNAL + constants.signals[signal as NodeJS.Signals];
    });
  }

  signal(): void {
    // Not SIGTERM, after which it would serve on for the shutdown delay.
    this.#child.kill('SIGINT');
  }

  /** What it says once it listens and is ready; undefined where it ended before. */
  async ready(): Promise<Listening | undefined> {
    const untilMs = performance.now() + READY_MS_MAX;
    while (!this.#hasEnded) {
      const listening = this.#listening();
      const url = listening && `${adminUrlOf(listening)}/v1/ready`;
      if (url !== undefined && (await getJson(url)) !== undefined) return listening;
      if (performance.now() > untilMs)
        throw new Error(`${url ?? 'the proxy'} does not answer 200 after 60 s`);
      await Promise.race([this.ended, pause(LOOK_EVERY_MS)]);
    }
    return undefined;
  }

  /** Why it ended before it was ready. */
  whyEnded(): string {
    const port = /cannot listen on port (\d+)[^"]*EADDRINUSE/.exec(this.#held)?.[1];
    if (port === undefined) return 'the proxy ended before it was ready: its messages are above';
    return (
      `port ${port} is taken by another process: choose other ports with --http-port N, --grpc-port N and ` +
      '--admin-port N (8000, 50051 and 8001 unless typed; 0 takes a free one)'
    );
  }

  /** What it has written, and what it writes from now on. */
  pipeLog(output: NodeJS.WritableStream): void {
    this.#log.off('data', this.#hold);
    output.write(this.#held);
    this.#log.pipe(output);
  }

  readonly #hold = (text: string): void => {
    this.#held += text;
  };

  #listening(): Listening | undefined {
    const line = this.#held.split('\n').find((each) => each.endsWith('"msg":"listening"}'));
    return line === undefined ? undefined : (JSON.parse(line) as Listening);
  }
}

export function adminUrlOf({ adminHost, adminPort }: Listening): string {
  return `http://${reachable(adminHost)}:${adminPort}`;
}

/** An address that reaches a server which listens on the given one. */
export function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

/** The JSON that is answered with status 200; undefined for anything else, and for no answer. */
export async function getJson(url: string): Promise<unknown> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_MS_MAX) });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}
