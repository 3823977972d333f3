// POST of log events: what is accepted and goes on as it came, and what SDKs are told where it is not.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { describe, it, test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { eventually } from '../../../e2e/deadline.js';
import { eventsOf } from '../../../fakes/event-origin.js';
import { SDK_KEY } from '../../../fakes/proxy.js';
import { batchText, customEvent, gateExposure } from '../log-events/event-bodies.js';
import { startEventScene, type EventScene } from '../log-events/event-scene.js';

const NOISE = 'x'.repeat(2 * 1024 * 1024);

interface ErrorText {
  readonly code: number;
  readonly reason: string;
}

test('a batch is answered with 202 and JSON, and goes on with the bytes and headers it came with', async (t) => {
  const { origin, send } = await startEventScene(t);
  const body = gzipSync(batchText([customEvent()]));
  const headers = {
    'content-type': 'application/json; charset=UTF-8',
    'content-encoding': 'gzip',
    'user-agent': 'an-sdk/1.0',
    'STATSIG-SDK-TYPE': 'statsig-node',
    'Statsig-SDK-Version': '6.5.2',
    'statsig-client-time': '1800000000000',
    'statsig-server-session-id': 'a-session',
    'statsig-event-count': '1',
    'x-other': 'stays here',
    cookie: 'stays=here',
  };
  const answer = await send('', { body, headers });
  assert.equal(answer.status, 202);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.text, '{"success":true}');
  await origin.took(1);
  const [delivery] = origin.taken;
  assert.equal(delivery?.url, '/v1/log_event');
  assert.deepEqual(delivery.body, body);
  assert.equal(delivery.sdkKey, SDK_KEY);
  assert.match(delivery.batchId, /^[0-9a-f-]{36}$/);
  for (const [name, value] of Object.entries(headers)) {
    const isKept = !['x-other', 'cookie'].includes(name);
    assert.equal(delivery.headers[name.toLowerCase()], isKept ? value : undefined, name);
  }
});

describe('a batch is accepted', () => {
  const accepted = async (scene: EventScene, ...sending: Parameters<EventScene['send']>): Promise<void> => {
    const { status, text } = await scene.send(...sending);
    assert.equal(status, 202, text);
  };

  it('by its other name, and goes on by the first', async (t) => {
    const scene = await startEventScene(t);
    await accepted(scene, 'a', { path: '/v1/rgstr' });
    await scene.origin.took(1);
    assert.equal(scene.origin.taken[0]?.url, '/v1/log_event');
  });

  it('with the key of a client SDK in the query, the rest of which goes on', async (t) => {
    const scene = await startEventScene(t);
    const path = '/v1/rgstr?k=client-abc&st=javascript-client&ec=1';
    await accepted(scene, 'a', { path, headers: { 'statsig-api-key': '' } });
    await scene.origin.took(1);
    const [delivery] = scene.origin.taken;
    assert.equal(delivery?.sdkKey, 'client-abc');
    assert.equal(delivery.url, '/v1/log_event?st=javascript-client&ec=1');
  });

  it('compressed by what the query says, where a browser can set no header', async (t) => {
    const scene = await startEventScene(t);
    const body = gzipSync(batchText([customEvent()]));
    await accepted(scene, '', { body, path: '/v1/rgstr?gz=1' });
    assert.equal((await scene.send('', { body, path: '/v1/rgstr' })).status, 400);
    await accepted(scene, '', { body: 'scrambled', path: '/v1/rgstr?se=1' });
  });

  for (const type of ['text/plain', 'application/json; charset=utf-8', 'nonsense', '']) {
    it(`whatever its type is called: '${type}'`, async (t) => {
      const scene = await startEventScene(t);
      await accepted(scene, 'a', { headers: { 'content-type': type } });
      await scene.origin.took(1);
      assert.equal(scene.origin.taken[0]?.headers['content-type'], type);
    });
  }

  it('in any encoding, one that cannot be looked into too', async (t) => {
    const scene = await startEventScene(t);
    const text = batchText([customEvent()]);
    const bodies = { br: brotliCompressSync(text), identity: Buffer.from(text), snappy: Buffer.from('?') };
    for (const [coding, body] of Object.entries(bodies)) {
      await accepted(scene, '', { body, headers: { 'content-encoding': coding } });
    }
    await scene.origin.took(3);
    assert.deepEqual(
      scene.origin.taken.map(({ headers, body }) => [headers['content-encoding'], body]),
      Object.entries(bodies),
    );
    const told = 'forwarding log events uninspected';
    assert.deepEqual(
      scene.proxy.logs.withMessage(told).map(({ reason, coding }) => [reason, coding]),
      [['coding', 'snappy']],
    );
  });

  it('in pieces without a length, as java sends it', async (t) => {
    const scene = await startEventScene(t);
    const outgoing = request(`${scene.proxy.url}/v1/log_event`, {
      method: 'POST',
      headers: { 'statsig-api-key': SDK_KEY, 'content-encoding': 'gzip' },
    });
    const body = gzipSync(batchText([customEvent()]));
    outgoing.write(body.subarray(0, 10));
    outgoing.end(body.subarray(10));
    const [response] = (await once(outgoing, 'response')) as [
      { readonly statusCode: number; resume(): void },
    ];
    response.resume();
    assert.equal(response.statusCode, 202);
    await scene.origin.took(1);
    assert.deepEqual(scene.origin.taken[0]?.body, body);
  });
});

