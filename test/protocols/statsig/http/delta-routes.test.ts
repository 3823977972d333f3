// The route of deltas: what an SFP in front is told, so that it goes on with whole specs; the origin hears of none of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFakeOrigin } from '../../../fakes/fake-origin.js';
import { SDK_KEY, startProxy } from '../../../fakes/proxy.js';
import { rawRequest } from '../../../fakes/raw-request.js';

test('deltas are answered as by an SFP whose deltas are off', async (t) => {
  const origin = await startFakeOrigin();
  const proxy = await startProxy({ origin: origin.url });
  t.after(async () => {
    await proxy.app.stop();
    await origin.close();
  });
  const url = `${proxy.url}/v2/download_config_specs_deltas/${SDK_KEY}.json`;
  for (const [query, status, headers] of [
    ['', 400, {}],
    ['?sinceTime=5', 400, {}],
    ['?supports_proto=true', 400, {}],
    ['?supports_proto=true&sinceTime=', 400, {}],
    ['?supports_proto=true&sinceTime=abc', 400, {}],
    ['?supports_proto=true&sinceTime=0', 400, {}],
    ['?supports_proto=true&sinceTime=1&sinceTime=2', 400, {}],
    ['?supports_proto=true&sinceTime=1750000000000', 503, {}],
    ['?sinceTime=1750000000000', 503, { 'statsig-supports-proto': 'true' }],
  ] as const) {
    const answer = await rawRequest(url + query, { headers });
    assert.equal(answer.status, status, query);
    assert.match(answer.headers['content-type'] ?? '', /^text\/plain/);
    assert.ok(answer.text.length > 0 && !answer.text.includes(SDK_KEY));
  }
  const bare = await rawRequest(`${proxy.url}/v1/download_config_specs_deltas/${SDK_KEY}.json`);
  assert.equal(bare.status, 404, 'v1 never had them');
  assert.equal(origin.requests.length, 0);
});
