// Proxies in two layers: ours behind ours, ours behind an SFP, and an SFP behind ours. What travels through, and what is found to go in a circle.
import assert from 'node:assert/strict';
import { describe, it, test, type TestContext } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { demoProtobuf, demoV1 } from '../../scripts/demo-specs.js';
import { eventsOf, startEventOrigin } from '../fakes/event-origin.js';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';
import { freePort } from '../fakes/free-port.js';
import { startIdListOrigin } from '../fakes/id-list-origin.js';
import { inRealTime, ManualClock } from '../fakes/manual-clock.js';
import { startProxy, type TestProxy } from '../fakes/proxy.js';
import { rawRequest, type RawAnswer } from '../fakes/raw-request.js';
import { startSfpProxy } from '../fakes/sfp-proxy.js';
import { eventually } from './deadline.js';
import { manifestOf } from './id-list-scene.js';

const KEY = 'secret-layered0123456789';
const V1 = `/v1/download_config_specs/${KEY}.json`;
const PROTOBUF = `/v2/download_config_specs/${KEY}.json?supports_proto=true`;
/** By hand-turned clocks a poll is one jump, which must not be a timeout to what it starts. */
const PATIENT = ['--http-request-timeout-in-s', '60', '--http-read-timeout-in-s', '60'];
const INTERVAL_MS = 10_000;

/** A proxy of one layer. */
interface Layer {
  readonly url: string;
  /** Once, everything that was asked for; resolves when the answers may still be on their way. */
  poll(): void | Promise<void>;
}

interface OurLayer extends Layer {
  readonly proxy: TestProxy;
  readonly clock: ManualClock;
}

type StartLayer = (t: TestContext, origin: string, eventOrigin: string) => Promise<Layer>;

async function startOurs(t: TestContext, origin: string, eventOrigin: string): Promise<OurLayer> {
  const clock = new ManualClock();
  const args = [...PATIENT, '--id-lists-polling-interval-in-s', '10'];
  const proxy = await startProxy({ origin, eventOrigin, clock, args });
  t.after(() => inRealTime(clock, proxy.app.stop()));
  const poll = (): void => {
    clock.advance(INTERVAL_MS);
  };
  return { url: proxy.url, proxy, clock, poll };
}

const startSfp: StartLayer = (t, origin) => startSfpProxy(t, origin);

const PAIRS: Readonly<Record<string, readonly [back: StartLayer, front: StartLayer]>> = {
  'ours behind ours': [startOurs, startOurs],
  'ours behind an SFP': [startSfp, startOurs],
  'an SFP behind ours': [startOurs, startSfp],
};

interface Layers {
  readonly origin: FakeOrigin;
  readonly back: Layer;
  readonly front: Layer;
  /** What a client of the front is answered. */
  readonly ask: (path: string, headers?: Record<string, string>) => Promise<RawAnswer>;
  /** A poll of the back, and then of the front, until the front answers as wanted. */
  readonly polledUntil: (
    what: string,
    path: string,
    isWanted: (answer: RawAnswer) => boolean,
  ) => Promise<void>;
}

async function startLayers(
  t: TestContext,
  [startBack, startFront]: readonly [StartLayer, StartLayer],
): Promise<Layers> {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  const back = await startBack(t, origin.url, origin.url);
  const front = await startFront(t, back.url, back.url);
  const ask = (path: string, headers: Record<string, string> = {}): Promise<RawAnswer> =>
    rawRequest(front.url + path, { headers });
  return {
    origin,
    back,
    front,
    ask,
    polledUntil: async (what, path, isWanted) => {
      await eventually(what, async () => {
        await back.poll();
        await front.poll();
        return isWanted(await ask(path));
      });
    },
  };
}

function decoded({ headers, bytes }: RawAnswer): Buffer {
  const coding = headers['content-encoding'] ?? '';
  if (coding === 'gzip') return gunzipSync(bytes);
  return coding.endsWith('br') ? brotliDecompressSync(bytes) : bytes;
}