describe('a batch is not accepted, and the SDK told', () => {
  const refused = async (
    scene: EventScene,
    code: number,
    reason: string,
    sending: Parameters<EventScene['send']>[1],
  ): Promise<void> => {
    const answer = await scene.send('a', sending);
    const body = JSON.parse(answer.text) as ErrorText;
    assert.deepEqual([answer.status, body.code, body.reason], [code, code, reason]);
    assert.equal(answer.headers['retry-after'] !== undefined, code === 503);
    assert.equal((await scene.status()).waiting.batches, 0);
    assert.equal(scene.origin.deliveries.length, 0);
  };

  it('400 without a key, or with one that is none', async (t) => {
    const scene = await startEventScene(t);
    await refused(scene, 400, 'sdk_key_missing', { headers: { 'statsig-api-key': '' } });
    await refused(scene, 400, 'sdk_key_invalid', { headers: { 'statsig-api-key': 'a/b' } });
    await refused(scene, 400, 'sdk_key_invalid', {
      headers: { 'statsig-api-key': '' },
      path: '/v1/log_event?k=%20',
    });
  });

  for (const body of ['', 'hello', '[]', '{"event":[]}', '{"events":"x"}']) {
    it(`400 for what is no batch: '${body}'`, async (t) => {
      await refused(await startEventScene(t), 400, 'body_invalid', { body });
    });
  }

  const args = ['--log-event-body-max-in-mib', '1', '--log-event-decoded-body-max-in-mib', '1'];

  it('503 for a body that is too large by its length, or in pieces, or decompressed', async (t) => {
    const scene = await startEventScene(t, args);
    const body = batchText([customEvent(NOISE)]);
    await refused(scene, 503, 'log_events_too_large', { body });
    await refused(scene, 503, 'log_events_too_large', { body, headers: { 'transfer-encoding': 'chunked' } });
    await refused(scene, 503, 'log_events_too_large', {
      body: gzipSync(body),
      headers: { 'content-encoding': 'gzip' },
    });
  });

  it('503 while more bodies arrive than there is room for, and 202 after that', async (t) => {
    const scene = await startEventScene(t, args);
    // Six that never end, a little under a megabyte each: four times the largest may arrive at one time, so whichever
    // comes last is refused.
    const refusals: (number | undefined)[] = [];
    const slow = Array.from({ length: 6 }, () => {
      const outgoing = request(`${scene.proxy.url}/v1/log_event`, {
        method: 'POST',
        headers: { 'statsig-api-key': SDK_KEY, 'content-length': 1_000_000 },
      });
      outgoing.on('error', () => undefined);
      outgoing.on('response', (answer) => {
        refusals.push(answer.statusCode);
        answer.resume();
      });
      outgoing.write(Buffer.alloc(900_000, ' '));
      return outgoing;
    });
    await eventually('refusal for want of room', () => refusals.length > 0);
    assert.deepEqual([...new Set(refusals)], [503]);
    for (const outgoing of slow) outgoing.destroy();
    await eventually('room', async () => (await scene.send('a')).status === 202);
  });

  it('503 while its key holds its share of the queue in batches, until the origin takes some', async (t) => {
    const scene = await startEventScene(t, ['--log-event-process-queue-size', '20']);
    scene.origin.verdict = () => 500;
    assert.equal((await scene.send('a')).status, 202);
    assert.equal((await scene.send('b')).status, 202);
    const answer = await scene.send('c');
    assert.equal(answer.status, 503);
    assert.equal((JSON.parse(answer.text) as ErrorText).reason, 'log_events_queue_full');
    assert.equal(answer.headers['retry-after'], '5');
    assert.equal((await scene.status()).turnedAway, 1);
    scene.origin.verdict = () => 202;
    await scene.clock.advanceInSteps(1_000, 100);
    await scene.origin.took(2);
    assert.equal((await scene.send('c')).status, 202);
    await scene.origin.took(3);
    assert.deepEqual(
      scene.origin.taken.flatMap(eventsOf).map(({ eventName }) => eventName),
      ['a', 'b', 'c'],
    );
  });

  it('503 while its key holds its share in bytes, which does not concern another key', async (t) => {
    const scene = await startEventScene(t, ['--log-event-queue-max-in-mib', '8']);
    scene.origin.verdict = () => 500;
    const body = batchText([customEvent('x'.repeat(700_000))]);
    assert.equal((await scene.send('', { body })).status, 202);
    assert.equal((await scene.send('', { body })).status, 503);
    const sdkKey = 'secret-anotherkey0123456789';
    assert.equal((await scene.send('small', { sdkKey })).status, 202);
    const { bytes } = (await scene.status()).waiting;
    const path = `/v1/log_event?a=${'x'.repeat(100)}`;
    assert.equal((await scene.send('small', { sdkKey, path, headers: { 'statsig-b': 'y' } })).status, 202);
    const more = (await scene.status()).waiting.bytes - bytes;
    assert.ok(more > 113 + 17 + 4 && more < 1000, `${more} bytes`);
  });

  it('503 while headers and queries fill it, however small the bodies are', async (t) => {
    const scene = await startEventScene(t, ['--log-event-queue-max-in-mib', '1']);
    scene.origin.verdict = () => 500;
    const path = `/v1/log_event?a=${'x'.repeat(12_000)}`;
    const statuses: number[] = [];
    for (let batch = 0; batch < 100; batch += 1) statuses.push((await scene.send('a', { path })).status);
    assert.ok(statuses.includes(503));
  });
});

