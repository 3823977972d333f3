// Remote values through proxies in two layers: proved by both, asked for once, named to the origin by Via, and refused in a circle.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { freePort } from '../fakes/free-port.js';
import { startProxy, SDK_KEY, type TestProxy } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { startSfpProxy } from '../fakes/sfp-proxy.js';
import {
  ask,
  isTakenBySdk,
  SDK_HEADERS,
  servedVersion,
  value,
  ValueScene,
} from '../protocols/statsig/remote-values/value-scene.js';
import { eventually } from './deadline.js';

const NOT_FETCHED = 'remote value was not fetched';

async function startInFront(
  t: TestContext,
  origin: string,
  args: readonly string[] = [],
): Promise<TestProxy> {
  const proxy = await startProxy({ origin, args });
  t.after(() => proxy.app.stop());
  return proxy;
}

function reasonsIn({ logs }: TestProxy): unknown[] {
  return logs.withMessage(NOT_FETCHED).map(({ reason }) => reason);
}

describe('remote values in two layers', { concurrency: true }, () => {
  it('travel through ours behind ours, and are asked for once, with the names of both', async (t) => {
    const scene = await ValueScene.start(t);
    const named = value('named');
    scene.offer(named);
    const published = scene.publish(named);
    const back = await scene.startProxy();
    const front = await startInFront(t, back.url);
    assert.equal(await servedVersion(front), published);
    assert.equal(await servedVersion(front, '/v1/download_config_specs'), published);
    for (const encoding of ['gzip', 'br', 'identity']) {
      const answer = await ask(front, named.sha256, { ...SDK_HEADERS, 'accept-encoding': encoding });
      assert.equal(isTakenBySdk(answer, named), true, encoding);
      assert.equal(answer.headers.etag, `"${named.sha256}"`);
    }
    assert.equal(scene.asked(named), 1);
    const request = scene.origin.requests.find(({ url }) => url.endsWith(named.sha256));
    assert.match(
      String(request?.headers['via']),
      /^1\.1 spec-forward-proxy-[0-9a-f]{16}, 1\.1 spec-forward-proxy-[0-9a-f]{16}$/,
    );
    assert.equal(request?.headers['statsig-api-key'], SDK_KEY);
  });

  it('that the origin does not have, or fails to give, are the same in front', async (t) => {
    const scene = await ValueScene.start(t);
    const back = await scene.startProxy();
    const front = await startInFront(t, back.url);
    assert.equal((await ask(front, value('unknown').sha256)).status, 404);
    const wrong = value('wrong');
    scene.offer(wrong);
    scene.origin.valueFault = (response) => response.end('{"text":"another"}');
    const answer = await ask(front, wrong.sha256);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.deepEqual(reasonsIn(back), ['digest_differs']);
    assert.deepEqual(reasonsIn(front), ['status_503']);
  });

  it('are not to be had through an SFP, which says so, while its specs are served', async (t) => {
    const scene = await ValueScene.start(t);
    const sfp = await startSfpProxy(t, scene.origin.url);
    const front = await startInFront(t, sfp.url);
    const published = await servedVersion(front);
    assert.equal(published, scene.origin.project.time);
    const named = value('named');
    scene.offer(named);
    const answer = await ask(front, named.sha256);
    assert.equal(answer.status, 404);
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.equal(scene.asked(named), 0);
    assert.deepEqual(reasonsIn(front), [], 'that it has none is no fault of it');
  });
});

describe('a way of remote values that leads back is refused, and told', { concurrency: true }, () => {
  async function startAt(t: TestContext, port: number, originPort: number): Promise<TestProxy> {
    return startInFront(t, `http://127.0.0.1:${originPort}`, ['--http-port', String(port)]);
  }

  it('to the proxy itself', async (t) => {
    const port = await freePort();
    const proxy = await startAt(t, port, port);
    const answer = await ask(proxy, value('looking').sha256);
    assert.equal(answer.status, 503);
    assert.deepEqual(reasonsIn(proxy), ['status_508']);
  });

  it('through another proxy', async (t) => {
    const [one, other] = [await freePort(), await freePort()];
    const front = await startAt(t, one, other);
    const back = await startAt(t, other, one);
    const answer = await ask(front, value('looking').sha256);
    assert.equal(answer.status, 503);
    await eventually('line of the back', () => reasonsIn(back).length > 0);
    assert.deepEqual([reasonsIn(back), reasonsIn(front)], [['status_508'], ['status_503']]);
  });

  it('and Via of others is none of it', async (t) => {
    const scene = await ValueScene.start(t);
    const named = value('named');
    scene.offer(named);
    const proxy = await scene.startProxy();
    const headers = { via: '1.1 varnish, 1.1 spec-forward-proxy-0123456789abcdef' };
    assert.equal(isTakenBySdk(await ask(proxy, named.sha256, headers), named), true);
    const path = `${proxy.url}/v1/dynamic_config_value/${named.sha256}`;
    assert.equal((await rawRequest(path, { headers })).status, 200);
    const via = String(scene.origin.requests.at(-1)?.headers['via']);
    assert.match(via, /^1\.1 spec-forward-proxy-0123456789abcdef, 1\.1 spec-forward-proxy-[0-9a-f]{16}$/);
  });
});
