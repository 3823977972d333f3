// Log events on their way to the origin: what each answer means, and that no answer is an outcome too.
import assert from 'node:assert/strict';
import { describe, it, test, type TestContext } from 'node:test';
import { createEventClient } from '../../../../src/protocols/statsig/origin/event-client.js';
import type { DeliveryOutcome, EventOrigin } from '../../../../src/protocols/statsig/origin/event-origin.js';
import { eventually } from '../../../e2e/deadline.js';
import {
  startEventOrigin,
  type EventOrigin as FakeOrigin,
  type Verdict,
} from '../../../fakes/event-origin.js';
import { ManualClock } from '../../../fakes/manual-clock.js';
import { CLIENT_OPTIONS } from '../../../http-client/client-options.js';

interface Scene {
  readonly origin: FakeOrigin;
  readonly client: EventOrigin;
  readonly clock: ManualClock;
}

async function startScene(t: TestContext, path = ''): Promise<Scene> {
  const origin = await startEventOrigin();
  const clock = new ManualClock();
  const client = createEventClient(clock, {
    ...CLIENT_OPTIONS,
    endpoint: new URL(origin.url + path),
  });
  t.after(async () => {
    await client.close();
    await origin.close();
  });
  return { origin, client, clock };
}

const DELIVERY = {
  sdkKey: 'secret-a',
  batchId: 'a-batch',
  headers: { 'content-type': 'application/json', 'statsig-sdk-type': 'test' },
  query: '?st=test',
  body: Buffer.from('{"events":[]}'),
};

async function outcomeOf(t: TestContext, verdict: Verdict): Promise<DeliveryOutcome> {
  const { origin, client } = await startScene(t);
  origin.verdict = () => verdict;
  return await client.deliver(DELIVERY);
}

test('a delivery carries key, id, query and headers, and the path an endpoint may stand under', async (t) => {
  const { origin, client } = await startScene(t, '/under/');
  assert.deepEqual(await client.deliver(DELIVERY), { kind: 'taken' });
  const [delivery] = origin.deliveries;
  assert.equal(delivery?.url, '/under/v1/log_event?st=test');
  assert.deepEqual(delivery.body, DELIVERY.body);
  const { headers } = delivery;
  assert.equal(headers['statsig-api-key'], 'secret-a');
  assert.equal(headers['x-sfp-batch-id'], 'a-batch');
  assert.equal(headers['x-sfp-version'], '1.2.3');
  assert.equal(headers['user-agent'], 'spec-forward-proxy/1.2.3');
  assert.equal(headers['statsig-sdk-type'], 'test');
});

describe('the status decides', () => {
  for (const status of [200, 202, 204]) {
    it(`${status} is taken`, async (t) => {
      assert.deepEqual(await outcomeOf(t, { status, text: '' }), { kind: 'taken' });
    });
  }
  for (const status of [401, 403]) {
    it(`${status} is a refusal`, async (t) => {
      assert.deepEqual(await outcomeOf(t, status), { kind: 'refused', status });
    });
  }
  for (const status of [400, 404, 413, 422]) {
    it(`${status} says "never", and its text is told with keys masked`, async (t) => {
      const verdict = { status, text: `bad key secret-abcdefghijklmnop ${'x'.repeat(1000)}` };
      const outcome = await outcomeOf(t, verdict);
      assert.ok(outcome.kind === 'rejected' && outcome.status === status);
      assert.match(outcome.detail, /^bad key secret-abcd\*\*\* x+$/);
      assert.equal(outcome.detail.length, 200);
      assert.equal(outcome.isDoubtful, status === 404);
    });
  }
  for (const status of [301, 407, 408, 421, 425, 429, 500, 503]) {
    it(`${status} is for a while`, async (t) => {
      const outcome = await outcomeOf(t, { status, headers: { 'retry-after': '7' } });
      assert.deepEqual(outcome, {
        kind: 'failed',
        reason: `status_${status}`,
        detail: `HTTP status ${status}`,
        retryAfterMs: 7000,
      });
    });
  }
});

