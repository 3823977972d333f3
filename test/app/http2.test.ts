// HTTP/2 on the TLS port: the same answers as HTTP/1.1, and limits on what one client may do.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { after, before, describe, it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Clock } from '../../src/domain/clock.js';
import { eventually, within } from '../e2e/deadline.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { SDK_KEY, startProxy, type TestProxy } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { TestAuthority, type Issued } from '../fakes/test-authority.js';

const SPEC = `/v1/download_config_specs/${SDK_KEY}.json`;
const KEYED = { 'statsig-api-key': SDK_KEY };

let authority: TestAuthority;
let server: Issued;

before(() => {
  authority = new TestAuthority();
  server = authority.issue('server');
});
after(() => {
  authority.close();
});

async function start(t: TestContext, clock?: Clock): Promise<TestProxy> {
  const origin = await startFakeOrigin();
  const pair = ['--x509-server-cert-path', server.certPath, '--x509-server-key-path', server.keyPath];
  const args = [...pair, '--enforce-tls', 'false'];
  const proxy = await startProxy({ origin: origin.url, args, ...(clock && { clock }) });
  t.after(async () => {
    const stopped = proxy.app.stop();
    if (clock instanceof ManualClock) await Promise.all([stopped, clock.advanceInSteps(5_000, 100)]);
    await stopped;
    await origin.close();
  });
  return proxy;
}

async function open(t: TestContext, proxy: TestProxy): Promise<ClientHttp2Session> {
  const session = connect(proxy.httpsUrl, { ca: authority.ca });
  session.on('error', () => undefined);
  t.after(() => {
    session.destroy();
  });
  await within(once(session, 'connect'), 'session');
  return session;
}

interface Asked {
  readonly path: string;
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

async function ask(
  session: ClientHttp2Session,
  { path, method = 'GET', headers = {}, body }: Asked,
): Promise<Answer> {
  const stream = session.request(
    { ':path': path, ':method': method, ...headers },
    { endStream: body === undefined },
  );
  if (body !== undefined) stream.end(body);
  const closed = ended(stream);
  const pieces: Buffer[] = [];
  stream.on('data', (piece: Buffer) => pieces.push(piece));
  const [told] = (await within(once(stream, 'response'), `answer to ${path}`)) as [Record<string, unknown>];
  await within(closed, `end of ${path}`);
  return { status: Number(told[':status']), headers: told, text: Buffer.concat(pieces).toString('latin1') };
}

/** Resolves also where it ends with an error. */
function ended(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    stream.on('error', () => undefined).once('close', resolve);
  });
}

const SAME: Readonly<Record<string, Asked>> = {
  'a spec': { path: SPEC },
  'a compressed spec': { path: SPEC, headers: { 'accept-encoding': 'br, gzip' } },
  'a spec by POST': {
    path: '/v1/download_config_specs',
    method: 'POST',
    headers: KEYED,
    body: '{"sinceTime":0}',
  },
  'the head of a spec': { path: SPEC, method: 'HEAD' },
  'no updates': { path: `${SPEC}?sinceTime=9999999999999` },
  'no key': { path: '/v1/download_config_specs' },
  'a time that is none': { path: `${SPEC}?sinceTime=x` },
  'no such route': { path: '/nothing' },
  'a path that is none': { path: '/%zz' },
  'a body that is too large': {
    path: '/v1/download_config_specs',
    method: 'POST',
    headers: KEYED,
    body: 'x'.repeat(100_000),
  },
  'log events': {
    path: '/v1/log_event',
    method: 'POST',
    headers: KEYED,
    body: '{"events":[],"statsigMetadata":{}}',
  },
  'compressed log events': {
    path: '/v1/log_event',
    method: 'POST',
    headers: { ...KEYED, 'content-encoding': 'gzip' },
    body: gzipSync('{"events":[{"eventName":"a"}],"statsigMetadata":{}}'),
  },
  'log events that are none': { path: '/v1/log_event', method: 'POST', headers: KEYED, body: 'nothing' },
  'what is expected': { path: SPEC, headers: { expect: 'something' } },
  health: { path: '/v1/health' },
  readiness: { path: '/v1/ready' },
};
/** Of the connection, not of the answer, or of the moment. */
const NOT_COMPARED = ['connection', 'keep-alive', 'date', 'age', 'transfer-encoding', ':status'];

