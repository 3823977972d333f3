// Files of ID lists from a real server: every way in which a host may answer a range, and what is made of it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, test, type TestContext } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { systemClock, type Clock } from '../../../../src/domain/clock.js';
import type {
  FileFailure,
  IdListFileOrigin,
  NothingMore,
} from '../../../../src/protocols/statsig/origin/id-list-file-origin.js';
import {
  createIdListFileClient,
  type IdListFileClientOptions,
} from '../../../../src/protocols/statsig/origin/id-list-file-client.js';
import { ManualClock } from '../../../fakes/manual-clock.js';
import { CLIENT_OPTIONS } from '../../../http-client/client-options.js';

const FILE = Buffer.from(
  Array.from({ length: 200 }, (_, at) => `+hash${String(at).padStart(4, '0')}\n`).join(''),
);
const HELD = 500;
const TAIL = FILE.subarray(HELD);

type Respond = (response: ServerResponse, request: IncomingMessage) => void;

interface Host {
  readonly url: string;
  readonly requests: IncomingMessage[];
  readonly connections: () => number;
  respond: Respond;
}

async function startHost(t: TestContext, respond: Respond): Promise<Host> {
  let connections = 0;
  const host: Host = { url: '', requests: [], connections: () => connections, respond };
  const server = createServer((request, response) => {
    host.requests.push(request);
    host.respond(response, request);
  }).listen(0, '127.0.0.1');
  server.on('connection', () => (connections += 1));
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return Object.assign(host, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file?sig=abc`,
  });
}

const OPTIONS: IdListFileClientOptions = {
  ...CLIENT_OPTIONS,
  headersTimeoutMs: 250,
  bodyIdleTimeoutMs: 250,
};

function startClient(
  t: TestContext,
  changes: Partial<IdListFileClientOptions> = {},
  clock: Clock = systemClock,
): IdListFileOrigin {
  const client = createIdListFileClient(clock, { ...OPTIONS, ...changes });
  t.after(() => client.close());
  return client;
}

interface Taken {
  readonly startByte: number;
  readonly endByte: number | undefined;
  readonly bytes: Buffer;
}

interface Fetched {
  /** What came, to its end or to where it broke off. */
  readonly came: Taken | undefined;
  readonly outcome: object;
}

async function fetchFile(client: IdListFileOrigin, url: string, fromByte: number): Promise<Fetched> {
  let came: Taken | undefined;
  const outcome: { readonly kind: 'whole' } | NothingMore | FileFailure = await client.fetch(
    url,
    fromByte,
    async ({ startByte, endByte }, bytes) => {
      assert.equal(came, undefined, 'taken once');
      came = { startByte, endByte, bytes: Buffer.alloc(0) };
      for await (const piece of bytes) came = { ...came, bytes: Buffer.concat([came.bytes, piece]) };
      return { kind: 'whole' } as const;
    },
  );
  return { came, outcome };
}

function part(bytes: Uint8Array, range: string, headers: Record<string, string | number> = {}): Respond {
  return (response) => response.writeHead(206, { 'content-range': range, ...headers }).end(bytes);
}

const GOOD_RANGE = `bytes ${HELD}-${FILE.length - 1}/${FILE.length}`;
const WHOLE = { outcome: { kind: 'whole' }, came: { startByte: 0, endByte: FILE.length, bytes: FILE } };
const REST = { outcome: { kind: 'whole' }, came: { startByte: HELD, endByte: FILE.length, bytes: TAIL } };

test('every request asks for the missing bytes, the first too, and none has a key', async (t) => {
  const host = await startHost(t, (response, request) => {
    if (request.headers.range !== 'bytes=0-') part(TAIL, GOOD_RANGE)(response, request);
    else part(FILE, `bytes 0-${FILE.length - 1}/${FILE.length}`)(response, request);
  });
  const client = startClient(t, { idleConnectionsMax: 1 });
  assert.deepEqual(await fetchFile(client, host.url, 0), WHOLE);
  assert.deepEqual(await fetchFile(client, host.url, HELD), REST);
  const [first, second] = host.requests.map(({ headers }) => headers);
  const { port } = new URL(host.url);
  const always = {
    'accept-encoding': 'identity',
    'user-agent': 'spec-forward-proxy/1.2.3',
    host: `127.0.0.1:${port}`,
    connection: 'keep-alive',
  };
  assert.deepEqual(first, { ...always, range: 'bytes=0-' });
  assert.deepEqual(second, { ...always, range: `bytes=${HELD}-` });
  assert.equal(host.requests[1]?.url, '/file?sig=abc');
  // undici opens a second one where the first has not quite finished its answer.
  assert.ok(host.connections() <= 2, 'connections are kept');
});

describe('a part that was asked for', () => {
  for (const [name, respond] of [
    ['with its length', part(TAIL, GOOD_RANGE, { 'content-length': TAIL.length })],
    ['chunked', part(TAIL, GOOD_RANGE)],
    ['gzipped', part(gzipSync(TAIL), GOOD_RANGE, { 'content-encoding': 'gzip' })],
    ['in brotli', part(brotliCompressSync(TAIL), GOOD_RANGE, { 'content-encoding': 'br' })],
    ['of a file whose length nobody knows', part(TAIL, GOOD_RANGE.replace(/\d+$/, '*'))],
  ] as const) {
    it(`comes ${name}`, async (t) => {
      const host = await startHost(t, respond);
      assert.deepEqual(await fetchFile(startClient(t), host.url, HELD), REST);
      assert.equal(host.requests.length, 1);
    });
  }

  for (const [name, respond] of [
    ['begins elsewhere', part(TAIL, `bytes ${HELD - 1}-${FILE.length - 1}/${FILE.length}`)],
    ['has no Content-Range', (response) => response.writeHead(206).end(TAIL)],
    ['has one that makes no sense', part(TAIL, 'bytes 9-3/5')],
    ['is compressed in an unknown way', part(TAIL, GOOD_RANGE, { 'content-encoding': 'zstd' })],
    [
      'is cut out of the compressed file',
      part(gzipSync(FILE).subarray(20), 'bytes 500-999/1000', { 'content-encoding': 'gzip' }),
    ],
    [
      'counts its compressed bytes',
      part(gzipSync(TAIL), `bytes ${HELD}-${HELD + gzipSync(TAIL).length - 1}/9999`, {
        'content-encoding': 'gzip',
      }),
    ],
    [
      'is compressed and longer than is kept',
      part(gzipSync(TAIL), `bytes ${HELD}-9999999/99999999`, { 'content-encoding': 'gzip' }),
    ],
  ] as readonly (readonly [string, Respond])[]) {
    it(`is asked for again, as the whole file, where it ${name}`, async (t) => {
      const host = await startHost(t, (response, request) => {
        if (request.headers.range !== undefined) respond(response, request);
        else response.writeHead(200, { 'content-length': FILE.length }).end(FILE);
      });
      assert.deepEqual(await fetchFile(startClient(t), host.url, HELD), WHOLE);
      assert.equal(host.requests.length, 2);
    });
  }

  it('is the whole file where it comes all the same when that is asked for', async (t) => {
    const host = await startHost(t, (response, request) => {
      if (request.headers.range !== undefined) response.writeHead(206).end(TAIL);
      else part(FILE, `bytes 0-${FILE.length - 1}/${FILE.length}`)(response, request);
    });
    assert.deepEqual(await fetchFile(startClient(t), host.url, HELD), WHOLE);
  });

  it('that does not exist, of an empty file, is asked for as a whole', async (t) => {
    const host = await startHost(t, (response, request) => {
      response.writeHead(request.headers.range === undefined ? 200 : 416).end();
    });
    const { came, outcome } = await fetchFile(startClient(t), host.url, 0);
    assert.deepEqual([outcome, came?.bytes.length], [WHOLE.outcome, 0]);
  });

  it('is given up where no answer is of use', async (t) => {
    const host = await startHost(t, part(FILE, `bytes 1-${FILE.length}/${FILE.length + 1}`));
    const { outcome, came } = await fetchFile(startClient(t), host.url, 0);
    assert.ok('reason' in outcome && outcome.reason === 'bad_content_range');
    assert.equal(came, undefined);
    assert.deepEqual(
      host.requests.map(({ headers }) => headers.range),
      ['bytes=0-', undefined],
    );
  });

  it('that is compressed and counts its own bytes from the first on is asked for again', async (t) => {
    const gzip = gzipSync(FILE);
    const host = await startHost(t, (response, request) => {
      if (request.headers.range === undefined) response.writeHead(200).end(FILE);
      else
        part(gzip, `bytes 0-${gzip.length - 1}/${gzip.length}`, { 'content-encoding': 'gzip' })(
          response,
          request,
        );
    });
    const { outcome, came } = await fetchFile(startClient(t), host.url, 0);
    assert.deepEqual([outcome, came?.bytes], [WHOLE.outcome, FILE]);
  });
});

describe('a whole file instead of a part', () => {
  for (const [name, headers, body, endByte] of [
    ['with its length', { 'content-length': FILE.length }, FILE, FILE.length],
    ['chunked', {}, FILE, undefined],
    ['gzipped', { 'content-encoding': 'gzip' }, gzipSync(FILE), undefined],
    ['in brotli', { 'content-encoding': 'br' }, brotliCompressSync(FILE), undefined],
  ] as const) {
    it(`comes ${name}`, async (t) => {
      const host = await startHost(t, (response) => response.writeHead(200, headers).end(body));
      const expected = { ...WHOLE, came: { ...WHOLE.came, endByte } };
      assert.deepEqual(await fetchFile(startClient(t), host.url, HELD), expected);
    });
  }
});

test('416 says that there is nothing more, and how much there is', async (t) => {
  const host = await startHost(t, (response) =>
    response.writeHead(416, { 'content-range': 'bytes */500' }).end(),
  );
  const client = startClient(t);
  assert.deepEqual(await fetchFile(client, host.url, HELD), {
    came: undefined,
    outcome: { kind: 'nothing-more', totalBytes: 500 },
  });
  host.respond = (response) => response.writeHead(416).end('never mind');
  const { outcome } = await fetchFile(client, host.url, HELD);
  assert.deepEqual(outcome, { kind: 'nothing-more', totalBytes: undefined });
});

describe('nothing is taken of', () => {
  for (const [reason, respond] of [
    ['status_404', (response) => response.writeHead(404).end('{"e":1}')],
    ['status_500', (response) => response.writeHead(500).end('{"e":1}')],
    ['status_403', (response) => response.writeHead(403).end('+looks like one')],
    ['status_204', (response) => response.writeHead(204).end()],
    ['bad_content_range', (response) => response.writeHead(416).end()],
    ['not_an_id_list', (response) => response.writeHead(200).end('<html>log in</html>')],
    [
      'not_an_id_list',
      (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{}')),
    ],
    ['unsupported_encoding', (response) => response.writeHead(200, { 'content-encoding': 'zstd' }).end('x')],
    ['headers_timeout', () => undefined],
    ['connection_lost', (response) => response.socket?.resetAndDestroy()],
    ['redirect_refused', (response) => response.writeHead(302, { location: 'ftp://elsewhere/' }).end()],
  ] as readonly (readonly [string, Respond])[]) {
    it(reason, async (t) => {
      const host = await startHost(t, respond);
      const { came, outcome } = await fetchFile(startClient(t), host.url, 0);
      assert.ok('reason' in outcome);
      assert.equal(outcome.reason, reason);
      assert.equal(came?.bytes.length ?? 0, 0);
      assert.ok(!JSON.stringify(outcome).includes('sig=abc'));
    });
  }

  for (const url of ['ftp://127.0.0.1/file', 'file:///etc/passwd', 'not a url', '']) {
    it(`bad_url: ${url}`, async (t) => {
      const { outcome } = await fetchFile(startClient(t), url, 0);
      assert.ok('reason' in outcome && outcome.reason === 'bad_url');
    });
  }
});

describe('a body that breaks off', () => {
  const half = TAIL.subarray(0, 700);
  for (const [reason, respond] of [
    [
      'connection_lost',
      (response) => {
        response.writeHead(206, { 'content-range': GOOD_RANGE, 'content-length': TAIL.length });
        response.write(half, () => response.socket?.destroy());
      },
    ],
    [
      'connection_lost',
      (response) => {
        response.writeHead(206, { 'content-range': GOOD_RANGE });
        response.write(half, () => response.socket?.destroy());
      },
    ],
    ['truncated', part(half, GOOD_RANGE)],
    [
      'body_timeout',
      (response) => {
        response.writeHead(206, { 'content-range': GOOD_RANGE });
        response.write(half);
      },
    ],
  ] as readonly (readonly [string, Respond])[]) {
    it(`fails as ${reason}, and what came is there`, async (t) => {
      const host = await startHost(t, respond);
      const { came, outcome } = await fetchFile(startClient(t), host.url, HELD);
      assert.ok('reason' in outcome);
      assert.equal(outcome.reason, reason);
      assert.deepEqual(came?.bytes, half);
    });
  }

  it('is told from one that goes on after its end', async (t) => {
    const host = await startHost(t, part(Buffer.concat([TAIL, TAIL]), GOOD_RANGE));
    const { outcome } = await fetchFile(startClient(t), host.url, HELD);
    assert.ok('reason' in outcome && outcome.reason === 'longer_than_said');
  });

  for (const [reason, body] of [
    ['truncated', gzipSync(FILE).subarray(0, 300)],
    ['decoding_failed', Buffer.concat([gzipSync(FILE), Buffer.from('more')])],
    ['decoding_failed', FILE],
  ] as const) {
    it(`compressed fails as ${reason}`, async (t) => {
      const host = await startHost(t, (response) =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(body),
      );
      const { outcome } = await fetchFile(startClient(t), host.url, 0);
      assert.ok('reason' in outcome);
      assert.equal(outcome.reason, reason);
    });
  }

  it('compressed, as a part, fails as what it is', async (t) => {
    const host = await startHost(t, (response) => {
      response.writeHead(206, { 'content-range': GOOD_RANGE, 'content-encoding': 'gzip' });
      response.write(gzipSync(TAIL).subarray(0, 50), () => response.socket?.destroy());
    });
    const { outcome } = await fetchFile(startClient(t), host.url, HELD);
    assert.ok('reason' in outcome && outcome.reason === 'connection_lost');
    assert.equal(host.requests.length, 1);
  });
});

test('a connection that is lost before the answer is tried once more', async (t) => {
  let lost = 0;
  const host = await startHost(t, (response) => {
    if (lost++ === 0) response.socket?.resetAndDestroy();
    else response.end(FILE);
  });
  assert.deepEqual((await fetchFile(startClient(t), host.url, 0)).came?.bytes, FILE);
});

test('redirects are followed with their range, and not for ever', async (t) => {
  const target = await startHost(t, part(TAIL, GOOD_RANGE));
  const host = await startHost(t, (response) => response.writeHead(307, { location: target.url }).end());
  const client = startClient(t);
  assert.deepEqual(await fetchFile(client, host.url, HELD), REST);
  host.respond = (response) => response.writeHead(302, { location: '/again' }).end();
  const { outcome } = await fetchFile(client, host.url, HELD);
  assert.ok('reason' in outcome && outcome.reason === 'status_302');
});

test('who takes no more of a file ends its connection', async (t) => {
  const closed = new Promise((resolve) => {
    void startHost(t, (response) => {
      response.writeHead(200, { 'content-length': 1e9 }).write(FILE);
      response.on('close', resolve);
    }).then(async ({ url }) => {
      const outcome = await startClient(t).fetch(url, 0, async () => ({ kind: 'enough' }));
      assert.deepEqual(outcome, { kind: 'enough' });
    });
  });
  await closed;
});

test('a reader that waits is woken where the part is broken off', async (t) => {
  const host = await startHost(t, (response) =>
    response.writeHead(200, { 'content-length': 1e9 }).write(FILE),
  );
  const outcome = await startClient(t, { bodyIdleTimeoutMs: 60_000 }).fetch(
    host.url,
    0,
    async ({ breakOff }, bytes) => {
      const pieces = bytes[Symbol.asyncIterator]();
      await pieces.next();
      const next = pieces.next();
      breakOff();
      await assert.rejects(next);
      return { kind: 'broken-off' };
    },
  );
  assert.deepEqual(outcome, { kind: 'broken-off' });
});

test('a file that trickles is given up after half an hour and not before', async (t) => {
  const clock = new ManualClock();
  const host = await startHost(t, (response) => {
    response.writeHead(200, { 'content-length': 1e9 });
    response.write(FILE);
    goOn = () => response.write(FILE);
  });
  let goOn: () => void = () => assert.fail('no request came');
  const client = startClient(t, { bodyIdleTimeoutMs: 31 * 60_000 }, clock);
  const outcome = await client.fetch(host.url, 0, async (_part, bytes) => {
    let pieces = 0;
    for await (const piece of bytes) {
      if (piece.length === 0) continue;
      pieces += 1;
      clock.advance(pieces === 1 ? 30 * 60_000 - 1 : 1);
      // The second piece arrives, so the first moment has ended nothing.
      if (pieces === 1) goOn();
      assert.ok(pieces <= 2);
    }
    return { kind: 'whole' };
  });
  assert.deepEqual(outcome, {
    kind: 'failed',
    reason: 'request_timeout',
    detail: 'no whole answer within 1800000 ms',
  });
});

test('each scheme has its outbound proxy, whatever the other one has', async (t) => {
  const proxied: string[] = [];
  const proxy = createServer((request, response) => {
    proxied.push(`GET ${request.url ?? ''}`);
    response.writeHead(200, { 'content-length': FILE.length }).end(FILE);
  });
  proxy.on('connect', (request, socket) => {
    proxied.push(`CONNECT ${request.url ?? ''}`);
    socket.end('HTTP/1.1 503 No\r\n\r\n');
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const onlyHttps = startClient(t, { httpsProxy: proxyUrl });
  const failed = await fetchFile(onlyHttps, 'https://files.invalid/a', 0);
  assert.ok('reason' in failed.outcome && failed.outcome.reason === 'outbound_proxy_failed');
  assert.deepEqual(proxied, ['CONNECT files.invalid:443']);
  const direct = await fetchFile(startClient(t, { httpProxy: proxyUrl }), 'https://127.0.0.1:9/a', 0);
  assert.ok('reason' in direct.outcome && direct.outcome.reason === 'connection_refused');
  assert.equal(proxied.length, 1);
});

test('closing breaks off what is in flight', async (t) => {
  const client = startClient(t, { headersTimeoutMs: 60_000 });
  const host = await startHost(t, () => void client.close());
  const { outcome } = await fetchFile(client, host.url, 0);
  assert.ok('reason' in outcome && outcome.reason === 'closed');
});