describe('an answer of something in between', () => {
  const foreign: Record<string, { readonly headers?: Record<string, string>; readonly text: string }> = {
    'a page by its type': { headers: { 'content-type': 'text/html; charset=utf-8' }, text: 'Log in' },
    'a compressed page': {
      headers: { 'content-type': 'text/html', 'content-encoding': 'gzip' },
      text: '\u001f\u008b',
    },
    'a page by its body': { text: '\ufeff\n  <!DOCTYPE html><title>Log in</title>' },
    'one of squid': { headers: { 'x-squid-error': 'ERR_ACCESS_DENIED 0' }, text: 'Access denied.' },
    'one of a load balancer of AWS': { headers: { server: 'awselb/2.0' }, text: '' },
    "one of AWS' firewall": { headers: { 'x-amzn-waf-action': 'captcha' }, text: '{}' },
    'one that wants a login': { headers: { 'proxy-authenticate': 'Basic' }, text: '{}' },
  };
  for (const [name, answer] of Object.entries(foreign)) {
    for (const status of [200, 202, 401, 403]) {
      it(`with ${status} is a failure: ${name}`, async (t) => {
        const outcome = await outcomeOf(t, { status, ...answer });
        assert.ok(outcome.kind === 'failed', outcome.kind);
        assert.equal(outcome.reason, 'foreign_answer');
      });
    }
    for (const status of [400, 404, 413]) {
      it(`with ${status} is not believed at once: ${name}`, async (t) => {
        const outcome = await outcomeOf(t, { status, ...answer });
        assert.ok(outcome.kind === 'rejected' && outcome.isDoubtful);
      });
    }
  }

  it("is not what the origin's own gateways add to its answers", async (t) => {
    const headers = { server: 'cloudflare', via: '1.1 google', 'cf-ray': 'x' };
    assert.deepEqual(await outcomeOf(t, { status: 202, headers, text: 'OK' }), { kind: 'taken' });
    assert.deepEqual(await outcomeOf(t, { status: 403, headers }), { kind: 'refused', status: 403 });
  });
});

test("the delivery's own key is masked in what the origin says, whatever it looks like", async (t) => {
  for (const sdkKey of ['my-team-key-0123456789', 'k.1', 'mysecret-abcdefghijklmnop', 'a'.repeat(256)]) {
    const { origin, client } = await startScene(t);
    origin.verdict = () => ({ status: 400, text: `no project for ${sdkKey} (${sdkKey})` });
    const outcome = await client.deliver({ ...DELIVERY, sdkKey });
    assert.ok(outcome.kind === 'rejected');
    assert.ok(
      outcome.detail.startsWith('no project for ') && !outcome.detail.includes(sdkKey),
      outcome.detail,
    );
  }
});

test('a body that breaks off or goes on for ever does not change what the status said', async (t) => {
  const endless: Verdict = (response) => {
    response.writeHead(400);
    response.write('x'.repeat(100_000));
  };
  const broken: Verdict = (response) => {
    response.writeHead(202, { 'content-length': '100' });
    response.write('{', () => response.socket?.destroy());
  };
  assert.equal((await outcomeOf(t, endless)).kind, 'rejected');
  assert.equal((await outcomeOf(t, broken)).kind, 'taken');
});

for (const [status, kind] of [
  [202, 'taken'],
  [403, 'refused'],
  [422, 'rejected'],
  [500, 'failed'],
] as const) {
  test(`a body that comes without end is waited for a second, and ${status} still means ${kind}`, async (t) => {
    const { origin, client, clock } = await startScene(t);
    let outcome: DeliveryOutcome | undefined;
    let isOver = false;
    origin.verdict = () => (response) => {
      response.on('close', () => (isOver = true));
      response.writeHead(status);
      response.write('{');
    };
    const delivered = client.deliver(DELIVERY).then((each) => (outcome = each));
    await origin.received(1);
    await clock.advanceInSteps(900, 100);
    assert.equal(outcome, undefined);
    await eventually('outcome', async () => {
      await clock.advanceInSteps(100, 100);
      return outcome !== undefined;
    });
    assert.equal((await delivered).kind, kind);
    assert.ok(clock.monotonicMs() < 30_000);
    await eventually('end of its connection', () => isOver);
  });
}

test('silence ends with the request timeout, a reset at once, and closing breaks off', async (t) => {
  const { origin, client, clock } = await startScene(t);
  origin.verdict = () => () => undefined;
  const silent = client.deliver(DELIVERY);
  await origin.received(1);
  clock.advance(30_000);
  assert.deepEqual(await silent, {
    kind: 'failed',
    reason: 'request_timeout',
    detail: 'no whole answer within 30000 ms',
  });
  origin.verdict = () => (response) => response.socket?.resetAndDestroy();
  const reset = await client.deliver(DELIVERY);
  assert.ok(reset.kind === 'failed' && reset.reason === 'connection_lost');
  origin.verdict = () => () => undefined;
  const closing = client.deliver(DELIVERY);
  await origin.received(3);
  await client.close();
  const closed = await closing;
  assert.ok(closed.kind === 'failed' && closed.reason === 'closed');
});