function reasonOf({ text }: RawAnswer): { readonly reason: string; readonly origin?: string } {
  return JSON.parse(text) as { readonly reason: string; readonly origin?: string };
}

for (const [name, pair] of Object.entries(PAIRS)) {
  describe(name, { concurrency: true }, () => {
    it('specs travel through, whole or as no updates, and so does an update', async (t) => {
      const { origin, ask, polledUntil } = await startLayers(t, pair);
      const first = await ask(V1, { 'accept-encoding': 'gzip' });
      assert.equal(first.status, 200);
      assert.deepEqual(JSON.parse(decoded(first).toString()), demoV1(origin.project));
      const protobuf = await ask(PROTOBUF, { 'accept-encoding': 'statsig-br, gzip, deflate, br' });
      assert.equal(protobuf.headers['content-encoding'], 'statsig-br');
      assert.equal(protobuf.headers['content-type'], 'application/octet-stream');
      assert.ok(protobuf.bytes.equals(demoProtobuf(origin.project)));
      for (const path of [`${V1}?`, `${PROTOBUF}&`]) {
        const current = await ask(`${path}sinceTime=${origin.project.time}`);
        assert.equal(current.text, '{"has_updates":false}');
        assert.equal(current.headers['x-cache-hit'], 'true');
        assert.equal(current.headers['x-since-time'], String(origin.project.time));
      }
      const { time } = origin.project;
      origin.project = { time: time + 60_000, isGateOpen: false, greeting: 'later' };
      for (const path of [`${V1}?`, `${PROTOBUF}&`]) {
        const isLater = ({ headers }: RawAnswer): boolean =>
          headers['x-since-time'] === String(time + 60_000) && headers['x-cache-hit'] === undefined;
        await polledUntil('update', `${path}sinceTime=${time}`, isLater);
      }
      assert.deepEqual(JSON.parse(decoded(await ask(V1)).toString()), demoV1(origin.project));
      for (const { url } of origin.requests) assert.doesNotMatch(url, /accept_deltas|checksum/);
    });

    it('ID lists travel through', async (t) => {
      const origin = await startIdListOrigin(t);
      const project = origin.addProject(KEY);
      const list = project.addList('list_1', 'alice');
      const back = await pair[0](t, origin.url, origin.url);
      const front = await pair[1](t, back.url, back.url);
      const fileBytes = async (): Promise<Buffer> => {
        const { url } = (await manifestOf(front, KEY))['list_1'] ?? assert.fail('no list');
        return (await rawRequest(url, { headers: { range: 'bytes=0-' } })).bytes;
      };
      assert.deepEqual(await fileBytes(), list.file.bytes);
      list.add('bob');
      const grown = list.file.bytes.length;
      await eventually('growth', async () => {
        await back.poll();
        await front.poll();
        return (await manifestOf(front, KEY))['list_1']?.size === grown;
      });
      assert.deepEqual(await fileBytes(), list.file.bytes);
    });

    it('log events travel through', async (t) => {
      const events = await startEventOrigin();
      t.after(() => events.close());
      const back = await pair[0](t, events.url, events.url);
      const front = await pair[1](t, back.url, back.url);
      const body = JSON.stringify({ events: [{ eventName: 'bought', time: 1_750_000_000_000 }] });
      const headers = { 'statsig-api-key': KEY, 'content-type': 'application/json' };
      const answer = await rawRequest(`${front.url}/v1/log_event`, { method: 'POST', headers, body });
      assert.equal(answer.status, 202);
      await events.took(1);
      const [delivery] = events.deliveries;
      assert.equal(delivery?.sdkKey, KEY);
      assert.deepEqual(
        eventsOf(delivery).map(({ eventName }) => eventName),
        ['bought'],
      );
    });
  });
}