describe('over HTTP/2, as over HTTP/1.1, an SDK is answered with', () => {
  for (const [name, asked] of Object.entries(SAME)) {
    it(name, async (t) => {
      const proxy = await start(t);
      const { path, ...request } = asked;
      // The first makes the spec known.
      await rawRequest(`${proxy.url}${SPEC}`);
      const expected = await rawRequest(`${proxy.url}${path}`, request);
      const session = await open(t, proxy);
      const answer = await ask(session, asked);
      assert.equal(answer.status, expected.status);
      assert.equal(answer.text, expected.bytes.toString('latin1'));
      const compared = (headers: object): object =>
        Object.fromEntries(Object.entries(headers).filter(([header]) => !NOT_COMPARED.includes(header)));
      assert.deepEqual(compared({ ...answer.headers }), compared(expected.headers));
      // And the session goes on.
      assert.equal((await ask(session, { path: '/v1/health' })).status, 200);
    });
  }

  it('manifests whose urls lead back the same way', async (t) => {
    const proxy = await start(t);
    const session = await open(t, proxy);
    const { text } = await ask(session, {
      path: '/v1/get_id_lists',
      method: 'POST',
      headers: KEYED,
      body: '{}',
    });
    for (const [, url = ''] of text.matchAll(/"url":"([^"]*)"/g))
      assert.ok(url.startsWith(`${proxy.httpsUrl}/`), url);
  });

  it('nothing, where an answer would be taken for a file: the stream ends, its session goes on', async (t) => {
    const proxy = await start(t);
    const session = await open(t, proxy);
    const stream = session.request({ ':path': '/v1/download_id_list_file/unknown' });
    await within(ended(stream), 'end of the stream');
    assert.notEqual(stream.rstCode, constants.NGHTTP2_NO_ERROR);
    assert.equal((await ask(session, { path: '/v1/health' })).status, 200);
  });

  it('many answers at a time', async (t) => {
    const proxy = await start(t);
    const session = await open(t, proxy);
    const answers = await Promise.all(Array.from({ length: 90 }, () => ask(session, { path: SPEC })));
    assert.ok(answers.every(({ status }) => status === 200));
  });
});

interface Status {
  /** Without those that are empty. */
  readonly tables: { readonly httpConnections?: { readonly entries: number } };
  readonly http2: { readonly limitsReached: Readonly<Record<string, number>> };
}

async function status(proxy: TestProxy): Promise<Status> {
  return JSON.parse((await rawRequest(`${proxy.adminUrl}/status`)).text) as Status;
}

async function limitsReached(proxy: TestProxy): Promise<Readonly<Record<string, number>>> {
  return (await status(proxy)).http2.limitsReached;
}

async function connections(proxy: TestProxy): Promise<number> {
  return (await status(proxy)).tables.httpConnections?.entries ?? 0;
}

describe('over HTTP/2, a client', () => {
  for (const [name, resets] of [
    ['that starts requests without end', false],
    // Node itself ends this one, and not every release tells of it.
    ['that starts requests without end, and resets each at once,', true],
  ] as const) {
    it(`${name} is ended with its connection, and others go on`, async (t) => {
      // By this clock no time passes in which a client may start more.
      const clock = new ManualClock();
      const proxy = await start(t, clock);
      const [flooding, other] = [await open(t, proxy), await open(t, proxy)];
      const isEnded = async (): Promise<boolean> => flooding.destroyed || (await connections(proxy)) === 1;
      for (let count = 0; count < 5_000 && !(await isEnded()); count += 50) {
        const streams = Array.from({ length: 50 }, () => flooding.request({ ':path': '/v1/health' }));
        let left = streams.length;
        for (const stream of streams) void ended(stream).then(() => (left -= 1));
        // A request that is reset before it was sent is never sent.
        await new Promise((resolve) => setImmediate(resolve));
        for (const stream of streams) {
          if (resets) stream.close(constants.NGHTTP2_CANCEL);
          else stream.resume();
        }
        // Node's client does not always notice that its connection has ended.
        await eventually('end of all', async () => left === 0 || (await isEnded()));
      }
      assert.equal((await ask(other, { path: SPEC })).status, 200);
      // Node 20 may leave the connection of a client that it ended as an idle one.
      clock.advance(75_000);
      await eventually('end of the connection', async () => (await connections(proxy)) === 0);
      assert.equal((await limitsReached(proxy))['callRate'], resets ? 0 : 1);
      if (!resets) assert.equal(proxy.logs.withMessage('HTTP/2 clients reached a limit').length, 1);
    });
  }

  it('that sends large headers has its request refused', async (t) => {
    const proxy = await start(t);
    const session = await open(t, proxy);
    const stream = session.request({ ':path': SPEC, 'x-large': 'x'.repeat(20_000) });
    await within(ended(stream), 'end of the request');
    assert.notEqual(stream.rstCode, constants.NGHTTP2_NO_ERROR);
    assert.equal((await ask(await open(t, proxy), { path: SPEC })).status, 200);
  });

  it('whose request does not end within 30 s, or who is idle for 75 s, is cut off', async (t) => {
    const clock = new ManualClock();
    const proxy = await start(t, clock);
    const session = await open(t, proxy);
    const stream = session.request({ ':path': '/v1/log_event', ':method': 'POST', ...KEYED });
    const closed = ended(stream);
    stream.write('{"events":');
    await eventually('request', async () => {
      const { text } = await rawRequest(`${proxy.adminUrl}/status`);
      return /"http2Requests":\s*\{\s*"entries": 1/.test(text);
    });
    clock.advance(30_000);
    await within(closed, 'end of the request');
    assert.equal(stream.rstCode, constants.NGHTTP2_CANCEL);
    const gone = once(session, 'close');
    clock.advance(75_000);
    await within(gone, 'end of the session');
    assert.equal((await limitsReached(proxy))['idleTime'], 1);
  });

  it('is asked to go when the process stops, once it is answered', async (t) => {
    const proxy = await start(t);
    const session = await open(t, proxy);
    assert.equal((await ask(session, { path: SPEC })).status, 200);
    const told = once(session, 'goaway');
    await within(Promise.all([proxy.app.stop(), told]), 'end of the process', 3_000);
  });
});
