// Strangers that use up what a port offers to everybody, and a known client beside them that must not notice.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { within } from '../e2e/deadline.js';
import { SDK_KEY } from '../fakes/proxy.js';
import { batchText, customEvent } from '../log-events/event-bodies.js';
import type { Daemon } from './daemon.js';
import { specPath } from './origin.js';

const MIB = 1024 * 1024;
const KNOWN_CLIENT_ASKS_EVERY_MS = 100;
const MEMORY_LOOK_EVERY_MS = 50;
const ANSWER_MS_MAX = 10_000;

/** Connections that send nothing; of those the server closes, nothing is said. */
export async function openIdle(t: TestContext, port: number, count: number): Promise<readonly Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1'));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  const opened = sockets.map((socket) => {
    socket.on('error', () => undefined);
    return once(socket, 'connect');
  });
  await within(Promise.all(opened), `${count} connections`);
  return sockets;
}

/** Sends a body in one-byte chunks until so many bytes went over the wire, and never ends it; resolves then, or when cut off. */
export async function sendChunks(
  t: TestContext,
  port: number,
  path: string,
  wireBytes: number,
  method = 'POST',
): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      resolve();
    });
  });
  socket.on('error', () => undefined).resume();
  const headers = 'host: proxy\r\nstatsig-api-key: secret-stranger\r\ntransfer-encoding: chunked\r\n';
  socket.write(`${method} ${path} HTTP/1.1\r\n${headers}\r\n`);
  const chunks = Buffer.from('1\r\nx\r\n'.repeat(10_000));
  for (let sent = 0; sent < wireBytes && !socket.closed; sent += chunks.length) {
    if (socket.write(chunks)) continue;
    await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed]);
  }
}

export interface KnownClient {
  readonly answers: number;
  readonly slowestMs: number;
  /** Stops asking; fails where any question had no answer, or not the right one. */
  stop(): Promise<void>;
}

/**
 * Asks for specs on a kept connection and on new ones, sends events, and is the orchestrator that looks at the probes of
 * both ports.
 */
export function startKnownClient(t: TestContext, { url, adminUrl }: Daemon): KnownClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const questions = [
    { url: `${url}${specPath(SDK_KEY)}`, agent, expected: 200 },
    { url: `${url}${specPath(SDK_KEY)}`, expected: 200 },
    { url: `${url}/v1/log_event`, agent, body: batchText([customEvent('known')]), expected: 202 },
    { url: `${url}/v1/log_event`, body: batchText([customEvent('known')]), expected: 202 },
    { url: `${url}/v1/health`, expected: 200 },
    { url: `${url}/v1/ready`, expected: 200 },
    { url: `${adminUrl}/v1/health`, expected: 200 },
  ];
  const faults: string[] = [];
  let answers = 0;
  let slowestMs = 0;
  let isStopped = false;
  const ask = async (): Promise<void> => {
    while (!isStopped) {
      for (const question of questions) {
        const startMs = performance.now();
        const told = await statusOf(question).catch((error: unknown) => String(error));
        const tookMs = performance.now() - startMs;
        slowestMs = Math.max(slowestMs, tookMs);
        answers += 1;
        if (told !== question.expected)
          faults.push(`${question.url}: ${told} after ${Math.round(tookMs)} ms`);
      }
      await new Promise((resolve) => setTimeout(resolve, KNOWN_CLIENT_ASKS_EVERY_MS));
    }
  };
  const asking = ask();
  const end = async (): Promise<void> => {
    isStopped = true;
    await asking;
    agent.destroy();
  };
  t.after(end);
  return {
    get answers() {
      return answers;
    },
    get slowestMs() {
      return slowestMs;
    },
    stop: async () => {
      await end();
      assert.deepEqual(faults, []);
    },
  };
}

interface Question {
  readonly url: string;
  /** A connection of its own where left out. */
  readonly agent?: Agent;
  readonly body?: string;
}

function statusOf({ url, agent, body }: Question): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method: body === undefined ? 'GET' : 'POST',
      agent: agent ?? false,
      timeout: ANSWER_MS_MAX,
      headers: { 'statsig-api-key': SDK_KEY, ...(body && { 'content-length': Buffer.byteLength(body) }) },
    });
    outgoing.on('response', (response) => {
      response.on('error', reject).on('end', () => {
        resolve(response.statusCode);
      });
      response.resume();
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${ANSWER_MS_MAX} ms`)));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

export interface MemoryWatch {
  /** The most that was taken beyond what was there at the start. */
  stop(): number;
}

export function watchMemory(t: TestContext, pid: number): MemoryWatch {
  const before = residentMib(pid);
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, residentMib(pid));
  }, MEMORY_LOOK_EVERY_MS);
  t.after(() => {
    clearInterval(timer);
  });
  return {
    stop: () => {
      clearInterval(timer);
      return Math.max(most, residentMib(pid)) - before;
    },
  };
}

function residentMib(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kib) * 1024) / MIB;
}
