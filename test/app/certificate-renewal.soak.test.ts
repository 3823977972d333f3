// Certificates renewed again and again under load: no request fails, no stream ends, and nothing of the former ones is kept.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get } from 'node:https';
import { test, type TestContext } from 'node:test';
import { connect, createSecureContext, TLSSocket } from 'node:tls';
import { queryObjects } from 'node:v8';
import { credentials } from '@grpc/grpc-js';
import { eventually, within } from '../e2e/deadline.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { GrpcClient } from '../fakes/grpc-client.js';
import { lengthOf } from '../fakes/length.js';
import { MountedSecret } from '../fakes/mounted-certificate.js';
import { SDK_KEY, startProxy, type TestProxy } from '../fakes/proxy.js';
import { TestAuthority } from '../fakes/test-authority.js';

const SPEC = `/v1/download_config_specs/${SDK_KEY}.json?sinceTime=1750000000000`;
const STREAMS_PER_CONNECTION = 10;
const TICK_MS = 20;
const RENEWED_MS_MAX = 60_000;
/** One request of so many opens a connection of its own, and so meets the certificate of then. */
const NEW_CONNECTION_EVERY = 10;
/** Where the machine does not keep up, the pace falls behind: clients and proxy share one thread. */
const IN_FLIGHT_MAX = 100;
const HANDSHAKE_MS_MAX = 60_000;
/** Of JavaScript, after a collection: ten certificates that stayed would be counted by their contexts. */
const HEAP_GROWTH_BYTES_MAX = 16 * 1024 * 1024;
/** All connections are closed when they are counted; Node keeps one or two for a while. */
const SOCKETS_MAX = 3;
const LENGTH = lengthOf({
  suite: { streams: 40, requestsPerS: 100, renewals: 10, isFollowed: false },
  // Files are looked at every two seconds, and taken over when two looks agree.
  soak: { streams: 200, requestsPerS: 500, renewals: 10, isFollowed: true },
});

interface Ground {
  readonly proxy: TestProxy;
  readonly authority: TestAuthority;
  readonly secret: MountedSecret;
}

/** What connections and certificates leave behind, after a collection. */
interface Kept {
  readonly contexts: number;
  readonly sockets: number;
  readonly heapBytes: number;
}

/** Once the sockets of closed connections are gone. */
async function kept(): Promise<Kept> {
  let sockets = Infinity;
  await eventually(
    'end of every socket',
    () => {
      sockets = countOf(TLSSocket);
      return sockets <= SOCKETS_MAX;
    },
    60_000,
  );
  const contexts = countOf(createSecureContext().constructor);
  return { contexts, sockets, heapBytes: process.memoryUsage().heapUsed };
}

function countOf(constructor: unknown): number {
  return queryObjects(constructor as () => void) as unknown as number;
}

async function startGround(t: TestContext): Promise<Ground> {
  const authority = new TestAuthority();
  const secret = new MountedSecret(authority, 'load', authority.issue('first'));
  const origin = await startFakeOrigin();
  const proxy = await startProxy({ origin: origin.url, mode: 'grpc-and-http', args: secret.args });
  t.after(async () => {
    await proxy.app.stop();
    await origin.close();
    authority.close();
  });
  return { proxy, authority, secret };
}

/** Requests at a steady pace, most of them over connections that are kept. */
class Load {
  readonly failures: unknown[] = [];
  readonly latenciesMs: number[] = [];
  readonly #url: string;
  readonly #kept: Agent;
  readonly #once: Agent;
  readonly #timer: NodeJS.Timeout;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #startedAtMs = performance.now();
  #sent = 0;
  requestsPerS = 0;

