// One test's stage for streams: a fake origin, a proxy that speaks gRPC alone, and a way to restart it on its port.
import type { TestContext } from 'node:test';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';
import { startProxy, type TestProxy } from '../fakes/proxy.js';
import { startCoreSdk } from './core-sdk.js';
import { GREETING, LATER_GREETING } from './scene.js';
import type { RunningSdk } from './sdk-cases.js';

/** The proxy's, so also the longest an update may wait before it is pushed. */
export const POLL_EVERY_MS = 1000;
/** How long the SDK waits for its first message; where there is none, that is how long a test takes. */
const INIT_TIMEOUT_MS = 3000;
/** Nobody listens there: what the SDK has, it has by its stream. */
const NO_HTTP = 'http://127.0.0.1:9';

export interface GrpcScene {
  readonly origin: FakeOrigin;
  /** The one that runs now, or ran last. */
  readonly proxy: TestProxy;
  startSdk(sdkKey: string): Promise<RunningSdk>;
  stopProxy(): Promise<void>;
  /** A new one, that knows nothing, where the SDK knows the last one to be. */
  startProxyAgain(): Promise<void>;
  /** Takes the origin off the network for good. */
  closeOrigin(): Promise<void>;
  /** A later version of the project: gate closed, another greeting. */
  changeProject(greeting?: string): void;
}

export async function startGrpcScene(t: TestContext): Promise<GrpcScene> {
  const origin = await startFakeOrigin();
  let closing: Promise<void> | undefined;
  const closeOrigin = (): Promise<void> => (closing ??= origin.close());
  t.after(closeOrigin);
  origin.project = { time: 1_700_000_000_000, isGateOpen: true, greeting: GREETING };
  let proxy = await startGrpcProxy(origin, 0);
  const stopProxy = (): Promise<void> => proxy.app.stop();
  t.after(stopProxy);
  const { grpcPort = 0 } = proxy.app;
  return {
    origin,
    get proxy() {
      return proxy;
    },
    startSdk: (sdkKey) =>
      startCoreSdk(t, NO_HTTP, sdkKey, {
        specAdaptersConfig: [
          {
            adapterType: 'network_grpc_websocket',
            specsUrl: `http://127.0.0.1:${grpcPort}`,
            initTimeoutMs: INIT_TIMEOUT_MS,
          },
        ],
      }),
    stopProxy,
    startProxyAgain: async () => {
      proxy = await startGrpcProxy(origin, grpcPort);
    },
    closeOrigin,
    changeProject: (greeting = LATER_GREETING) => {
      origin.project = { time: origin.project.time + 60_000, isGateOpen: false, greeting };
    },
  };
}

function startGrpcProxy(origin: FakeOrigin, grpcPort: number): Promise<TestProxy> {
  const args = ['-p', String(POLL_EVERY_MS / 1000), '--grpc-port', String(grpcPort), '--debug-logging'];
  return startProxy({ origin: origin.url, mode: 'grpc', args });
}
