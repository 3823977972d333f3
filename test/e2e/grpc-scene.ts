// One test's stage for streams: a fake origin, a proxy that speaks gRPC alone, and a way to restart it on its port.
import type { TestContext } from 'node:test';
import type { SpecAdapterConfig } from '@statsig/statsig-node-core';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';
import { startProxy, type TestProxy } from '../fakes/proxy.js';
import type { Issued, TestAuthority } from '../fakes/test-authority.js';
import { startCoreSdk } from './core-sdk.js';
import { argsOf, GREETING, LATER_GREETING } from './scene.js';
import type { RunningSdk } from './sdk-cases.js';

/** The proxy's, so also the longest an update may wait before it is pushed. */
export const POLL_EVERY_MS = 1000;
/** How long the SDK waits for its first message; where there is none, that is how long a test takes. */
const INIT_TIMEOUT_MS = 3000;
/** Nobody listens there: what the SDK has, it has by its stream. */
const NO_HTTP = 'http://127.0.0.1:9';

/** The proxy speaks TLS, and asks for certificates of clients where a test has one for them. */
export interface GrpcTls {
  readonly authority: TestAuthority;
  readonly server: Issued;
  /** The authority of clients, which have to show a certificate of it. */
  readonly clients?: TestAuthority;
}

export interface GrpcScene {
  readonly origin: FakeOrigin;
  /** The one that runs now, or ran last. */
  readonly proxy: TestProxy;
  /** `shown`: its certificate. */
  startSdk(sdkKey: string, shown?: Issued): Promise<RunningSdk>;
  stopProxy(): Promise<void>;
  /** A new one, that knows nothing, where the SDK knows the last one to be. */
  startProxyAgain(): Promise<void>;
  /** Takes the origin off the network for good. */
  closeOrigin(): Promise<void>;
  /** A later version of the project: gate closed, another greeting. */
  changeProject(greeting?: string): void;
}

export async function startGrpcScene(t: TestContext, tls?: GrpcTls): Promise<GrpcScene> {
  const origin = await startFakeOrigin();
  let closing: Promise<void> | undefined;
  const closeOrigin = (): Promise<void> => (closing ??= origin.close());
  t.after(closeOrigin);
  origin.project = { time: 1_700_000_000_000, isGateOpen: true, greeting: GREETING };
  let proxy = await startGrpcProxy(origin, 0, tls);
  const stopProxy = (): Promise<void> => proxy.app.stop();
  t.after(stopProxy);
  const port = (tls === undefined ? proxy.app.grpcPort : proxy.app.grpcTlsPort) ?? 0;
  return {
    origin,
    get proxy() {
      return proxy;
    },
    startSdk: (sdkKey, shown) =>
      startCoreSdk(t, NO_HTTP, sdkKey, {
        specAdaptersConfig: [
          {
            adapterType: 'network_grpc_websocket',
            specsUrl: `${tls === undefined ? 'http' : 'https'}://localhost:${port}`,
            initTimeoutMs: INIT_TIMEOUT_MS,
            ...toSdkTls(tls, shown),
          },
        ],
      }),
    stopProxy,
    startProxyAgain: async () => {
      proxy = await startGrpcProxy(origin, port, tls);
    },
    closeOrigin,
    changeProject: (greeting = LATER_GREETING) => {
      origin.project = { time: origin.project.time + 60_000, isGateOpen: false, greeting };
    },
  };
}

function toSdkTls(
  tls: GrpcTls | undefined,
  shown: Issued | undefined,
): Pick<SpecAdapterConfig, 'authenticationMode' | 'caCertPath' | 'clientCertPath' | 'clientKeyPath'> {
  if (tls === undefined) return {};
  const caCertPath = tls.authority.caPath;
  if (shown === undefined) return { authenticationMode: 'tls', caCertPath };
  const { certPath: clientCertPath, keyPath: clientKeyPath } = shown;
  return { authenticationMode: 'mtls', caCertPath, clientCertPath, clientKeyPath };
}

function startGrpcProxy(origin: FakeOrigin, port: number, tls: GrpcTls | undefined): Promise<TestProxy> {
  const mtls =
    tls?.clients === undefined ? [] : ['--x509-client-cert-path', tls.clients.caPath, '--enforce-mtls'];
  const ports = [tls === undefined ? '--grpc-port' : '--grpc-tls-port', String(port)];
  const more = [...ports, ...argsOf(tls?.server), ...mtls, '--debug-logging'];
  const args = ['-p', String(POLL_EVERY_MS / 1000), ...more];
  return startProxy({ origin: origin.url, mode: 'grpc', args });
}
