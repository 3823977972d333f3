// Specs and manifests as storage, mirrors and other tools send them: typed as anything, with a byte order mark or without.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { OutgoingHttpHeaders } from 'node:http';
import { brotliCompressSync } from 'node:zlib';
import { StatsigServer } from 'statsig-node';
import { demoV1, demoV2 } from '../../scripts/demo-specs.js';
import type { Fault } from '../fakes/origin-faults.js';
import { rawRequest } from '../fakes/raw-request.js';
import { startCoreSdk } from './core-sdk.js';
import { within } from './deadline.js';
import { GREETING, startScene, type Scene } from './scene.js';
import { newSdkKey } from './sdk-cases.js';

const MARK = '\ufeff';
const TYPES: readonly OutgoingHttpHeaders[] = [
  { 'content-type': 'application/octet-stream' },
  { 'content-type': 'text/plain; charset=utf-8' },
  { 'content-type': 'binary/octet-stream', 'content-encoding': 'br' },
  { 'content-type': 'application/octet-stream', 'content-encoding': 'br' },
  {},
];

/** The whole spec, in whatever form. */
function serving(before: string, headers: OutgoingHttpHeaders): Fault {
  return (response, project, api) => {
    const text = Buffer.from(before + JSON.stringify(api === 'v1' ? demoV1(project) : demoV2(project)));
    const body = headers['content-encoding'] === 'br' ? brotliCompressSync(text) : text;
    response.writeHead(200, { ...headers, 'content-length': body.length }).end(body);
  };
}

async function assertServes(t: TestContext, { proxy }: Scene): Promise<void> {
  const core = await startCoreSdk(t, proxy.url, newSdkKey());
  assert.deepEqual(core.init, { isSuccess: true, error: '' });
  assert.equal(core.greeting(), GREETING);
  const legacy = new StatsigServer(newSdkKey(), {
    api: `${proxy.url}/v1`,
    initStrategyForIDLists: 'none',
    initStrategyForIP3Country: 'none',
    disableAllLogging: true,
  });
  t.after(() => legacy.shutdownAsync());
  const { success } = await within(legacy.initializeAsync(), 'end of the initialisation');
  assert.equal(success, true);
  assert.equal(legacy.getConfig({ userID: 'u' }, 'demo_config').value['greeting'], GREETING);
}

for (const headers of TYPES) {
  for (const mark of ['', MARK]) {
    const name = `${JSON.stringify(headers)}${mark === '' ? '' : ' with a byte order mark'}`;
    test(`a JSON spec with the headers ${name} is taken, and SDKs can read it`, async (t) => {
      const scene = await startScene(t);
      scene.origin.fault = serving(mark, headers);
      await assertServes(t, scene);
      for (const encoding of ['identity', 'gzip', 'br']) {
        const url = `${scene.proxy.url}/v1/download_config_specs/${newSdkKey()}.json`;
        const answer = await rawRequest(url, { headers: { 'accept-encoding': encoding } });
        assert.equal(answer.status, 200);
        assert.equal(answer.headers['content-type'], 'application/json');
        if (encoding === 'identity') assert.equal(answer.text, JSON.stringify(demoV1(scene.origin.project)));
      }
    });
  }
}