test('whatever an SDK writes into its headers and query, the batch goes on', async (t) => {
  const scene = await startEventScene(t);
  let sent = 0;
  // Every character that may stand in a header, and whatever can be escaped in a query.
  const value = fc.string({
    unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
  });
  const clean = value.map((text) => text.replaceAll('\x7f', '').trim());
  await fc.assert(
    fc.asyncProperty(clean, fc.string(), async (header, query) => {
      const path = `/v1/log_event?a=${encodeURIComponent(query)}`;
      const headers = { 'statsig-any': header, 'user-agent': header, 'content-type': header };
      const answer = await scene.send('a', { headers, path });
      assert.equal(answer.status, 202, answer.text);
      sent += 1;
      await scene.origin.took(sent);
      const delivery = scene.origin.taken[sent - 1];
      assert.equal(delivery?.headers['statsig-any'], header);
      assert.equal(new URL(delivery.url, scene.origin.url).searchParams.get('a'), query);
    }),
    { numRuns: 50 },
  );
});

test('a client that breaks off leaves nothing behind', async (t) => {
  const scene = await startEventScene(t);
  const outgoing = request(`${scene.proxy.url}/v1/log_event`, {
    method: 'POST',
    headers: { 'statsig-api-key': SDK_KEY, 'content-length': 1000 },
  });
  outgoing.on('error', () => undefined);
  outgoing.write('{"events":[');
  await eventually('connection', () => outgoing.socket?.bytesWritten !== 0);
  outgoing.destroy();
  assert.equal((await scene.send('after')).status, 202);
  await scene.origin.took(1);
  assert.equal((await scene.status()).accepted, 1);
  assert.deepEqual(scene.proxy.logs.withMessage('a request failed here'), []);
});

