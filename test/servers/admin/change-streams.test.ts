// Streams of changes on a real port: their first event, heartbeats, limits, readers that take nothing, and their end.
import assert from 'node:assert/strict';
import { createConnection } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Authority } from '../../../src/auth/authority.js';
import { TokenTable } from '../../../src/auth/token-table.js';
import { parseTokens } from '../../../src/config/access-config.js';
import { guard } from '../../../src/servers/admin/admin-access.js';
import { addApiRoutes } from '../../../src/servers/admin/api-routes.js';
import { ChangeLog } from '../../../src/servers/admin/change-log.js';
import {
  CHANGE_STREAMS_MAX,
  ChangeStreams,
  PENDING_BYTES_MAX,
} from '../../../src/servers/admin/change-streams.js';
import type { OperatorApi } from '../../../src/servers/admin/operator-api.js';
import { buildFastifyApp } from '../../../src/servers/http/fastify-app.js';
import { tokenLine } from '../../auth/issuer.js';
import { eventually } from '../../e2e/deadline.js';
import { EventClient } from '../../fakes/event-client.js';
import { httpBounds } from '../../fakes/http-bounds.js';
import { listenHttp } from '../../fakes/listening-app.js';
import { createTestLog } from '../../fakes/log-sink.js';
import { ManualClock } from '../../fakes/manual-clock.js';
import { rawRequest } from '../../fakes/raw-request.js';

interface Scene {
  readonly clock: ManualClock;
  readonly tokens: TokenTable;
  readonly changes: ChangeLog;
  readonly streams: ChangeStreams;
  readonly url: string;
  /** How often what is to be told was looked for. */
  readonly looks: () => number;
  readonly connect: (headers?: Readonly<Record<string, string>>) => EventClient;
}

const IN_A_MINUTE = '2027-01-15T08:01:00Z';
const TOKENS = [tokenLine('reader', 'sfp::read'), tokenLine('brief', 'sfp::read', IN_A_MINUTE)];

async function start(t: TestContext, tokens?: readonly string[]): Promise<Scene> {
  const clock = new ManualClock();
  const table = new TokenTable(parseTokens('tokens', (tokens ?? []).join('\n')).content);
  const authority = tokens && new Authority(clock, createTestLog(), { tokens: table, jwt: undefined });
  const changes = new ChangeLog('epoch');
  let looks = 0;
  const streams = new ChangeStreams(clock, changes, () => (looks += 1));
  const bounds = httpBounds();
  const http = buildFastifyApp(clock, createTestLog(), bounds);
  guard(http.app, authority);
  addApiRoutes(http.app, clock, { api: {} as OperatorApi, changes: streams, bodies: bounds.bodies });
  const { number } = await listenHttp(t, http, { connectionsMax: 1_000 });
  const url = `http://127.0.0.1:${number}/api/v1/events`;
  const clients: EventClient[] = [];
  t.after(() => {
    for (const client of clients) client.close();
  });
  return {
    clock,
    tokens: table,
    changes,
    streams,
    url,
    looks: () => looks,
    connect: (headers = {}) => {
      const client = new EventClient(url, headers);
      clients.push(client);
      return client;
    },
  };
}

