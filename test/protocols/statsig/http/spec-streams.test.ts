// Streams of specs as server-sent events over real connections: what comes first, what follows, who is refused, and how they end.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { EventSource } from 'undici';
import { eventually, within } from '../../../e2e/deadline.js';
import { makeCertificate } from '../../../fakes/certificate.js';
import { EventClient } from '../../../fakes/event-client.js';
import { EventReader } from '../../../fakes/event-reader.js';
import { scrape } from '../../../fakes/metrics-page.js';
import { REFUSING } from '../../../fakes/origin-faults.js';
import { SDK_KEY } from '../../../fakes/proxy.js';
import { rawRequest, type RawAnswer } from '../../../fakes/raw-request.js';
import { startTcpProxy } from '../../../fakes/tcp-proxy.js';
import { temporaryFile } from '../../../process/temporary-file.js';
import {
  POLL_MS,
  startScene,
  stopByHand,
  type Scene,
  type SceneOptions,
} from '../../../servers/grpc/grpc-scene.js';

const PATH = '/v1/stream/download_config_specs';

interface StreamScene extends Scene {
  listen(query?: string, headers?: Record<string, string>): EventClient;
  ask(target: string, headers?: Record<string, string>): Promise<RawAnswer>;
}

async function start(t: TestContext, options: SceneOptions = {}): Promise<StreamScene> {
  const scene = await startScene(t, { mode: 'http', ...options });
  return {
    ...scene,
    listen: (query = '', headers = {}) => {
      const client = new EventClient(`${scene.proxy.url}${PATH}/${SDK_KEY}.json${query}`, headers);
      t.after(() => {
        client.close();
      });
      return client;
    },
    ask: (target, headers = {}) => rawRequest(scene.proxy.url + target, { headers }),
  };
}

function reasonOf({ text }: RawAnswer): string {
  return (JSON.parse(text) as { readonly reason: string }).reason;
}

test('a stream brings the spec, and each newer one, with the version as id', async (t) => {
  const scene = await start(t);
  for (const [query, api] of [
    ['', 'v1'],
    ['?v=2', 'v2'],
  ] as const) {
    const stream = scene.listen(query);
    const { time } = scene.origin.project;
    const text = scene.text(api);
    const first = await stream.received(1);
    assert.deepEqual(first, { event: 'init', data: text, id: String(time) });
    const next = await scene.update();
    assert.deepEqual(await stream.received(2), { event: 'update', data: scene.text(api), id: String(next) });
    const { headers, statusCode } = await stream.answer;
    assert.equal(statusCode, 200);
    assert.equal(headers['content-type'], 'text/event-stream');
    assert.equal(headers['cache-control'], 'no-cache, no-transform');
    assert.equal(headers['x-sfp-hostname'], 'test-replica');
    assert.equal(headers['access-control-allow-origin'], '*');
  }
});

test('with notify, events say which version there is, and no more', async (t) => {
  const scene = await start(t);
  const stream = scene.listen('?notify=1');
  const { time } = scene.origin.project;
  assert.deepEqual(await stream.received(1), { event: 'init', data: `{"lcut":${time}}`, id: String(time) });
  const next = await scene.update();
  assert.deepEqual(await stream.received(2), { event: 'update', data: `{"lcut":${next}}`, id: String(next) });
});

test('what a client saw last is told by Last-Event-ID, and before that by sinceTime', async (t) => {
  const scene = await start(t);
  const { time } = scene.origin.project;
  const current = { event: 'heartbeat', data: `{"lcut":${time}}`, id: String(time) };
  assert.deepEqual(await scene.listen(`?sinceTime=${time}`).received(1), current);
  const again = scene.listen('?sinceTime=1', { 'last-event-id': String(time) });
  assert.deepEqual(await again.received(1), current);
  const next = await scene.update();
  assert.deepEqual((await again.received(2)).id, String(next));
  const behind = scene.listen(`?sinceTime=${next}`, { 'last-event-id': String(time) });
  assert.equal((await behind.received(1)).event, 'init');
});

