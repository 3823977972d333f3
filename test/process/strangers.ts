// Strangers that use up what a port offers to everybody, and a known client beside them that must not notice.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { status } from '@grpc/grpc-js';
import { within } from '../e2e/deadline.js';
import { startEventOrigin } from '../fakes/event-origin.js';
import { GrpcClient } from '../fakes/grpc-client.js';
import { FrameClient, framedMessage } from '../fakes/http2-frames.js';
import { SDK_KEY } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { batchText, customEvent } from '../protocols/statsig/log-events/event-bodies.js';
import { startDaemon, type Daemon } from './daemon.js';
import { imageNodeArgs } from './image.js';
import { specPath, startOrigin } from './origin.js';

const MIB = 1024 * 1024;
/** For all that strangers do. */
export const MEMORY_MIB_MAX = 100;
const OPEN_FILES_MAX = 1_024;
/** Connections: more than there may be. */
export const IDLE = 1_100;
const IDLE_AT_ONCE = 50;
const KNOWN_CLIENT_ASKS_EVERY_MS = 100;
const MEMORY_LOOK_EVERY_MS = 50;
const ANSWER_MS_MAX = 30_000;
const GRPC_CONNECTIONS = 4;
/** As many as may wait on one connection. */
const UNREAD_ANSWERS = 15;

/** What a daemon takes only once it has answered for a while is not the strangers' doing. */
export const WARM_ANSWERS = 200;

/** With few descriptors, and a key whose specs it holds. */
export async function startNarrowDaemon(
  t: TestContext,
  mode: 'http' | 'grpc-and-http' = 'http',
): Promise<Daemon> {
  const origin = await startOrigin(t);
  const eventOrigin = await startEventOrigin();
  t.after(() => eventOrigin.close());
  const dataDir = mkdtempSync(join(tmpdir(), 'data-dir-'));
  const daemon = await startDaemon(t, origin.url, {
    mode,
    openFilesMax: OPEN_FILES_MAX,
    nodeArgs: imageNodeArgs(),
    args: ['--log-event-statsig-endpoint', eventOrigin.url, '--data-dir', dataDir],
  });
  t.after(async () => {
    await daemon.program.kill();
    rmSync(dataDir, { recursive: true, force: true });
  });
  assert.equal((await rawRequest(`${daemon.url}${specPath(SDK_KEY)}`)).status, 200);
  // Whatever else is asked for has to wait.
  t.after(origin.hold());
  return daemon;
}

/** Connections that send nothing; of those the server closes, nothing is said. */
export async function openIdle(t: TestContext, port: number, count: number): Promise<readonly Socket[]> {
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  while (sockets.length < count) {
    // A few at a time: the known client is of this process, and must get to send its requests in between.
    const few = Array.from({ length: IDLE_AT_ONCE }, () => connect(port, '127.0.0.1'));
    sockets.push(...few);
    const opened = few.map((socket) => {
      socket.on('error', () => undefined);
      return once(socket, 'connect');
    });
    await within(Promise.all(opened), `${IDLE_AT_ONCE} connections`);
  }
  return sockets;
}

/** Sends a request with so many bytes of one-byte chunks; resolves when it is answered or cut off. */
export async function sendChunks(
  t: TestContext,
  port: number,
  path: string,
  wireBytes: number,
  method = 'POST',
): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  let isOver = false as boolean;
  const over = new Promise<void>((resolve) => {
    const end = (): void => {
      isOver = true;
      resolve();
    };
    socket.once('close', end).once('data', end);
  });
  socket.on('error', () => undefined);
  const headers = 'host: proxy\r\nstatsig-api-key: secret-stranger\r\ntransfer-encoding: chunked\r\n';
  socket.write(`${method} ${path} HTTP/1.1\r\n${headers}\r\n`);
  const chunks = Buffer.from('1\r\nx\r\n'.repeat(10_000));
  for (let sent = 0; sent < wireBytes && !isOver; sent += chunks.length) {
    if (socket.write(chunks)) continue;
    await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), over]);
  }
  socket.write('0\r\n\r\n');
  await over;
}

/** Requests that stop in the middle of their headers, and bodies that stop in the middle. */
export async function openHalfRequests(t: TestContext, port: number, count: number): Promise<void> {
  const sockets = await openIdle(t, port, count);
  const head = 'POST /v1/log_event HTTP/1.1\r\nhost: proxy\r\nstatsig-api-key: secret-stranger\r\n';
  sockets.forEach((socket, index) => {
    if (socket.destroyed) return;
    socket.write(index % 2 === 0 ? head : `${head}content-length: 100000\r\n\r\n${'x'.repeat(50_000)}`);
  });
}

/** Clients that ask for a spec many times, and read no answer. */
export async function openSlowReaders(t: TestContext, port: number, count: number): Promise<void> {
  const request = `GET ${specPath(SDK_KEY)} HTTP/1.1\r\nhost: proxy\r\n\r\n`;
  for (const socket of await openIdle(t, port, count)) {
    socket.pause();
    if (!socket.destroyed) socket.write(request.repeat(UNREAD_ANSWERS));
  }
}

/** Specs and log events of keys that nobody knows; whatever the answers are, they come. */
export async function inventKeys(url: string, count: number): Promise<void> {
  const body = batchText([customEvent('invented')]);
  const asked = Array.from({ length: count }, (_, index) => {
    const headers = { 'statsig-api-key': `secret-invented-${index}-0123456789` };
    const path = index % 2 === 0 ? '/v1/download_config_specs' : '/v1/log_event';
    const request = index % 2 === 0 ? { headers } : { method: 'POST', headers, body };
    // A stranger's connection may be closed for another's.
    return rawRequest(url + path, request).catch(() => undefined);
  });
  await Promise.all(asked);
}