function bearer(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}` };
}

test('a stream begins with word to load everything, has what comes, and goes on where it was cut', async (t) => {
  const { changes, connect, looks, streams } = await start(t);
  changes.publish('spec', { n: 1 });
  const first = connect();
  const reset = await first.received(1);
  assert.deepEqual([reset.event, reset.data, reset.id], ['reset', '{}', 'epoch-1']);
  assert.equal(looks(), 1);
  changes.publish('hold', { n: 2 });
  const second = await first.received(2);
  assert.deepEqual([second.event, second.data, second.id], ['hold', '{"n":2}', 'epoch-2']);
  first.close();
  await eventually('its end', () => streams.gauge.entries === 0);
  changes.publish('problem', { n: 3 });
  const again = connect({ 'last-event-id': second.id });
  assert.equal((await again.received(1)).data, '{"n":3}');
  const answer = await again.answer;
  assert.equal(answer.headers['content-type'], 'text/event-stream');
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  assert.match(String(answer.headers['cache-control']), /no-cache/);
});

test('heartbeats come while nothing happens, and no timer is left behind the last stream', async (t) => {
  const { clock, connect, streams, url } = await start(t);
  const scheduled = clock.scheduled;
  const socket = createConnection(Number(new URL(url).port), '127.0.0.1');
  let text = '';
  socket.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  socket.write('GET /api/v1/events HTTP/1.1\r\nhost: x\r\n\r\n');
  await eventually('its first event', () => text.includes('event: reset'));
  clock.advance(15_000);
  clock.advance(15_000);
  await eventually('two heartbeats', () => text.split(': heartbeat\n\n').length === 3);
  socket.destroy();
  await eventually('its end', () => streams.gauge.entries === 0);
  assert.equal(clock.scheduled, scheduled);
  const next = connect();
  await next.received(1);
  assert.equal(clock.scheduled, scheduled + 1);
});

test('there are so many places, and a stream that ends frees its own', async (t) => {
  const { clock, connect, streams, url } = await start(t);
  const clients = Array.from({ length: CHANGE_STREAMS_MAX }, () => connect());
  await Promise.all(clients.map((client) => client.received(1)));
  // For the rate of requests.
  clock.advance(5_000);
  const refused = await rawRequest(url);
  assert.equal(refused.status, 503);
  assert.match(refused.text, /too_many_streams/);
  assert.equal(refused.headers['retry-after'], '5');
  assert.deepEqual(streams.gauge, { entries: 100, entriesMax: 100, reached: 1 });
  clients[0]?.close();
  await eventually('a free place', () => streams.gauge.entries === 99);
  await connect().received(1);
});

test('a reader that takes nothing is cut off, and the others go on', async (t) => {
  const { changes, connect, streams, url } = await start(t);
  const reader = connect();
  await reader.received(1);
  const slow = createConnection(Number(new URL(url).port), '127.0.0.1');
  slow.on('error', () => undefined);
  slow.pause();
  slow.write('GET /api/v1/events HTTP/1.1\r\nhost: x\r\n\r\n');
  await eventually('both', () => streams.gauge.entries === 2);
  const text = 'x'.repeat(30_000);
  let sent = 1;
  // What the kernel buffers for it is taken, as far as anybody can tell.
  for (let bytes = 0; streams.gauge.entries === 2 && bytes < 64 * PENDING_BYTES_MAX; bytes += text.length) {
    changes.publish('audit', { text });
    sent += 1;
    if (sent % 8 === 0) await reader.received(sent);
  }
  assert.equal(streams.gauge.entries, 1);
  changes.publish('spec', { n: 'last' });
  assert.equal((await reader.received(sent + 1)).data, '{"n":"last"}');
  slow.destroy();
});

test('a stream ends with its token: at its time, and when its line leaves the file', async (t) => {
  const { clock, connect, streams, tokens } = await start(t, TOKENS);
  const [brief, reader] = [connect(bearer('brief')), connect(bearer('reader'))];
  await Promise.all([brief.received(1), reader.received(1)]);
  clock.advance(Date.parse(IN_A_MINUTE) - clock.nowMs());
  const end = await brief.end();
  assert.equal(end?.event, 'end');
  assert.equal((JSON.parse(end.data) as { reason: string }).reason, 'token_expired');
  assert.equal(reader.hasEnded, false);
  tokens.replace([]);
  assert.match((await reader.end())?.data ?? '', /token_expired/);
  await eventually('no streams', () => streams.gauge.entries === 0);
  assert.equal((await connect(bearer('reader')).answer).statusCode, 401);
});

test('at a stop every stream is told, and none is opened any more', async (t) => {
  const { connect, streams, url } = await start(t);
  const client = connect();
  await client.received(1);
  streams.drain();
  assert.match((await client.end())?.data ?? '', /"stopping"/);
  const refused = await rawRequest(url);
  assert.equal(refused.status, 503);
  assert.match(refused.text, /"stopping"/);
});

test('a page of another site takes no place', async (t) => {
  const { streams, url } = await start(t);
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
  ]) {
    const refused = await rawRequest(url, { headers });
    assert.equal(refused.status, 403, JSON.stringify(headers));
    assert.match(refused.text, /cross_site_request/);
  }
  assert.equal(streams.gauge.entries, 0);
});