  constructor({ proxy, authority }: Ground) {
    this.#url = `${proxy.httpsUrl}${SPEC}`;
    this.#kept = new Agent({ ca: authority.ca, keepAlive: true });
    this.#once = new Agent({ ca: authority.ca, keepAlive: false });
    this.#timer = setInterval(() => {
      const due = ((performance.now() - this.#startedAtMs) * LENGTH.requestsPerS) / 1000;
      while (this.#sent < due && this.#inFlight.size < IN_FLIGHT_MAX) this.#send();
    }, TICK_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#inFlight);
    this.requestsPerS = Math.round(this.#sent / ((performance.now() - this.#startedAtMs) / 1000));
    this.#kept.destroy();
  }

  percentileMs(percent: number): number {
    const sorted = [...this.latenciesMs].sort((left, right) => left - right);
    return Math.round(sorted[Math.floor((sorted.length * percent) / 100)] ?? NaN);
  }

  #send(): void {
    const agent = this.#sent % NEW_CONNECTION_EVERY === 0 ? this.#once : this.#kept;
    this.#sent += 1;
    const sentAtMs = performance.now();
    const ended = new Promise<void>((resolve) => {
      get(this.#url, { agent }, (answer) => {
        if (answer.statusCode !== 200) this.failures.push(answer.statusCode);
        answer.resume().once('close', () => {
          this.latenciesMs.push(performance.now() - sentAtMs);
          resolve();
        });
      }).on('error', (error) => {
        this.failures.push(error);
        resolve();
      });
    });
    this.#inFlight.add(ended);
    void ended.then(() => this.#inFlight.delete(ended));
  }
}

async function nameAt({ proxy, authority }: Ground): Promise<string> {
  const socket = connect({ port: proxy.app.httpsPort ?? 0, host: 'localhost', ca: authority.ca });
  await within(once(socket, 'secureConnect'), 'handshake', HANDSHAKE_MS_MAX);
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
}

/** So many renewals under load, with everything closed again at the end. */
async function renewUnderLoad(ground: Ground, renewals: number): Promise<Load> {
  const { proxy, authority, secret } = ground;
  // Before the load, as openssl holds up this process.
  const issued = Array.from({ length: renewals }, (_, round) => authority.issue(`round-${round}`));
  const secure = credentials.createSsl(Buffer.from(authority.ca));
  const clients = Array.from(
    { length: LENGTH.streams / STREAMS_PER_CONNECTION },
    () => new GrpcClient(proxy.grpcTlsAddress, {}, secure),
  );
  const streams = clients.flatMap((client) =>
    Array.from({ length: STREAMS_PER_CONNECTION }, () => client.stream({ sdkKey: SDK_KEY })),
  );
  await Promise.all(streams.map((stream) => stream.received(1)));
  const load = new Load(ground);
  for (const [round, { cert, key }] of issued.entries()) {
    secret.swap(cert, key);
    if (!LENGTH.isFollowed) proxy.app.readFilesAgain();
    await eventually('the new one', async () => (await nameAt(ground)) === `round-${round}`, RENEWED_MS_MAX);
  }
  await load.stop();
  assert.ok(
    streams.every(({ hasEnded }) => !hasEnded),
    'a stream has ended',
  );
  for (const client of clients) client.close();
  await eventually('end of every connection', () => {
    const { httpConnections: http, grpcConnections: grpc } = proxy.app.gauges;
    return http?.entries === 0 && grpc?.entries === 0;
  });
  return load;
}

test('renewals under load fail no request, end no stream and leave nothing behind', async (t) => {
  const ground = await startGround(t);
  // What is made once, by the first connections of either kind, is made here.
  await renewUnderLoad(ground, 2);
  const before = await kept();
  const load = await renewUnderLoad(ground, LENGTH.renewals);
  const after = await kept();
  t.diagnostic(
    JSON.stringify({
      ...LENGTH,
      requests: load.latenciesMs.length,
      reachedPerS: load.requestsPerS,
      failures: load.failures.length,
      p50Ms: load.percentileMs(50),
      p99Ms: load.percentileMs(99),
      before,
      after,
    }),
  );
  assert.deepEqual(load.failures, []);
  assert.ok(load.latenciesMs.length > 0);
  // Two ports would keep two of each renewal.
  assert.ok(after.contexts <= before.contexts + 2, `${after.contexts} contexts, ${before.contexts} before`);
  assert.ok(after.heapBytes - before.heapBytes < HEAP_GROWTH_BYTES_MAX, `${after.heapBytes} bytes of heap`);
});
