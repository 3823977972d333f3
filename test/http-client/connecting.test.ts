// Until a request can be sent: which address is taken, how long all of it may take, and which HTTP is spoken then.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/domain/clock.js';
import { dial } from '../../src/network/dial.js';
import { secureContextOf } from '../../src/network/secure-context.js';
import { createUpstreamClient } from '../../src/protocols/statsig/origin/upstream-client.js';
import { toFailure } from '../../src/http-client/upstream-failure.js';
import { makeCertificate } from '../fakes/certificate.js';
import { eventually } from '../e2e/deadline.js';
import { fillBacklog } from '../fakes/full-backlog.js';
import { freePort } from '../fakes/free-port.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { optionsFor, SPEC, specKey, startH2Origin, told } from './h2-scene.js';

const NEVER = new AbortController().signal;

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Closed with all its connections when the test is over. */
async function listen(t: TestContext, server: Server, host = '127.0.0.1', port = 0): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(port, host);
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return portOf(server);
}

interface SlowHost {
  readonly port: number;
  /** From now on it accepts connections, those too whose first packets it dropped. */
  wake(): void;
}

/** 127.0.0.2, where a process sleeps whose queue of connections is full: the kernel drops what comes. */
async function startSlowHost(t: TestContext): Promise<SlowHost> {
  const script = `const server = require('node:net').createServer(() => undefined);
    server.listen({ host: '127.0.0.2', port: 0, backlog: 1 }, () => console.log(server.address().port));`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => {
    child.kill('SIGKILL');
  });
  const [told] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(told.toString());
  child.kill('SIGSTOP');
  await fillBacklog(t, '127.0.0.2', port);
  return { port, wake: () => child.kill('SIGCONT') };
}

test('an address that takes longer than another one fails is waited for', async (t) => {
  const slow = await startSlowHost(t);
  const both = (): Promise<string[]> => Promise.resolve(['127.0.0.2', '127.0.0.3']);
  const connecting = dial(systemClock, 'host', slow.port, NEVER, both);
  // Beyond the 250 ms of node:net; nothing depends on it being longer.
  await pause(600);
  slow.wake();
  const socket = await connecting;
  t.after(() => socket.destroy());
  assert.equal(socket.remoteAddress, '127.0.0.2');
});

test('an address that refuses is left for the next at once, a silent one after a while', async (t) => {
  const clock = new ManualClock();
  const port = await listen(t, createServer());
  const refusing = await dial(clock, 'host', port, NEVER, () => Promise.resolve(['127.0.0.3', '127.0.0.1']));
  assert.equal(refusing.remoteAddress, '127.0.0.1');
  refusing.destroy();

  const slow = await startSlowHost(t);
  await listen(t, createServer(), '127.0.0.1', slow.port);
  const addresses = (): Promise<string[]> => Promise.resolve(['127.0.0.2', '127.0.0.1']);
  const connecting = dial(clock, 'host', slow.port, NEVER, addresses);
  await new Promise(setImmediate);
  clock.advance(250);
  const socket = await connecting;
  assert.equal(socket.remoteAddress, '127.0.0.1');
  socket.destroy();
  assert.equal(clock.scheduled, 0);
});

test('where all addresses fail, the reason is the one that tells most', async () => {
  const port = await freePort();
  const dialling = dial(new ManualClock(), 'host', port, NEVER, () =>
    Promise.resolve(['127.0.0.2', '127.0.0.3']),
  );
  const error = await dialling.then(() => undefined, toFailure);
  assert.equal(error?.reason, 'connection_refused');
  const unreachable = Object.assign(new Error(), { code: 'ENETUNREACH' });
  const refused = Object.assign(new Error(), { code: 'ECONNREFUSED' });
  assert.equal(toFailure(new AggregateError([unreachable, refused])).reason, 'connection_refused');
  assert.equal(toFailure(new AggregateError([unreachable])).reason, 'network');
});

/** Given up after the 7 s that it is set to, neither before nor after. `arrived`: what is there by then. */
async function assertGivenUp(
  t: TestContext,
  port: number,
  caPem: string,
  arrived: Promise<unknown>,
): Promise<void> {
  const clock = new ManualClock();
  const origin = { url: `https://localhost:${port}`, caPem };
  const client = createUpstreamClient(clock, optionsFor(origin, { connectTimeoutMs: 7_000 }));
  t.after(() => client.close());
  let outcome = '';
  const asked = client.fetch(specKey(0), 0).then((answer) => (outcome = told(answer)));
  await arrived;
  clock.advance(6_999);
  await new Promise(setImmediate);
  assert.equal(outcome, '');
  clock.advance(1);
  assert.equal(await asked, 'connect_timeout');
  await client.close();
  assert.equal(clock.scheduled, 0);
}

test('an origin that says nothing in the handshake is given up in time', async (t) => {
  const server = createServer();
  const port = await listen(t, server);
  await assertGivenUp(t, port, makeCertificate().certificatePem, once(server, 'connection'));
});

