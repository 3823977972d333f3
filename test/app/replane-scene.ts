// A proxy between a double of a Replane server and its SDKs, for the tests of one file.
import { after } from 'node:test';
import { startProxy, type TestProxy, type TestProxyOptions } from '../fakes/proxy.js';
import { inRealTime, ManualClock } from '../fakes/manual-clock.js';
import { ReplaneOrigin } from '../fakes/replane/replane-origin.js';
import { SdkApp, type SdkOptions } from '../fakes/replane/replane-sdk.js';
import { StreamClient, type StreamClientOptions } from '../fakes/replane/stream-client.js';

/** No port has nobody to answer that proxies ask for specs. */
const NO_STATSIG = 'http://127.0.0.1:9';
const RARELY_S = '3600';

export interface ReplaneScene {
  readonly origin: ReplaneOrigin;
  readonly proxy: TestProxy;
  app(sdkKey: string, options?: SdkOptions): SdkApp;
  client(sdkKey: string | undefined, options?: StreamClientOptions): StreamClient;
  stop(): Promise<void>;
}

export interface SceneOptions extends Partial<TestProxyOptions> {
  /** An hour where left out, so that nothing is read again but by what a test does. */
  readonly resyncS?: number;
  readonly origin?: never;
  readonly replane?: ReplaneOrigin;
}

export async function startReplaneScene({
  resyncS,
  replane,
  ...options
}: SceneOptions = {}): Promise<ReplaneScene> {
  const origin = replane ?? (await ReplaneOrigin.start());
  const resync = ['--replane-resync-interval-in-s', String(resyncS ?? RARELY_S)];
  const args = ['--replane-endpoint', origin.url, ...resync, ...(options.args ?? [])];
  const proxy = await startProxy({ ...options, origin: NO_STATSIG, args });
  const open: { disconnect?(): void; close?(): void }[] = [];
  let isStopped = false;
  return {
    origin,
    proxy,
    app: (sdkKey, sdkOptions) => {
      const app = new SdkApp(proxy.url, sdkKey, sdkOptions);
      open.push(app);
      return app;
    },
    client: (sdkKey, clientOptions) => {
      const client = new StreamClient(proxy.url, sdkKey, clientOptions);
      open.push(client);
      return client;
    },
    stop: async () => {
      if (isStopped) return;
      isStopped = true;
      for (const one of open) (one.disconnect ?? one.close)?.call(one);
      const { clock } = options;
      await (clock instanceof ManualClock ? inRealTime(clock, proxy.app.stop()) : proxy.app.stop());
      if (replane === undefined) await origin.down();
    },
  };
}

/** One scene for all tests of the file that calls this. */
export async function sharedScene(options: SceneOptions = {}): Promise<ReplaneScene> {
  const scene = await startReplaneScene(options);
  after(() => scene.stop());
  return scene;
}
