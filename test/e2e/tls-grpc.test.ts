// The core SDK, unmodified, on the proxy's stream over TLS and mutual TLS: pushed to while the certificate changes, and after a restart.
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { TestAuthority } from '../fakes/test-authority.js';
import { eventually, within } from './deadline.js';
import { startGrpcScene } from './grpc-scene.js';
import { GREETING, LATER_GREETING } from './scene.js';
import { newSdkKey, type RunningSdk } from './sdk-cases.js';

let authority: TestAuthority;
let clients: TestAuthority;

before(() => {
  authority = new TestAuthority();
  clients = new TestAuthority('the authority of clients');
});
after(() => {
  authority.close();
  clients.close();
});

function assertHasValues(sdk: RunningSdk): void {
  assert.deepEqual(sdk.init, { isSuccess: true, error: '' });
  assert.equal(sdk.isGateOpen(), true);
  assert.equal(sdk.greeting(), GREETING);
}

describe('the core SDK by gRPC', { concurrency: true }, () => {
  for (const mode of ['tls', 'mtls'] as const) {
    it(`with ${mode} is pushed to, while the certificate is renewed and after a restart with the new one`, async (t) => {
      const server = authority.copy(authority.issue('first'), `used-for-${mode}`);
      const scene = await startGrpcScene(t, { authority, server, ...(mode === 'mtls' && { clients }) });
      const sdk = await scene.startSdk(newSdkKey(), mode === 'mtls' ? clients.issue('client') : undefined);
      assertHasValues(sdk);
      const renewed = authority.issue('second');
      copyFileSync(renewed.certPath, server.certPath);
      copyFileSync(renewed.keyPath, server.keyPath);
      scene.proxy.app.readFilesAgain();
      await scene.proxy.logs.waitFor(({ msg }) => msg === 'server certificate read again');
      scene.changeProject();
      await eventually('update by push', () => sdk.greeting() === LATER_GREETING);
      // On the stream that was opened under the former certificate.
      assert.equal(scene.proxy.logs.withMessage('GrpcStreamingStreamedInitialized').length, 1);
      await within(scene.stopProxy(), 'end of the proxy');
      scene.changeProject('hello meanwhile');
      await scene.startProxyAgain();
      await eventually('update made meanwhile', () => sdk.greeting() === 'hello meanwhile', 60_000);
      scene.changeProject('hello by push');
      await eventually('update by push', () => sdk.greeting() === 'hello by push');
    });
  }

  it('that shows no certificate, or a stranger, where one is required gets nothing', async (t) => {
    const strangers = new TestAuthority('an authority that nobody knows');
    t.after(() => {
      strangers.close();
    });
    const scene = await startGrpcScene(t, { authority, server: authority.issue('server'), clients });
    for (const shown of [undefined, strangers.issue('stranger')]) {
      const sdk = await scene.startSdk(newSdkKey(), shown);
      assert.equal(sdk.init.isSuccess, false);
      assert.equal(sdk.greeting(), undefined);
    }
    assert.equal(scene.origin.requests.length, 0);
    assert.equal(scene.proxy.logs.withMessage('TLS handshakes failed').length, 1);
  });
});
