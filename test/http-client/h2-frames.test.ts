// What requests over HTTP/2 come to where an origin sends frames, or other bytes, that no server of Node's would.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createServer } from 'node:tls';
import fc from 'fast-check';
import { systemClock } from '../../src/domain/clock.js';
import { createUpstreamClient } from '../../src/protocols/statsig/origin/upstream-client.js';
import { makeCertificate } from '../fakes/certificate.js';
import { frame } from '../fakes/http2-frames.js';
import { optionsFor, specKey, told } from './h2-scene.js';

const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const GOAWAY = 7;
const END_HEADERS = 4;
const FIRST_STREAM = 1;
/** In HPACK's static table. */
const STATUS_200 = Buffer.from([0x88]);

interface ScriptedOrigin {
  readonly url: string;
  readonly caPem: string;
  /** What is written on a connection as soon as it is open. */
  greeting: readonly Uint8Array[];
  /** What is written when its first request has come. */
  answer: readonly Uint8Array[];
}

async function startScriptedOrigin(t: TestContext): Promise<ScriptedOrigin> {
  const { keyPem: key, certificatePem: cert } = makeCertificate();
  const sockets = new Set<Socket>();
  const server = createServer({ key, cert, ALPNProtocols: ['h2'] }, (socket) => {
    sockets.add(socket);
    const { greeting, answer } = origin;
    // A client that is sent nonsense hangs up.
    socket.on('error', () => undefined);
    socket.write(frame(SETTINGS, 0, 0));
    for (const bytes of greeting) socket.write(bytes);
    let received = Buffer.alloc(0);
    const read = (bytes: Buffer): void => {
      received = Buffer.concat([received, bytes]);
      if (!hasRequest(received)) return;
      socket.off('data', read);
      socket.resume();
      for (const piece of answer) socket.write(piece);
    };
    socket.on('data', read);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const url = `https://localhost:${(server.address() as AddressInfo).port}`;
  const origin: ScriptedOrigin = { url, caPem: cert, greeting: [], answer: [] };
  return origin;
}

const PREFACE_BYTES = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'.length;

/** Whether a whole HEADERS frame is among what a client has written. */
function hasRequest(received: Buffer): boolean {
  for (let at = PREFACE_BYTES; received.length >= at + 9;) {
    const end = at + 9 + received.readUIntBE(at, 3);
    if (received.length < end) return false;
    if (received[at + 3] === HEADERS) return true;
    at = end;
  }
  return false;
}

function goaway(lastStream: number, code: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(lastStream);
  payload.writeUInt32BE(code, 4);
  return frame(GOAWAY, 0, 0, payload);
}

function reset(stream: number, code: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(code);
  return frame(RST_STREAM, 0, stream, payload);
}

test('a stream whose answer has begun is lost, not refused, by a GOAWAY that names one below it', async (t) => {
  const origin = await startScriptedOrigin(t);
  const client = createUpstreamClient(systemClock, optionsFor(origin, {}));
  t.after(() => client.close());
  const head = frame(HEADERS, END_HEADERS, FIRST_STREAM, STATUS_200);
  // Of one write: Node tells of the GOAWAY before it tells of the head.
  origin.answer = [Buffer.concat([head, goaway(0, 0)])];
  assert.equal(told(await client.fetch(specKey(0), 0)), 'connection_lost');
});

test('whatever bytes come in place of frames, every request has an outcome', async (t) => {
  const origin = await startScriptedOrigin(t);
  const limits = { headersTimeoutMs: 100, bodyIdleTimeoutMs: 100, requestTimeoutMs: 400 };
  const client = createUpstreamClient(systemClock, optionsFor(origin, limits));
  t.after(() => client.close());
  const streams = fc.constantFrom(0, 1, 2, 3, 5, 2 ** 31 - 1);
  const codes = fc.integer({ min: 0, max: 14 });
  const frames = fc
    .record({
      type: fc.integer({ min: 0, max: 10 }),
      flags: fc.integer({ min: 0, max: 255 }),
      stream: streams,
      payload: fc.uint8Array({ maxLength: 40 }),
    })
    .map(({ type, flags, stream, payload }) => frame(type, flags, stream, Buffer.from(payload)));
  // Each is right for itself, and between others hardly ever.
  const rightFrames = fc.oneof(
    streams.map((stream) => frame(HEADERS, END_HEADERS, stream, STATUS_200)),
    streams.map((stream) => frame(DATA, 0, stream, Buffer.from('{'))),
    fc.tuple(streams, codes).map(([stream, code]) => goaway(stream, code)),
    fc.tuple(streams, codes).map(([stream, code]) => reset(stream, code)),
  );
  const pieces = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: frames },
      { weight: 8, arbitrary: fc.array(rightFrames, { maxLength: 4 }).map((each) => Buffer.concat(each)) },
      fc.uint8Array({ maxLength: 60 }),
    ),
    { maxLength: 6 },
  );
  // Most connections live until the answer comes.
  const greetings = fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, pieces);
  await fc.assert(
    fc.asyncProperty(greetings, pieces, async (greeting, answer) => {
      origin.greeting = greeting;
      origin.answer = answer;
      const outcomes = await Promise.all([0, 1, 2].map((index) => client.fetch(specKey(index), 0)));
      for (const outcome of outcomes) assert.equal(outcome.kind, 'failed');
    }),
    { numRuns: 40 },
  );
});