test('an origin that speaks HTTP/2 and never sends its settings is given up in time', async (t) => {
  const { keyPem: key, certificatePem: cert } = makeCertificate();
  const server = createTlsServer({ key, cert, ALPNProtocols: ['h2'] });
  const port = await listen(t, server);
  await assertGivenUp(t, port, cert, once(server, 'secureConnection'));
});

test('certificates are parsed once for all who trust and show the same ones', () => {
  const { certificatePem: caPem, keyPem: key } = makeCertificate();
  const kinds = [
    () => ({ caPem: undefined }),
    () => ({ caPem }),
    () => ({ caPem, identity: { cert: caPem, key } }),
    () => ({ caPem: undefined, identity: { cert: caPem, key } }),
  ];
  const contexts = kinds.map((make) => secureContextOf(make()));
  assert.equal(new Set(contexts).size, kinds.length);
  assert.deepEqual(
    kinds.map((make, index) => secureContextOf(make()) === contexts[index]),
    kinds.map(() => true),
  );
});

test('an origin that changes from HTTP/1.1 to HTTP/2 and back is followed', async (t) => {
  const certificate = makeCertificate();
  const h2 = await startH2Origin(t, { certificate });
  const { keyPem: key, certificatePem: cert } = certificate;
  const h1 = createHttpsServer({ key, cert }, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(SPEC);
  });
  const h1Port = await listen(t, h1);
  let port = h1Port;
  const sockets = new Set<Socket>();
  // A balancer, whose connections end where they began.
  const balancer = createServer((client) => {
    const onward = connect(port, '127.0.0.1');
    onward.pipe(client).pipe(onward);
    onward.on('error', () => client.destroy());
    onward.once('close', () => client.destroy());
    sockets.add(client);
    client.once('close', () => {
      onward.destroy();
      sockets.delete(client);
    });
  });
  const url = `https://localhost:${await listen(t, balancer)}`;
  const client = createUpstreamClient(systemClock, optionsFor({ url, caPem: cert }, {}));
  t.after(() => client.close());
  const fetchAll = async (): Promise<Set<string>> =>
    new Set((await Promise.all([0, 1, 2, 3].map((index) => client.fetch(specKey(index), 0)))).map(told));
  const cutAll = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await eventually('end of all connections', () => sockets.size === 0);
  };

  assert.deepEqual(await fetchAll(), new Set(['updated']));
  assert.deepEqual([h2.streams, h2.sessions], [0, 0]);
  port = h2.port;
  // More than the connections of HTTP/1.1 that are there: those that are opened on top meet HTTP/2.
  const more = Array.from({ length: 12 }, (_none, index) => client.fetch(specKey(index), 0));
  assert.deepEqual(new Set((await Promise.all(more)).map(told)), new Set(['updated']));
  assert.deepEqual(await fetchAll(), new Set(['updated']));
  assert.ok(h2.streams > 0);
  assert.ok(h2.sessions <= 2);
  port = h1Port;
  await cutAll();
  const before = h2.streams;
  assert.deepEqual(await fetchAll(), new Set(['updated']));
  assert.equal(h2.streams, before);
});

test('connections of HTTP/1.1 are kept after a rush, and replaced when they are five minutes old', async (t) => {
  const certificate = makeCertificate();
  const { keyPem: key, certificatePem: cert } = certificate;
  let connections = 0;
  let open = 0;
  const server = createHttpsServer({ key, cert }, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(SPEC);
  });
  server.on('secureConnection', (socket) => {
    connections += 1;
    open += 1;
    socket.once('close', () => (open -= 1));
  });
  const url = `https://localhost:${await listen(t, server)}`;
  const clock = new ManualClock();
  const settings = { idleConnectionsMax: 2 };
  const client = createUpstreamClient(clock, optionsFor({ url, caPem: cert }, settings));
  t.after(() => client.close());
  const rush = (): Promise<unknown> =>
    Promise.all(Array.from({ length: 24 }, (_none, index) => client.fetch(specKey(index), 0)));
  for (let round = 0; round < 6; round += 1) {
    await rush();
    // undici opens another one where the first has not quite finished its answer.
    await new Promise(setImmediate);
  }
  assert.ok(connections <= 24, `${connections} connections`);

  clock.advance(5 * 60_000);
  const before = connections;
  assert.equal(told(await client.fetch(specKey(0), 0)), 'updated');
  assert.equal(connections, before + 1);
  await eventually('end of those before', () => open === 1);
});

test('an idle connection of HTTP/1.1 is closed as soon as the setting says, kept or not', async (t) => {
  const server = createHttpServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(SPEC);
  });
  // Longer than this test: it is the client that closes.
  server.keepAliveTimeout = 60_000;
  let open = 0;
  server.on('connection', (socket) => {
    open += 1;
    socket.once('close', () => (open -= 1));
  });
  const url = `http://127.0.0.1:${await listen(t, server)}`;
  const settings = { idleConnectionsMax: 1, idleConnectionMs: 1_500 };
  const client = createUpstreamClient(systemClock, optionsFor({ url, caPem: '' }, settings));
  t.after(() => client.close());
  await Promise.all([0, 1, 2].map((index) => client.fetch(specKey(index), 0)));
  assert.ok(open > 0);
  await eventually('end of idle connections', () => open === 0);
});
