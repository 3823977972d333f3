// SDKs, unmodified, before a proxy that speaks TLS alone: the core SDK over HTTP/2, the legacy SDK over HTTP/1.1.
import assert from 'node:assert/strict';
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { globalAgent } from 'node:https';
import type { Socket } from 'node:net';
import { after, test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { StatsigServer } from 'statsig-node';
import { TestAuthority } from '../fakes/test-authority.js';
import { startCoreSdk } from './core-sdk.js';
import { within } from './deadline.js';
import { startScene } from './scene.js';
import { addSdkCases, newSdkKey, type StartSdk } from './sdk-cases.js';

const USER = { userID: 'a-user' };

const authority = new TestAuthority();
const certificate = authority.issue('proxy');
after(() => {
  authority.close();
});
// Both as an operator tells them, but that NODE_EXTRA_CA_CERTS is read at a process' start only.
process.env['SSL_CERT_FILE'] = authority.caPath;
process.env['NO_PROXY'] = 'localhost,127.0.0.1';
globalAgent.options.ca = authority.ca;

/** SDK keys of requests that came by TLS and Node's parser of HTTP/1.1, which those over HTTP/2 never see. */
const askedByHttp1 = new Set<string>();
subscribe('http.server.request.start', (message) => {
  const { request, socket } = message as { readonly request: IncomingMessage; readonly socket: Socket };
  if (socket instanceof TLSSocket) askedByHttp1.add(String(request.headers['statsig-api-key']));
});

const startLegacySdk: StartSdk = async (t, url, sdkKey) => {
  const sdk = new StatsigServer(sdkKey, {
    api: `${url}/v1`,
    // The shortest that it accepts.
    rulesetsSyncIntervalMs: 5000,
    initTimeoutMs: 3000,
    initStrategyForIDLists: 'none',
    initStrategyForIP3Country: 'none',
    disableAllLogging: true,
  });
  t.after(() => sdk.shutdownAsync());
  const { success, error } = await within(sdk.initializeAsync(), 'end of the initialisation');
  return {
    init: { isSuccess: success, error: error?.message ?? '' },
    isGateOpen: () => sdk.checkGate(USER, 'demo_gate'),
    greeting: () => sdk.getConfig(USER, 'demo_config').value['greeting'],
  };
};

addSdkCases({
  name: 'the core SDK over TLS',
  start: startCoreSdk,
  api: 'v2',
  format: 'protobuf',
  certificate,
});
addSdkCases({
  name: 'the legacy SDK over TLS',
  start: startLegacySdk,
  api: 'v1',
  format: 'json',
  certificate,
});

for (const [name, start, byHttp1] of [
  ['the core SDK speaks HTTP/2', startCoreSdk, false],
  ['the legacy SDK speaks HTTP/1.1', startLegacySdk, true],
] as const) {
  test(`${name} where both are offered`, async (t) => {
    const scene = await startScene(t, certificate);
    const sdkKey = newSdkKey();
    const { init } = await start(t, scene.url, sdkKey);
    assert.equal(init.isSuccess, true);
    assert.equal(askedByHttp1.has(sdkKey), byHttp1);
  });
}

test('the core SDK finds the authority by its own option too, and refuses one that it does not know', async (t) => {
  delete process.env['SSL_CERT_FILE'];
  const scene = await startScene(t, certificate);
  const proxyConfig = { caCertPath: authority.caPath };
  const told = await startCoreSdk(t, scene.url, newSdkKey(), { proxyConfig });
  assert.equal(told.init.isSuccess, true);
  const strangers = new TestAuthority('an authority that nobody knows');
  t.after(() => {
    strangers.close();
  });
  const doubted = await startCoreSdk(t, scene.url, newSdkKey(), {
    proxyConfig: { caCertPath: strangers.caPath },
  });
  assert.equal(doubted.init.isSuccess, false);
});