describe('a key is refused by the origin only', { concurrency: true }, () => {
  it('its 401 and 403 come through a proxy of ours', async (t) => {
    const { origin, back, ask } = await startLayers(t, PAIRS['ours behind ours'] ?? assert.fail());
    origin.refusedKeys.add(KEY);
    for (const answer of [await ask(V1), await rawRequest(back.url + V1)]) {
      assert.equal(answer.status, 401);
      assert.equal(reasonOf(answer).reason, 'key_refused');
    }
  });

  it('an outage is a 503 in front of a proxy of ours', async (t) => {
    const { origin, back, ask } = await startLayers(t, PAIRS['ours behind ours'] ?? assert.fail());
    origin.fault = (response) => response.writeHead(500).end('{"error":"401 Unauthorized"}');
    const [front, behind] = [await ask(V1), await rawRequest(back.url + V1)];
    assert.deepEqual([front.status, reasonOf(front).origin], [503, 'status_503']);
    assert.deepEqual([behind.status, reasonOf(behind).origin], [503, 'status_500']);
  });

  it('an SFP answers an outage with 401, which is no refusal; what is held stays', async (t) => {
    const origin = await startFakeOrigin();
    t.after(() => origin.close());
    const sfp = await startSfpProxy(t, origin.url);
    const front = await startProxy({
      origin: sfp.url,
      args: ['-p', '1', '--clear-datastore-on-unauthorized'],
    });
    t.after(() => front.app.stop());
    assert.equal((await rawRequest(front.url + V1)).status, 200);
    origin.fault = (response) => response.writeHead(500).end();
    const cold = await rawRequest(`${front.url}/v1/download_config_specs/secret-other0123456789.json`);
    assert.deepEqual([cold.status, reasonOf(cold).origin], [503, 'foreign_answer']);
    // An SFP that was started again has nothing.
    const empty = await startSfpProxy(t, origin.url);
    const restarted = await startProxy({ origin: empty.url });
    t.after(() => restarted.app.stop());
    const answer = await rawRequest(restarted.url + V1);
    assert.deepEqual([answer.status, reasonOf(answer).origin], [503, 'foreign_answer']);
  });
});

test('the age of a spec counts from the confirmation of the origin, through every layer', async (t) => {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  const back = await startOurs(t, origin.url, origin.url);
  const middle = await startOurs(t, back.url, back.url);
  const front = await startOurs(t, middle.url, middle.url);
  const ageAt = async ({ url }: Layer): Promise<number> =>
    Number((await rawRequest(url + V1)).headers['age']);
  back.clock.advance(3_000);
  assert.equal(await ageAt(front), 0);
  origin.fault = (response) => response.writeHead(500).end();
  back.clock.advance(60_000);
  assert.equal(await ageAt(back), 60);
  // Cold in front: the age comes with the first answer.
  const late = await startOurs(t, middle.url, middle.url);
  middle.clock.advance(INTERVAL_MS);
  await eventually('poll in the middle', async () => (await ageAt(middle)) >= 60);
  const inTheMiddle = await ageAt(middle);
  assert.ok(inTheMiddle >= 60 && inTheMiddle <= 70, String(inTheMiddle));
  assert.equal(await ageAt(late), inTheMiddle);
  front.clock.advance(INTERVAL_MS);
  await eventually('poll in front', async () => (await ageAt(front)) >= inTheMiddle);
  front.clock.advance(5_000);
  const status = await rawRequest(`${front.proxy.adminUrl}/status`);
  const { oldestConfirmedAgoS } = (JSON.parse(status.text) as { specs: { oldestConfirmedAgoS: number } })
    .specs;
  assert.ok(oldestConfirmedAgoS >= inTheMiddle + 5, String(oldestConfirmedAgoS));
  // The origin is back: in every layer the age falls again.
  origin.fault = undefined;
  await eventually('confirmation', async () => {
    for (const layer of [back, middle, front]) layer.clock.advance(INTERVAL_MS);
    return (await ageAt(front)) < 60;
  });
});

