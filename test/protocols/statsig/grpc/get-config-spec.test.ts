// getConfigSpec as SDKs call it: which spec comes, byte for byte, and which status and words where none does.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Client, credentials, status, type ServiceError } from '@grpc/grpc-js';
import { within } from '../../../e2e/deadline.js';
import { inRealTime } from '../../../fakes/manual-clock.js';
import { NO_UPDATES } from '../../../fakes/grpc-client.js';
import { FAILING, REFUSING } from '../../../fakes/origin-faults.js';
import { SDK_KEY } from '../../../fakes/proxy.js';
import { startScene } from '../../../servers/grpc/grpc-scene.js';

describe('getConfigSpec', () => {
  for (const [version, api] of [
    [undefined, 'v1'],
    [0, 'v1'],
    [1, 'v1'],
    [2, 'v2'],
  ] as const) {
    it(`gives the ${api} spec to version ${String(version)}, byte for byte, with its time and the replica's name`, async (t) => {
      const scene = await startScene(t);
      const request = version === undefined ? { sdkKey: SDK_KEY } : { sdkKey: SDK_KEY, version };
      const { code, reply, metadata } = await scene.client().getConfigSpec(request);
      assert.equal(code, status.OK);
      assert.equal(reply?.spec, scene.text(api));
      assert.equal(reply.lastUpdated, scene.origin.project.time);
      assert.deepEqual(metadata.get('x-sfp-hostname'), ['test-replica']);
      assert.match(scene.origin.requests[0]?.url ?? '', new RegExp(`^/${api}/download_config_specs/`));
    });
  }

  it('gives text beyond ASCII as it came', async (t) => {
    const scene = await startScene(t);
    scene.origin.project = { ...scene.origin.project, greeting: 'grüß 你好 👋 \u0000 "quoted"' };
    const { reply } = await scene.client().getConfigSpec({ sdkKey: SDK_KEY, version: 2 });
    assert.equal(reply?.spec, scene.text('v2'));
  });

  it('refuses version 3 with INVALID_ARGUMENT and asks nothing of the origin', async (t) => {
    const scene = await startScene(t);
    const { code, details } = await scene.client().getConfigSpec({ sdkKey: SDK_KEY, version: 3 });
    assert.equal(code, status.INVALID_ARGUMENT);
    assert.match(details, /version.*1.*2/);
    assert.deepEqual(scene.origin.requests, []);
  });

  it('tells a current client that there is no update, and one that is behind all', async (t) => {
    const scene = await startScene(t);
    const client = scene.client();
    const { time } = scene.origin.project;
    for (const sinceTime of [time, time + 1]) {
      const { code, reply, metadata } = await client.getConfigSpec({ sdkKey: SDK_KEY, sinceTime });
      assert.equal(code, status.OK);
      assert.deepEqual(
        { spec: reply?.spec, lastUpdated: reply?.lastUpdated },
        { spec: NO_UPDATES, lastUpdated: time },
      );
      assert.deepEqual(metadata.get('x-sfp-hostname'), ['test-replica']);
    }
    for (const sinceTime of [0, time - 1]) {
      const { reply } = await client.getConfigSpec({ sdkKey: SDK_KEY, sinceTime });
      assert.equal(reply?.spec, scene.text('v1'));
    }
  });

  for (const [name, sdkKey, words] of [
    ['no key', '', /No SDK key/],
    ['a key with a slash', 'secret-../../other', /SDK key has/],
    ['a key of multi-byte characters', 'secret-密钥密钥密钥密钥密钥密钥🔑', /SDK key has/],
    ['a key of 300 characters', `secret-${'k'.repeat(293)}`, /256/],
  ] as const) {
    it(`answers ${name} with INVALID_ARGUMENT, says why, and asks nothing of the origin`, async (t) => {
      const scene = await startScene(t);
      const client = scene.client();
      const { code, details } = await client.getConfigSpec({ sdkKey });
      assert.equal(code, status.INVALID_ARGUMENT);
      assert.match(details, words);
      const streamed = await client.stream({ sdkKey }).end();
      assert.deepEqual({ code: streamed.code, details: streamed.details }, { code, details });
      assert.deepEqual(scene.origin.requests, []);
    });
  }

  it('answers a request without any field with INVALID_ARGUMENT', async (t) => {
    const scene = await startScene(t);
    const { code, details } = await scene.client().getConfigSpec({});
    assert.equal(code, status.INVALID_ARGUMENT);
    assert.match(details, /sdkKey/);
  });

  it('answers a key whose bytes are no UTF-8 with INVALID_ARGUMENT', async (t) => {
    const scene = await startScene(t);
    const error = await sendBytes(t, scene.proxy.grpcAddress, Buffer.from([0x0a, 3, 0xff, 0xfe, 0x80]));
    assert.equal(error?.code, status.INVALID_ARGUMENT);
    assert.deepEqual(scene.origin.requests, []);
  });

  for (const [name, fault] of Object.entries({
    'a 500': FAILING.status_500,
    'a timeout': FAILING['headers_timeout of a silent origin'],
    'HTML with 200': FAILING['not_json HTML with 200'],
    'a 500 whose text says 401': FAILING['status_500 whose text says 401'],
  })) {
    it(`answers UNAVAILABLE for a cold key while the origin answers with ${name}`, async (t) => {
      const scene = await startScene(t, { args: ['--http-read-timeout-in-s', '1'] });
      scene.origin.fault = fault;
      const client = scene.client();
      const { code, details } = await inRealTime(scene.clock, client.getConfigSpec({ sdkKey: SDK_KEY }));
      assert.equal(code, status.UNAVAILABLE);
      assert.match(details, /origin fails.*try again.*\(\w+\)/);
      scene.origin.fault = undefined;
      scene.clock.advance(1_000);
      assert.equal((await client.getConfigSpec({ sdkKey: SDK_KEY })).code, status.OK);
    });
  }

  for (const [name, fault] of Object.entries(REFUSING)) {
    it(`answers PERMISSION_DENIED for a cold key the origin refuses with ${name}`, async (t) => {
      const scene = await startScene(t);
      scene.origin.fault = fault;
      const client = scene.client();
      const { code, details } = await client.getConfigSpec({ sdkKey: SDK_KEY });
      assert.equal(code, status.PERMISSION_DENIED);
      assert.match(details, /refuses this SDK key.*console/);
      const streamed = await client.stream({ sdkKey: SDK_KEY }).end();
      assert.deepEqual({ code: streamed.code, details: streamed.details }, { code, details });
    });
  }

  it('goes on giving what is held while the origin fails or refuses', async (t) => {
    const scene = await startScene(t);
    const client = scene.client();
    await client.getConfigSpec({ sdkKey: SDK_KEY });
    for (const [fault, told] of [
      [FAILING.status_500, 'origin failing: still serving the last good spec'],
      [REFUSING[401], 'origin refused this SDK key: still serving the last good spec'],
    ] as const) {
      scene.origin.fault = fault;
      scene.clock.advance(10_000);
      await within(
        scene.proxy.logs.waitFor((line) => line['msg'] === told),
        told,
      );
      const { code, reply } = await client.getConfigSpec({ sdkKey: SDK_KEY });
      assert.equal(code, status.OK);
      assert.equal(reply?.spec, scene.text('v1'));
    }
  });
});

/** Calls getConfigSpec with these bytes as its message. */
async function sendBytes(
  t: { after(done: () => void): void },
  address: string,
  bytes: Buffer,
): Promise<ServiceError | null> {
  const client = new Client(address, credentials.createInsecure());
  t.after(() => {
    client.close();
  });
  const answer = new Promise<ServiceError | null>((resolve) => {
    const asTheyAre = (message: Buffer): Buffer => message;
    const path = '/statsig_forward_proxy.StatsigForwardProxy/getConfigSpec';
    client.makeUnaryRequest(path, asTheyAre, asTheyAre, bytes, resolve);
  });
  return await within(answer, 'answer');
}
