// How long an answer of an origin is waited for, over HTTP/1.1 and HTTP/2: exactly as long as the settings say.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { RequestSignal } from '../../src/http-client/request-signal.js';
import { UpstreamPool, type UpstreamResponse } from '../../src/http-client/upstream-pool.js';
import { toFailure } from '../../src/http-client/upstream-failure.js';
import { makeCertificate } from '../fakes/certificate.js';
import { eventually } from '../e2e/deadline.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { CLIENT_OPTIONS } from './client-options.js';

const HEADERS_MS = 7_000;
const BODY_MS = 3_000;

interface Scene {
  readonly clock: ManualClock;
  /** Asks, and gives what to answer with once the request is there. */
  readonly ask: () => Promise<{
    readonly answer: Promise<UpstreamResponse>;
    readonly response: ServerResponse;
  }>;
}

type Version = 'HTTP/1.1' | 'HTTP/2';

async function startScene(t: TestContext, version: Version): Promise<Scene> {
  const clock = new ManualClock();
  const { keyPem: key, certificatePem: cert } = makeCertificate();
  const waiting: ServerResponse[] = [];
  const take = (_request: unknown, response: unknown): void => {
    waiting.push(response as ServerResponse);
  };
  const server = version === 'HTTP/2' ? createSecureServer({ key, cert }, take) : createServer(take);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const pool = new UpstreamPool(clock, {
    ...CLIENT_OPTIONS,
    headersTimeoutMs: HEADERS_MS,
    bodyIdleTimeoutMs: BODY_MS,
    caPem: cert,
  });
  t.after(async () => {
    await pool.close();
    server.close();
  });
  const url = new URL(`${version === 'HTTP/2' ? 'https' : 'http'}://localhost:${port}/`);
  return {
    clock,
    ask: async () => {
      const answer = pool.get(url, {}, new RequestSignal());
      answer.catch(() => undefined);
      await eventually('request', () => waiting.length > 0);
      const [response] = waiting.splice(0);
      if (response === undefined) throw new Error('no request');
      return { answer, response };
    },
  };
}

/** What it comes to: a reason, or nothing so far. */
function watch(promise: Promise<unknown>): () => string {
  let outcome = '';
  promise.then(
    () => (outcome = 'done'),
    (error: unknown) => (outcome = toFailure(error).reason),
  );
  return () => outcome;
}

/** What follows at once is over then. */
async function soon(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
}

/** Time passes in steps, with room for what happens in between. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 500) {
    clock.advance(Math.min(500, left));
    await new Promise(setImmediate);
  }
}

for (const version of ['HTTP/1.1', 'HTTP/2'] as const) {
  // The PING of a silent session answers itself here, in real time; without streams in wait there is none.
  test(`over ${version} the head of an answer has its time, no less and no more`, async (t) => {
    const { clock, ask } = await startScene(t, version);
    const { answer } = await ask();
    const outcome = watch(answer);
    await pass(clock, HEADERS_MS - 1);
    assert.equal(outcome(), '');
    clock.advance(1);
    await soon();
    assert.equal(outcome(), 'headers_timeout');
  });

  test(`over ${version} each piece of a body has its time, from the piece before on`, async (t) => {
    const { clock, ask } = await startScene(t, version);
    const { answer, response } = await ask();
    response.writeHead(200);
    response.write('a');
    const { body } = await answer;
    let text = '';
    const reading = (async () => {
      for await (const piece of body as AsyncIterable<Buffer>) text += piece.toString();
    })();
    const outcome = watch(reading);
    for (let piece = 1; piece <= 3; piece += 1) {
      await eventually('piece', () => text.length === piece);
      await pass(clock, BODY_MS - 1);
      assert.equal(outcome(), '');
      response.write('a');
    }
    await eventually('last piece', () => text.length === 4);
    await pass(clock, BODY_MS - 1);
    assert.equal(outcome(), '');
    clock.advance(1);
    await soon();
    assert.equal(outcome(), 'body_timeout');
  });

  test(`over ${version} a reader may take as long as it likes`, async (t) => {
    const { clock, ask } = await startScene(t, version);
    const { answer, response } = await ask();
    const bytes = 4_000_000;
    response.writeHead(200, { 'content-length': bytes });
    response.end(Buffer.alloc(bytes));
    const { body } = await answer;
    // Until it is full.
    await eventually('pause', () => body.readableLength >= body.readableHighWaterMark);
    await pass(clock, 10 * BODY_MS);
    let taken = 0;
    for await (const piece of body as AsyncIterable<Buffer>) taken += piece.length;
    assert.equal(taken, bytes);
    await eventually(
      'end of all timers of the answer',
      () => clock.scheduled <= (version === 'HTTP/2' ? 2 : 0),
    );
  });
}