for (const [name, headers, bytes, status] of [
  ['too large', { 'statsig-api-key': SDK_KEY }, 1_100_000, 503],
  ['of no key', {}, 1, 400],
] as const) {
  test(`an upload that is ${name} and goes on after its answer is cut after five seconds`, async (t) => {
    const scene = await startEventScene(t, ['--log-event-body-max-in-mib', '1']);
    const outgoing = request(`${scene.proxy.url}/v1/log_event`, { method: 'POST', headers });
    let isCut = false;
    outgoing.on('error', () => undefined).on('close', () => (isCut = true));
    outgoing.write(Buffer.alloc(bytes, ' '));
    const [response] = (await once(outgoing, 'response')) as [
      { readonly statusCode: number; resume(): void; on(event: 'error', listener: () => void): void },
    ];
    response.on('error', () => undefined);
    response.resume();
    assert.equal(response.statusCode, status);
    await scene.clock.advanceInSteps(4_900, 100);
    outgoing.write(' ');
    assert.equal(isCut, false);
    await eventually('cut', async () => {
      await scene.clock.advanceInSteps(100, 100);
      return isCut;
    });
  });
}

test('an exposure is sent once a minute, the rest of its batch as it was, with the count put right', async (t) => {
  const scene = await startEventScene(t);
  const headers = { 'statsig-event-count': '2' };
  await scene.send('', { body: batchText([gateExposure(), customEvent('one')]), headers });
  await scene.send('', { body: batchText([gateExposure(), customEvent('two')]), headers });
  await scene.send('', { body: batchText([gateExposure()]) });
  await scene.origin.took(2);
  const [first, second] = scene.origin.taken;
  assert.equal(first?.headers['statsig-event-count'], '2');
  assert.equal(second?.headers['statsig-event-count'], '1');
  assert.equal(second.headers['content-encoding'], 'gzip');
  assert.deepEqual(eventsOf(second), [customEvent('two')]);
  const { accepted, forwarded, deduplicated } = await scene.status();
  assert.deepEqual({ accepted, forwarded, deduplicated }, { accepted: 3, forwarded: 2, deduplicated: 2 });
  const told = scene.proxy.logs.lines.filter((line) => line['event'] === 'LogEventStoreDeduped');
  assert.deepEqual(
    told.map(({ events, sdkKey }) => [events, sdkKey]),
    [
      [1, 'secret-test***'],
      [1, 'secret-test***'],
    ],
  );
});

test('what is left of a batch whose coding the query names is named by the query too', async (t) => {
  const scene = await startEventScene(t);
  const body = gzipSync(batchText([gateExposure(), customEvent('one'), gateExposure()]));
  await scene.send('', { body, path: '/v1/rgstr?gz=1' });
  await scene.origin.took(1);
  const [delivery] = scene.origin.taken;
  assert.equal(delivery?.url, '/v1/log_event?gz=1');
  assert.equal(delivery.headers['content-encoding'], undefined);
  const events = eventsOf({ ...delivery, headers: { 'content-encoding': 'gzip' } });
  assert.deepEqual(events, [gateExposure(), customEvent('one')]);
});

test('an exposure whose batch was not accepted is not taken for sent', async (t) => {
  const scene = await startEventScene(t, ['--log-event-process-queue-size', '1']);
  scene.origin.verdict = () => 500;
  await scene.send('first');
  assert.equal((await scene.send('', { body: batchText([gateExposure()]) })).status, 503);
  scene.origin.verdict = () => 202;
  await scene.clock.advanceInSteps(1_000, 100);
  await scene.origin.took(1);
  assert.equal((await scene.send('', { body: batchText([gateExposure()]) })).status, 202);
  await scene.origin.took(2);
});

test('with --disable-log-event-dedupe every exposure is sent', async (t) => {
  const scene = await startEventScene(t, ['--disable-log-event-dedupe']);
  for (let turn = 0; turn < 2; turn += 1) await scene.send('', { body: batchText([gateExposure()]) });
  await scene.origin.took(2);
});

test('no key and no body stands in the log, whatever comes', async (t) => {
  const scene = await startEventScene(t);
  scene.origin.verdict = () => ({ status: 422, text: `{"error":"no such key ${SDK_KEY}"}` });
  await scene.send('private-name', { headers: { 'content-encoding': 'gzip' } });
  await scene.send('', { body: `{"events":"${SDK_KEY}"}` });
  await scene.proxy.logs.waitFor((line) => line['msg'] === 'log events are given up');
  assert.ok(!scene.proxy.logs.text.includes(SDK_KEY));
  assert.ok(!scene.proxy.logs.text.includes('private-name'));
});