/** So many calls whose request never ends, on a few connections. */
export async function startUnfinishedCalls(t: TestContext, address: string, count: number): Promise<void> {
  const clients = Array.from({ length: GRPC_CONNECTIONS }, () => new FrameClient(address));
  t.after(() => {
    for (const client of clients) client.close();
  });
  for (let started = 0; started < count; started += 1) {
    const client = clients[started % clients.length] as FrameClient;
    client.data(client.call('StreamConfigSpec'), framedMessage(Buffer.alloc(1_000), false, 4_000));
    await client.flushed();
  }
  await Promise.all(clients.map((client) => client.ping()));
}

export interface KnownClient {
  readonly answers: number;
  readonly slowestMs: number;
  /** Stops asking; fails where any question had no answer, or not the right one. */
  stop(): Promise<void>;
}

/**
 * Asks for specs on a kept connection and on new ones, by gRPC too where there is a port for it, sends events, and is the
 * orchestrator that looks at the probes of both ports.
 */
export function startKnownClient(t: TestContext, { url, adminUrl, grpcAddress }: Daemon): KnownClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const body = batchText([customEvent('known')]);
  const questions: readonly Question[] = [
    { name: 'specs', ask: () => askHttp(`${url}${specPath(SDK_KEY)}`, { agent }) },
    { name: 'specs, newly connected', ask: () => askHttp(`${url}${specPath(SDK_KEY)}`) },
    { name: 'log events', ask: () => askHttp(`${url}/v1/log_event`, { agent, body }) },
    { name: 'log events, newly connected', ask: () => askHttp(`${url}/v1/log_event`, { body }) },
    { name: 'health', ask: () => askHttp(`${url}/v1/health`) },
    { name: 'readiness', ask: () => askHttp(`${url}/v1/ready`) },
    { name: 'health by the admin port', ask: () => askHttp(`${adminUrl}/v1/health`) },
    ...(grpcAddress.endsWith('undefined') ? [] : grpcQuestions(t, grpcAddress)),
  ];
  const faults: string[] = [];
  let answers = 0;
  let slowestMs = 0;
  let isStopped = false;
  const ask = async (): Promise<void> => {
    while (!isStopped) {
      for (const question of questions) {
        const startMs = performance.now();
        const fault = await question.ask().catch(String);
        const tookMs = performance.now() - startMs;
        slowestMs = Math.max(slowestMs, tookMs);
        answers += 1;
        if (fault !== undefined) faults.push(`${question.name}: ${fault} after ${Math.round(tookMs)} ms`);
      }
      if (answers > WARM_ANSWERS)
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
  readonly name: string;
  /** What was wrong with the answer, if anything. */
  readonly ask: () => Promise<string | undefined>;
}

interface Asking {
  /** A connection of its own where left out. */
  readonly agent?: Agent;
  readonly body?: string;
}

/**
 * A new connection has proven nothing yet, so one that comes within a burst of hundreds may be closed for them before it is
 * answered: orchestrators look three times before they act, and SDKs ask again. A kept connection has one try.
 */
const TRIES_ON_NEW_CONNECTIONS = 3;

async function askHttp(url: string, asking: Asking = {}): Promise<string | undefined> {
  for (let tries = asking.agent === undefined ? TRIES_ON_NEW_CONNECTIONS : 1; ; tries -= 1) {
    try {
      return await askOnce(url, asking);
    } catch (error) {
      if (tries === 1 || (error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
    }
  }
}

function askOnce(url: string, { agent, body }: Asking): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method: body === undefined ? 'GET' : 'POST',
      agent: agent ?? false,
      timeout: ANSWER_MS_MAX,
      headers: { 'statsig-api-key': SDK_KEY, ...(body && { 'content-length': Buffer.byteLength(body) }) },
    });
    outgoing.on('response', (response) => {
      response.on('error', reject).on('end', () => {
        resolve(
          response.statusCode === (body === undefined ? 200 : 202) ? undefined : `${response.statusCode}`,
        );
      });
      response.resume();
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${ANSWER_MS_MAX} ms`)));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function grpcQuestions(t: TestContext, address: string): readonly Question[] {
  const kept = new GrpcClient(address);
  const stream = kept.stream({ sdkKey: SDK_KEY });
  t.after(() => {
    kept.close();
  });
  const askSpec = async (client: GrpcClient): Promise<string | undefined> => {
    const { code, details } = await client.getConfigSpec({ sdkKey: SDK_KEY });
    return code === status.OK ? undefined : details;
  };
  return [
    { name: 'specs by gRPC', ask: () => askSpec(kept) },
    {
      name: 'specs by gRPC, newly connected',
      ask: async () => {
        const client = new GrpcClient(address);
        try {
          return await askSpec(client);
        } finally {
          client.close();
        }
      },
    },
    {
      name: 'a stream',
      ask: async () => {
        await stream.received(1);
        return stream.hasEnded ? (await stream.end()).details : undefined;
      },
    },
    {
      name: 'health by gRPC',
      ask: async () => {
        const health = await kept.check();
        return health === 'SERVING' ? undefined : String(health);
      },
    },
  ];
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