describe('a way that leads back is refused, and told', { concurrency: true }, () => {
  async function startAt(
    t: TestContext,
    port: number,
    origin: string,
    eventOrigin = origin,
  ): Promise<TestProxy> {
    const proxy = await startProxy({ origin, eventOrigin, args: ['--http-port', String(port)] });
    t.after(() => proxy.app.stop());
    return proxy;
  }

  it('to the proxy itself', async (t) => {
    const port = await freePort();
    const proxy = await startAt(t, port, `http://127.0.0.1:${port}`);
    const answer = await rawRequest(proxy.url + V1);
    assert.deepEqual([answer.status, reasonOf(answer).origin], [503, 'status_508']);
    const lists = { method: 'POST', headers: { 'statsig-api-key': KEY }, body: '{}' };
    const manifest = await rawRequest(`${proxy.url}/v1/get_id_lists`, lists);
    assert.deepEqual([manifest.status, reasonOf(manifest).origin], [503, 'status_508']);
  });

  it('through another proxy', async (t) => {
    const [one, other] = [await freePort(), await freePort()];
    const front = await startAt(t, one, `http://127.0.0.1:${other}`);
    const back = await startAt(t, other, `http://127.0.0.1:${one}`);
    const answer = await rawRequest(front.url + V1);
    assert.deepEqual([answer.status, reasonOf(answer).origin], [503, 'status_503']);
    const { reason } = back.logs.lines.find(({ msg }) => /^origin failing/.test(String(msg))) ?? {};
    assert.equal(reason, 'status_508');
  });

  it('with a batch of log events, which stays where the loop is found', async (t) => {
    const [one, other] = [await freePort(), await freePort()];
    const front = await startAt(t, one, `http://127.0.0.1:${other}`);
    const back = await startAt(t, other, `http://127.0.0.1:${one}`);
    const body = JSON.stringify({ events: [{ eventName: 'bought' }] });
    const headers = { 'statsig-api-key': KEY };
    const answer = await rawRequest(`${front.url}/v1/log_event`, { method: 'POST', headers, body });
    assert.equal(answer.status, 202);
    const waitingAt = async ({ adminUrl }: TestProxy): Promise<unknown> => {
      const { text } = await rawRequest(`${adminUrl}/status`);
      return (JSON.parse(text) as { logEvents: { waiting: { batches: unknown } } }).logEvents.waiting.batches;
    };
    await eventually('batch at the back', async () => (await waitingAt(back)) === 1);
    await eventually('end of it in front', async () => (await waitingAt(front)) === 0);
    await eventually('refusal', () =>
      back.logs.lines.some((line) => JSON.stringify(line).includes('status_508')),
    );
    assert.deepEqual([await waitingAt(back), await waitingAt(front)], [1, 0]);
  });

  it('and not where proxies are only in front of each other, or anybody names some', async (t) => {
    const origin = await startFakeOrigin();
    t.after(() => origin.close());
    const { proxy } = await startOurs(t, origin.url, origin.url);
    const names = Array.from({ length: 40 }, (_none, index) => {
      return `1.1 spec-forward-proxy-${String(index).padStart(16, '0')}`;
    });
    const vias = ['1.1 varnish, 1.0 "fred" (x)', `${names.join(', ')}, 1.1 google`, ','.repeat(2_000)];
    for (const via of vias)
      assert.equal((await rawRequest(proxy.url + V1, { headers: { via } })).status, 200);
    await rawRequest(`${proxy.url}/v2/download_config_specs/${KEY}.json`);
    const via = String(origin.requests.at(-1)?.headers['via']);
    // The last eight that asked, and the proxy itself: no word of others.
    assert.match(via, /^(?:1\.1 spec-forward-proxy-[0-9a-f]{16}, ){8}1\.1 spec-forward-proxy-[0-9a-f]{16}$/);
    assert.match(via, /-0{14}39, 1\.1 spec-forward-proxy-[0-9a-f]{16}$/);
  });
});
