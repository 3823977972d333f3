// Ports: both families of addresses, what is there instead of a family that the machine lacks, limits, and their end.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../../src/domain/clock.js';
import { ConnectionLimit } from '../../../src/servers/listener/connection-limit.js';
import { ListeningPort, type Accept } from '../../../src/servers/listener/listening-port.js';
import { eventually, within } from '../../e2e/deadline.js';
import { ManualClock } from '../../fakes/manual-clock.js';

const SETTINGS = { hostSetting: '--host', portSetting: '--http-port' };
const HAS_IPV6 = Object.values(networkInterfaces())
  .flatMap((found) => found ?? [])
  .some(({ address }) => address === '::1');

interface Scene {
  readonly port: ListeningPort;
  readonly limit: ConnectionLimit;
}

function portOn(t: TestContext, host: string, accept: Accept = echo, connectionsMax = 100): Scene {
  const limit = new ConnectionLimit({ server: 'http', connectionsMax });
  const port = new ListeningPort({ host, port: 0, ...SETTINGS }, limit, accept);
  t.after(() => port.close(systemClock, 0));
  return { port, limit };
}

const echo: Accept = (socket) => {
  socket.pipe(socket);
};

async function open(t: TestContext, port: ListeningPort, host: string): Promise<Socket> {
  const socket = connect(port.number, host);
  t.after(() => socket.destroy());
  await within(once(socket, 'connect'), `connection to ${host}`);
  return socket.on('error', () => undefined);
}

/** A system that has no addresses of the family of `::` and `127.0.0.1`, or of one of them. */
function lackAddress(t: TestContext, lacking: string, code: string): string[] {
  const asked: string[] = [];
  const listen = Reflect.get(Server.prototype, 'listen') as (...args: unknown[]) => Server;
  t.mock.method(Server.prototype, 'listen', function (this: Server, ...args: unknown[]) {
    const [{ host }] = args as [{ readonly host: string }];
    asked.push(host);
    if (host !== lacking) return listen.apply(this, args);
    process.nextTick(() => this.emit('error', Object.assign(new Error(`listen ${code}`), { code })));
    return this;
  });
  return asked;
}

test(':: listens on both families', async (t) => {
  const { port } = portOn(t, '::');
  await port.open();
  for (const host of HAS_IPV6 ? ['127.0.0.1', '::1'] : ['127.0.0.1']) {
    const socket = await open(t, port, host);
    socket.write('hello');
    const [piece] = (await within(once(socket, 'data'), 'echo')) as [Buffer];
    assert.equal(piece.toString(), 'hello');
  }
});

for (const [lacking, instead, code] of [
  ['::', '0.0.0.0', 'EAFNOSUPPORT'],
  ['::', '0.0.0.0', 'EADDRNOTAVAIL'],
  ['127.0.0.1', '::1', 'EADDRNOTAVAIL'],
] as const) {
  test(`where the machine lacks the family of ${lacking} (${code}), ${instead} is listened on`, async (t) => {
    const asked = lackAddress(t, lacking, code);
    const { port } = portOn(t, lacking);
    await port.open();
    assert.deepEqual(asked, [lacking, instead]);
    assert.ok(port.number > 0);
  });
}

test('what is wrong with the port itself is not tried with the other family', async (t) => {
  const asked = lackAddress(t, '::', 'EADDRINUSE');
  await assert.rejects(portOn(t, '::').port.open(), { code: 'EADDRINUSE' });
  assert.deepEqual(asked, ['::']);
});

test('a name listens on all of its addresses, on one port', async (t) => {
  const { port } = portOn(t, 'localhost');
  await port.open();
  await open(t, port, '127.0.0.1');
  assert.ok(port.number > 0);
});

test('a connection counts from its first moment until it has closed, whatever is spoken on it', async (t) => {
  const { port, limit } = portOn(t, '127.0.0.1', () => undefined, 3);
  await port.open();
  const sockets: Socket[] = [];
  for (let count = 0; count < 3; count += 1) sockets.push(await open(t, port, '127.0.0.1'));
  await eventually('three', () => limit.gauge.entries === 3);
  const oldest = once(sockets[0] as Socket, 'close');
  await open(t, port, '127.0.0.1');
  await within(oldest, 'end of the one that does least');
  assert.equal(limit.gauge.entries, 3);
  for (const socket of sockets) socket.destroy();
});

test('a port that closes accepts nothing more, waits for its connections, and cuts them at the deadline', async (t) => {
  const clock = new ManualClock();
  const { port, limit } = portOn(t, '127.0.0.1');
  await port.open();
  const { number } = port;
  const [first, second] = [await open(t, port, '127.0.0.1'), await open(t, port, '127.0.0.1')];
  await eventually('both', () => limit.gauge.entries === 2);
  let isClosed = false;
  const closed = port.close(clock, 4_000).then(() => (isClosed = true));
  await assert.rejects(once(connect(number, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' });
  first.end();
  await eventually('end of one', () => limit.gauge.entries === 1);
  clock.advance(3_999);
  assert.equal(isClosed, false);
  const cut = once(second, 'close');
  clock.advance(1);
  await within(Promise.all([closed, cut]), 'end of the port');
  await eventually('end of both', () => limit.gauge.entries === 0);
});
