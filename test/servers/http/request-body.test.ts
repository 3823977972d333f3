// Bodies as they come: what is held is what is counted, and what is refused or broken off is let go of at once.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request, type ClientRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { BodyRoom, type ReceivedBody } from '../../../src/servers/http/request-body.js';
import { eventually, within } from '../../e2e/deadline.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/** The largest block that a body is copied into. */
const BLOCK_BYTES_MAX = 64 * KIB;

const SENDERS = 8;
const CHUNKS_EACH = 120_000;
/** What one or two reads of one socket bring. */
const CHUNKS_PER_TURN_MAX = 30_000;

interface Upload {
  readonly outgoing: ClientRequest;
  /** The server's side of it. */
  readonly incoming: IncomingMessage;
  readonly listenersBefore: readonly number[];
  readonly received: Promise<ReceivedBody>;
  /** Ends the use of what was received. */
  readonly use: () => void;
}

const EVENTS = ['end', 'close'] as const;

function listeners(incoming: IncomingMessage): readonly number[] {
  return EVENTS.map((event) => incoming.listenerCount(event));
}

function must<Value>(value: Value | undefined): Value {
  assert.ok(value !== undefined);
  return value;
}

interface Bench {
  /** Of these bytes so many have come, in one piece or more, when this resolves. */
  upload(bytes: number, isEnded?: boolean, announcedBytes?: number): Promise<Upload>;
}

async function startBench(t: TestContext, bodyBytesMax: number, allBytesMax: number): Promise<Bench> {
  const room = new BodyRoom(allBytesMax);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const upload: Bench['upload'] = async (bytes, isEnded = true, announcedBytes) => {
    const uploaded = new Promise<Omit<Upload, 'outgoing'>>((resolve) => {
      server.once('request', (incoming: IncomingMessage) => {
        const listenersBefore = listeners(incoming);
        let use = (): void => undefined;
        const used = new Promise<void>((done) => (use = done));
        const received = new Promise<ReceivedBody>((told) => {
          void room.receive(incoming, bodyBytesMax, (body) => {
            told(body);
            return used;
          });
        });
        resolve({ incoming, listenersBefore, received, use });
      });
    });
    const { port } = server.address() as AddressInfo;
    const headers = announcedBytes === undefined ? {} : { 'content-length': announcedBytes };
    const outgoing = request({ port, method: 'POST', agent: false, headers });
    outgoing.on('error', () => undefined);
    t.after(() => outgoing.destroy());
    outgoing.flushHeaders();
    const made = await within(uploaded, 'request');
    let arrived = 0;
    const all = new Promise<void>((resolve) => {
      if (bytes === 0) resolve();
      made.incoming.on('data', (piece: Buffer) => {
        arrived += piece.length;
        if (arrived >= bytes) resolve();
      });
    });
    for (let sent = 0; sent < bytes; sent += MIB)
      outgoing.write(Buffer.alloc(Math.min(MIB, bytes - sent), 'x'));
    if (isEnded) outgoing.end();
    await within(all, 'bytes of the body');
    return { ...made, outgoing };
  };
  return { upload };
}

test('a body is received whole, joined in its order', async (t) => {
  const bench = await startBench(t, 4 * MIB, 4 * MIB);
  for (const announcedBytes of [3 * MIB + 5, undefined]) {
    const { received, use } = await bench.upload(3 * MIB + 5, true, announcedBytes);
    const body = await within(received, 'body');
    assert.ok(body.kind === 'received' && body.body.equals(Buffer.alloc(3 * MIB + 5, 'x')));
    use();
  }
});

for (const [kind, bodyBytesMax, allBytesMax] of [
  ['too-large', MIB, 4 * MIB],
  ['no-room', 4 * MIB, MIB],
] as const) {
  test(`nothing holds on to a body that is refused as ${kind}, whose request lives on`, async (t) => {
    const bench = await startBench(t, bodyBytesMax, allBytesMax);
    const { received, incoming, listenersBefore, use } = await bench.upload(2 * MIB, false);
    assert.equal((await received).kind, kind);
    assert.equal(incoming.complete, false);
    assert.deepEqual(listeners(incoming), listenersBefore);
    use();
    const next = await bench.upload(MIB, true, MIB);
    assert.equal((await next.received).kind, 'received');
  });
}

test('a body announced as too large is refused before it comes', async (t) => {
  const bench = await startBench(t, MIB, 4 * MIB);
  const { received } = await bench.upload(0, false, MIB + 1);
  assert.equal((await within(received, 'refusal')).kind, 'too-large');
});

test('where there is no room, the body that has been arriving for longest gives way', async (t) => {
  const bench = await startBench(t, 20 * MIB, 5 * MIB);
  const endless: Upload[] = [];
  for (let index = 0; index < 5; index += 1) endless.push(await bench.upload(MIB - BLOCK_BYTES_MAX, false));
  const honest = await bench.upload(MIB, true, MIB);
  assert.equal((await within(honest.received, 'body')).kind, 'received');
  assert.equal((await within(must(endless[0]).received, 'refusal')).kind, 'no-room');
  const second = must(endless[1]);
  second.outgoing.end();
  assert.equal((await within(second.received, 'body')).kind, 'received');
});

test('what arrived and is being used does not give way, and counts until that is done', async (t) => {
  const bench = await startBench(t, 4 * MIB, 4 * MIB);
  const used = await bench.upload(4 * MIB, true, 4 * MIB);
  assert.equal((await used.received).kind, 'received');
  const refused = await bench.upload(1, false);
  assert.equal((await within(refused.received, 'refusal')).kind, 'no-room');
  used.use();
  refused.use();
  const next = await bench.upload(1);
  assert.equal((await within(next.received, 'body')).kind, 'received');
});

test('a body that breaks off gives its room back at once', async (t) => {
  const bench = await startBench(t, 4 * MIB, 4 * MIB);
  const first = await bench.upload(3 * MIB, false);
  first.outgoing.destroy();
  const end = await within(first.received, 'end');
  assert.equal(end.kind, 'broken-off');
  first.use();
  const next = await bench.upload(4 * MIB, true, 4 * MIB);
  assert.equal((await within(next.received, 'body')).kind, 'received');
});

test('bodies in one-byte chunks are received whole, and take turns: one of them is read at a time', async (t) => {
  const bench = await startBench(t, 4 * MIB, 4 * MIB);
  const uploads: Upload[] = [];
  while (uploads.length < SENDERS) uploads.push(await bench.upload(0, false));
  let arrived = 0;
  const total = SENDERS * CHUNKS_EACH;
  for (const { incoming, outgoing } of uploads) {
    incoming.on('data', (piece: Buffer) => (arrived += piece.length));
    // Below the HTTP client, whose chunks these are.
    outgoing.socket?.write('1\r\nx\r\n'.repeat(CHUNKS_EACH));
  }
  const perTurn: number[] = [];
  let before = 0;
  const countTurn = (): void => {
    // At first all are read once.
    if (before > total / 2) perTurn.push(arrived - before);
    before = arrived;
    if (arrived < total) setImmediate(countTurn);
  };
  countTurn();
  await eventually('all chunks', () => arrived === total, 60_000);
  for (const { received, outgoing } of uploads) {
    outgoing.socket?.write('0\r\n\r\n');
    const body = await within(received, 'body');
    assert.ok(body.kind === 'received' && body.body.equals(Buffer.alloc(CHUNKS_EACH, 'x')));
  }
  t.diagnostic(`${Math.max(...perTurn)} chunks in one turn, of ${perTurn.length}`);
  assert.ok(Math.max(...perTurn) <= CHUNKS_PER_TURN_MAX);
});
