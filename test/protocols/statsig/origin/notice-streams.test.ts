// Streams of notices from a real server: what stays behind of attempts that brought nothing.
import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { systemClock, type Clock } from '../../../../src/domain/clock.js';
import { createProxyPaths } from '../../../../src/protocols/statsig/proxy-path.js';
import { NoticeStreams } from '../../../../src/protocols/statsig/origin/notice-streams.js';
import { SPEC_V2 } from '../../../../src/protocols/statsig/resource-kinds.js';
import { eventually } from '../../../e2e/deadline.js';
import { createTestLog } from '../../../fakes/log-sink.js';
import { CLIENT_OPTIONS } from '../../../http-client/client-options.js';

const ATTEMPTS = 10;
/** A minute between two attempts is 60 ms. */
const HASTE = 1_000;
const HASTY_CLOCK: Clock = {
  nowMs: () => systemClock.nowMs(),
  monotonicMs: () => systemClock.monotonicMs(),
  schedule: (delayMs, run) => systemClock.schedule(delayMs / HASTE, run),
};

type Listening = Parameters<EventTarget['addEventListener']>;

test('attempts that are in vain leave nothing behind, however many there are', async (t) => {
  const signals = new Set<AbortSignal>();
  const listen = Reflect.get(EventTarget.prototype, 'addEventListener');
  t.mock.method(EventTarget.prototype, 'addEventListener', function (this: EventTarget, ...args: Listening) {
    if (this instanceof AbortSignal) signals.add(this);
    listen.call(this, ...args);
  });
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const streams = new NoticeStreams(HASTY_CLOCK, createTestLog(), {
    ...CLIENT_OPTIONS,
    connectTimeoutMs: CLIENT_OPTIONS.connectTimeoutMs * HASTE,
    headersTimeoutMs: CLIENT_OPTIONS.headersTimeoutMs * HASTE,
    endpoint: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    version: '1.2.3',
    path: createProxyPaths('test').specs,
  });
  const key = { sdkKey: 'secret-noticekey0123456789', kind: SPEC_V2, format: 'json' } as const;
  const end = streams.watch(key, { heard: () => undefined, live: () => undefined });
  t.after(async () => {
    end();
    await streams.close();
    server.closeAllConnections();
    server.close();
  });
  await eventually(`${ATTEMPTS} attempts`, () => asked >= ATTEMPTS);
  const listeners = [...signals].map((signal) => getEventListeners(signal, 'abort').length);
  assert.ok(Math.max(...listeners) < ATTEMPTS / 2, `${Math.max(...listeners)} listeners on one signal`);
});
