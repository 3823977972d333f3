// Bodies as they come: what is refused or broken off is let go of at once, however long its request lives on.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { BodyRoom, type BodyRoomOptions, type ReceivedBody } from '../../../src/servers/http/request-body.js';
import { within } from '../../e2e/deadline.js';

const MIB = 1024 * 1024;

interface Upload {
  readonly received: ReceivedBody;
  /** The server's side of it. */
  readonly incoming: IncomingMessage;
  readonly listenersBefore: readonly number[];
}

const EVENTS = ['data', 'end', 'close'] as const;

function listeners(incoming: IncomingMessage): readonly number[] {
  return EVENTS.map((event) => incoming.listenerCount(event));
}

/** Sends so many bytes in pieces and, if so wanted, no end. */
async function upload(
  t: TestContext,
  options: BodyRoomOptions,
  bytes: number,
  isEnded = true,
): Promise<Upload> {
  const room = new BodyRoom(options);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const done = new Promise<Upload>((resolve) => {
    server.once('request', (incoming: IncomingMessage) => {
      const listenersBefore = listeners(incoming);
      void room.receive(incoming, async (received) => {
        resolve({ received, incoming, listenersBefore });
      });
    });
  });
  const outgoing = request({ port: (server.address() as AddressInfo).port, method: 'POST' });
  outgoing.on('error', () => undefined);
  t.after(() => {
    outgoing.destroy();
    server.close();
  });
  for (let sent = 0; sent < bytes; sent += 64 * 1024) outgoing.write(Buffer.alloc(64 * 1024, 'x'));
  if (isEnded) outgoing.end();
  return await within(done, 'body');
}

test('a body is received whole, joined in its order', async (t) => {
  const { received } = await upload(t, { bodyBytesMax: 4 * MIB, allBytesMax: 4 * MIB }, 3 * MIB);
  assert.ok(received.kind === 'received' && received.body.equals(Buffer.alloc(3 * MIB, 'x')));
});

for (const [kind, options] of [
  ['too-large', { bodyBytesMax: MIB, allBytesMax: 4 * MIB }],
  ['no-room', { bodyBytesMax: 4 * MIB, allBytesMax: MIB }],
] as const) {
  test(`nothing holds on to a body that is refused as ${kind}, whose request lives on`, async (t) => {
    const { received, incoming, listenersBefore } = await upload(t, options, 2 * MIB, false);
    assert.equal(received.kind, kind);
    assert.equal(incoming.complete, false);
    assert.deepEqual(listeners(incoming), listenersBefore);
  });
}