test('line breaks in a body are spaces on the wire, as they would end the event', async (t) => {
  const scene = await start(t);
  const pretty = `${JSON.stringify(JSON.parse(scene.text('v1')), null, 2).replace(/\n/g, '\r\n')}\r`;
  scene.origin.fault = (response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(pretty);
  const { data } = await scene.listen().received(1);
  assert.equal(data, pretty.replace(/[\r\n]/g, ' '));
  assert.deepEqual(JSON.parse(data), JSON.parse(pretty));
});

test('EventSource comes back with what it saw last when its connection breaks, and misses nothing', async (t) => {
  const scene = await start(t);
  const network = await startTcpProxy(t, Number(new URL(scene.proxy.url).port));
  const source = new EventSource(`http://127.0.0.1:${network.port}${PATH}/${SDK_KEY}.json?notify=1`);
  t.after(() => {
    source.close();
  });
  const seen: string[] = [];
  for (const name of ['init', 'update', 'heartbeat']) {
    source.addEventListener(name, (event) => seen.push(`${name} ${String((event as MessageEvent).data)}`));
  }
  const { time } = scene.origin.project;
  await eventually('first event', () => seen.length === 1);
  await network.cut();
  await eventually('end of the stream', async () => (await openStreams(scene)) === 0);
  const next = await scene.update();
  await network.heal();
  await eventually('what was missed', () => seen.length === 2);
  await network.cut();
  await network.heal();
  await eventually('nothing new', () => seen.length === 3);
  assert.deepEqual(seen, [`init {"lcut":${time}}`, `init {"lcut":${next}}`, `heartbeat {"lcut":${next}}`]);
});

test('over HTTP/2 it is the same', async (t) => {
  const { certificatePem, keyPem } = makeCertificate();
  const tls = ['--x509-server-cert-path', temporaryFile(t, certificatePem, 'tls.crt')];
  tls.push('--x509-server-key-path', temporaryFile(t, keyPem, 'tls.key'));
  const scene = await start(t, { args: tls });
  const session = connect(scene.proxy.httpsUrl, { ca: certificatePem });
  t.after(() => {
    session.destroy();
  });
  const call = session.request({ ':path': `${PATH}/${SDK_KEY}.json` });
  const reader = new EventReader();
  call.setEncoding('utf8').on('data', (text: string) => {
    reader.push(text);
  });
  await eventually('first event', () => reader.events.length === 1);
  assert.equal(reader.events[0]?.data, scene.text('v1'));
  const next = await scene.update();
  await eventually('second event', () => reader.events.length === 2);
  assert.equal(reader.events[1]?.id, String(next));
  call.close();
  await eventually('end of the stream', async () => (await openStreams(scene)) === 0);
});

async function openStreams(scene: Scene): Promise<number> {
  return (await scrape(scene.proxy.adminUrl)).sum('sfp_event_streams') ?? NaN;
}

test('strangers who open connections do not cost a client its stream', async (t) => {
  const scene = await start(t, { args: ['--http-connections-max', '8'] });
  const stream = scene.listen();
  await stream.received(1);
  const { hostname, port } = new URL(scene.proxy.url);
  for (let opened = 0; opened < 20; opened += 1) {
    const stranger = connectSocket(Number(port), hostname);
    t.after(() => stranger.destroy());
    stranger.on('error', () => undefined);
    await once(stranger, 'connect');
  }
  const closed = async (): Promise<number> => (await scene.status()).tables['httpConnections']?.reached ?? 0;
  await eventually('connections closed for others', async () => (await closed()) >= 12);
  const next = await scene.update();
  assert.equal((await stream.received(2)).id, String(next));
});

test('who cannot have a stream is told why', async (t) => {
  const scene = await start(t, { args: ['--event-streams-max', '1'] });
  const rows: readonly (readonly [string, number, string])[] = [
    [PATH, 400, 'sdk_key_missing'],
    [`${PATH}/a%20key`, 400, 'sdk_key_invalid'],
    [`${PATH}/${SDK_KEY}?v=3`, 400, 'request_invalid'],
  ];
  for (const [target, status, reason] of rows) {
    const answer = await scene.ask(target);
    assert.equal(answer.status, status, target);
    assert.equal(reasonOf(answer), reason, target);
  }
  const stream = scene.listen();
  await stream.received(1);
  const full = await scene.ask(`${PATH}/${SDK_KEY}`);
  assert.deepEqual([full.status, reasonOf(full)], [503, 'too_many_streams']);
  assert.equal(full.headers['retry-after'], '5');
  assert.equal(await openStreams(scene), 1);
  stream.close();
  await eventually('end of the stream', async () => (await openStreams(scene)) === 0);
  scene.origin.fault = REFUSING[401];
  const refused = await scene.ask(`${PATH}/secret-otherkey9876543210`);
  assert.deepEqual([refused.status, reasonOf(refused)], [401, 'key_refused']);
});

test('a stream of a key that is refused, and of a replica that stops, ends with the reason', async (t) => {
  const scene = await start(t, { args: ['--clear-datastore-on-unauthorized'] });
  const stream = scene.listen();
  await stream.received(1);
  scene.origin.fault = REFUSING[401];
  scene.clock.advance(POLL_MS);
  assert.equal(endOf(await within(stream.end(), 'end of the stream')), 'refused');
  scene.origin.fault = undefined;
  const other = new EventClient(`${scene.proxy.url}${PATH}/secret-otherkey9876543210`);
  await other.received(1);
  const stopped = stopByHand(scene.proxy, scene.clock);
  assert.equal(endOf(await other.end()), 'draining');
  await within(stopped, 'end of the proxy');
});

function endOf(event: { readonly event: string; readonly data: string } | undefined): string {
  assert.equal(event?.event, 'end');
  return (JSON.parse(event.data) as { readonly reason: string }).reason;
}

test('where tokens are set, a stream needs that of its key, for as long as it lasts', async (t) => {
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  const line = (name: string, scope: string): string => `${name} ${hash(`the-${name}-token`)} ${scope}`;
  const lines = [line('right', `sfp::${hash(SDK_KEY)}`), line('other', `sfp::${hash('other')}`)];
  const file = temporaryFile(t, `${lines.join('\n')}\n`);
  const scene = await start(t, { args: ['--tokens-file', file] });
  const target = `${PATH}/${SDK_KEY}`;
  assert.equal(reasonOf(await scene.ask(target)), 'token_missing');
  const wrong = await scene.ask(target, { authorization: 'Bearer the-other-token' });
  assert.deepEqual([wrong.status, reasonOf(wrong)], [403, 'scope_missing']);
  const stream = scene.listen('', { authorization: 'Bearer the-right-token' });
  await stream.received(1);
  writeFileSync(file, `${line('other', `sfp::${hash('other')}`)}\n`);
  scene.proxy.app.readFilesAgain();
  assert.equal(endOf(await stream.end()), 'token_expired');
  await eventually('end of the stream', async () => (await openStreams(scene)) === 0);
});
