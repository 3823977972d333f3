// The stream between an HTTP/2 session and its socket, with the reader that node:http2 is: it reads nothing while a write is unfinished.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { H2Connection } from '../../src/http-client/outbound/h2-connection.js';
import { eventually, within } from '../e2e/deadline.js';

/** More than sockets buffer between two processes. */
const MUCH = Buffer.alloc(32 * 1024 * 1024);
const FRAME = Buffer.from('a frame');

interface Stuck {
  readonly connection: H2Connection;
  readonly socket: Socket;
  readonly peer: Socket;
  /** Of a write that the peer does not read. */
  readonly written: Promise<void>;
  readonly closed: Promise<unknown>;
}

async function startStuck(t: TestContext): Promise<Stuck> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [peer] = (await once(server, 'connection')) as [Socket];
  peer.on('error', () => undefined);
  t.after(() => {
    socket.destroy();
    peer.destroy();
    server.close();
  });
  const connection = new H2Connection(socket);
  connection.on('error', () => undefined);
  const closed = new Promise((resolve) => {
    connection.once('close', resolve);
  });
  connection.pause();
  const written = new Promise<void>((resolve) => {
    connection.write(MUCH, () => {
      resolve();
    });
  });
  peer.write(FRAME);
  return { connection, socket, peer, written, closed };
}

async function readToItsEnd({ connection, closed }: Stuck): Promise<string> {
  const pieces: Buffer[] = [];
  connection.on('data', (piece: Buffer) => pieces.push(piece));
  connection.resume();
  await within(closed, 'end of the connection', 10_000);
  return Buffer.concat(pieces).toString();
}

test('it closes with its socket, though a write was unfinished and something unread', async (t) => {
  const stuck = await startStuck(t);
  const { connection, socket, written } = stuck;
  await eventually('a frame that nobody reads', () => connection.readableLength > 0);
  socket.destroy();
  await within(written, 'end of the write', 10_000);
  assert.equal(await readToItsEnd(stuck), String(FRAME));
});

test('what a peer said before it ended its side is read, though it took not all that was written', async (t) => {
  const stuck = await startStuck(t);
  stuck.peer.end();
  await within(stuck.written, 'end of the write', 10_000);
  stuck.connection.write(MUCH);
  stuck.connection.write('more');
  assert.equal(await readToItsEnd(stuck), String(FRAME));
});

test('a socket that fails closes it with the error', async (t) => {
  const { connection, socket } = await startStuck(t);
  const failing = once(connection, 'error');
  const error = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  socket.destroy(error);
  assert.deepEqual(await within(failing, 'error', 10_000), [error]);
});
