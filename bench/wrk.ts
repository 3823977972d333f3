// Load by wrk, with heads as SDKs send them: what a server answered, and what that cost it.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const HEADS = fileURLToPath(new URL('./sdk-heads.lua', import.meta.url));

export interface Load {
  readonly path: string;
  /** Of the requests' Accept-Encoding. */
  readonly encodings: string;
  readonly connections: number;
  readonly durationS: number;
  /** Between two requests of a connection, on average; none where left out. */
  readonly pauseMs?: number;
}

export interface Round {
  readonly requestsPerS: number;
  readonly perCpuS: number;
  readonly p99Ms: number;
}

const MS_OF: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 };

/** Whether a program is there. */
export function installed(program: string): boolean {
  return spawnSync(program, ['-v']).error === undefined;
}

/** `cpuMs`: CPU time of the server so far. Throws where an answer was not 2xx, or a connection failed. */
export async function load(url: string, asked: Load, cpuMs: () => Promise<number>): Promise<Round> {
  const before = await cpuMs();
  const text = await run(url, asked);
  const spentMs = (await cpuMs()) - before;
  const [, requests = ''] = /(\d+) requests in/.exec(text) ?? [];
  const [, p99 = '', unit = ''] = /99%\s+([\d.]+)(us|ms|s)/.exec(text) ?? [];
  if (requests === '' || /Non-2xx|Socket errors/.test(text)) throw new Error(text);
  return {
    requestsPerS: Number(requests) / asked.durationS,
    perCpuS: Number(requests) / (spentMs / 1000),
    p99Ms: Number(p99) * (MS_OF[unit] ?? NaN),
  };
}

/** Of each figure by itself. */
export function medianOf(rounds: readonly Round[]): Round {
  const middle = (pick: (round: Round) => number): number =>
    rounds.map(pick).sort((left, right) => left - right)[Math.floor(rounds.length / 2)] ?? NaN;
  return {
    requestsPerS: middle((round) => round.requestsPerS),
    perCpuS: middle((round) => round.perCpuS),
    p99Ms: middle((round) => round.p99Ms),
  };
}

async function run(
  url: string,
  { path, encodings, connections, durationS, pauseMs = 0 }: Load,
): Promise<string> {
  const options = ['-t1', `-c${connections}`, `-d${durationS}s`, '--timeout', '10s', '--latency'];
  const wrk = spawn('wrk', [...options, '-s', HEADS, url, '--', path, encodings, String(pauseMs)]);
  let text = '';
  wrk.stdout.on('data', (piece: Buffer) => {
    text += piece.toString();
  });
  await once(wrk, 'close');
  return text;
}
