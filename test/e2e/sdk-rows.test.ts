// What the documents tell people to write for SDKs that are on npm, run as it is written: specs, log events and ID lists all come by the proxy.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test, type TestContext } from 'node:test';
import { runInNewContext } from 'node:vm';
import { StatsigOnDeviceEvalClient } from '@statsig/js-on-device-eval-client';
import { Statsig, StatsigUser } from '@statsig/statsig-node-core';
import { StatsigServer } from 'statsig-node';
import { startEventOrigin } from '../fakes/event-origin.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { startProxy, type TestProxy } from '../fakes/proxy.js';
import { eventually, within } from './deadline.js';
import { newSdkKey } from './sdk-cases.js';

// The core SDK reports its own errors to its maker, whatever its options say: it gets no way out.
process.env['HTTPS_PROXY'] = 'http://127.0.0.1:9';
process.env['NO_PROXY'] = '127.0.0.1';

const PAGES = ['README.md', 'docs/sdks.md'];
const CORE = '@statsig/statsig-node-core';
const ON_DEVICE = '@statsig/js-on-device-eval-client';
const PACKAGES = [CORE, 'statsig-node', 'statsig-node-lite', ON_DEVICE];
const STREAMING = 'network_grpc_websocket';
const GREETING = 'hello';
/** Only the addresses and the key are put in place. */
const ADDRESSES = { http: 'http://proxy:8000', grpc: 'http://proxy:50051' };

interface Row {
  readonly page: string;
  readonly packageName: string;
  readonly code: string;
}

/** The rows of tables in which a package of npm is set up: `| … `package` … | `new …` | … |`. */
function rowsOf(page: string): readonly Row[] {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
  return [...text.matchAll(/^\|([^|]*)\| `(new \w+\(sdkKey, [^`]*)` \|/gm)].flatMap(
    ([, cell = '', code = '']) => {
      return PACKAGES.filter((name) => cell.includes(`\`${name}\``)).map((packageName) => ({
        page,
        packageName,
        code,
      }));
    },
  );
}

const rows = PAGES.flatMap(rowsOf);

/** What the test needs of an SDK, whatever it is called there. */
interface Sdk {
  initialize(): Promise<{ readonly isSuccess: boolean }>;
  isGateOpen(): Promise<boolean>;
  log(eventName: string): void;
  flush(): Promise<unknown>;
  shutdown(): Promise<unknown>;
}

interface LegacyServer {
  initializeAsync(): Promise<unknown>;
  checkGate(user: object, gate: string): boolean | Promise<boolean>;
  logEvent(user: object, eventName: string): void;
  flush(): Promise<unknown>;
  shutdown(): unknown;
}

function build({ packageName, code }: Row, proxy: TestProxy, sdkKey: string): Sdk {
  const written = code
    .replaceAll(ADDRESSES.http, proxy.url)
    .replaceAll(ADDRESSES.grpc, `http://${proxy.grpcAddress}`);
  assert.doesNotMatch(written, /proxy:/, 'an address that this test does not know');
  const user = { userID: 'a-user' };
  if (packageName === CORE) {
    const sdk = runInNewContext(written, { Statsig, sdkKey }) as Statsig;
    const coreUser = new StatsigUser(user);
    return {
      initialize: async () => ({ isSuccess: (await sdk.initialize()).isSuccess }),
      isGateOpen: async () => sdk.checkGate(coreUser, 'demo_gate'),
      log: (eventName) => {
        sdk.logEvent(coreUser, eventName, 1, {});
      },
      flush: () => sdk.flushEvents(),
      shutdown: () => sdk.shutdown(),
    };
  }
  if (packageName === ON_DEVICE) return buildOnDevice(written, sdkKey);
  const Server = packageName === 'statsig-node' ? StatsigServer : liteServer();
  const sdk = runInNewContext(written, { StatsigServer: Server, sdkKey }) as LegacyServer;
  return {
    initialize: async () => {
      await sdk.initializeAsync();
      return { isSuccess: true };
    },
    isGateOpen: async () => await sdk.checkGate(user, 'demo_gate'),
    log: (eventName) => {
      sdk.logEvent(user, eventName);
    },
    flush: () => sdk.flush(),
    shutdown: async () => sdk.shutdown(),
  };
}

function buildOnDevice(written: string, sdkKey: string): Sdk {
  const sdk = runInNewContext(written, { StatsigOnDeviceEvalClient, sdkKey }) as StatsigOnDeviceEvalClient;
  // It logs in browsers only, unless it is told otherwise.
  sdk.updateRuntimeOptions({ loggingEnabled: 'always' });
  const user = { userID: 'a-user' };
  return {
    initialize: async () => ({ isSuccess: (await sdk.initializeAsync()).success }),
    isGateOpen: async () => Promise.resolve(sdk.checkGate('demo_gate', user)),
    log: (eventName) => {
      sdk.logEvent({ eventName }, user);
    },
    flush: () => sdk.flush(),
    shutdown: () => sdk.shutdown(),
  };
}

/** It has no types that this project's compiler accepts. */
function liteServer(): unknown {
  const lite = createRequire(import.meta.url)('statsig-node-lite') as { readonly StatsigServer: unknown };
  return lite.StatsigServer;
}

interface Stage {
  readonly proxy: TestProxy;
  asked(): string;
  /** Of log events, that the origin took. */
  deliveries(): number;
  changeProject(): void;
}

async function startStage(t: TestContext): Promise<Stage> {
  const [origin, eventOrigin] = [await startFakeOrigin(), await startEventOrigin()];
  t.after(() => Promise.all([origin.close(), eventOrigin.close()]));
  origin.project = { time: 1_700_000_000_000, isGateOpen: true, greeting: GREETING };
  const args = ['-p', '1', '--debug-logging', '--id-lists-polling-interval-in-s', '1'];
  const addresses = { origin: origin.url, eventOrigin: eventOrigin.url };
  const proxy = await startProxy({ ...addresses, mode: 'grpc-and-http', args });
  t.after(() => proxy.app.stop());
  return {
    proxy,
    asked: () => origin.requests.map(({ url }) => url).join('\n'),
    deliveries: () => eventOrigin.taken.length,
    changeProject: () => {
      origin.project = { time: origin.project.time + 60_000, isGateOpen: false, greeting: GREETING };
    },
  };
}

test('each SDK that is on npm has its rows', () => {
  assert.deepEqual(
    PACKAGES.filter(
      (name) => !rows.some(({ page, packageName }) => page === 'docs/sdks.md' && packageName === name),
    ),
    [],
  );
  assert.ok(rows.some(({ page }) => page === 'README.md'));
  assert.ok(rows.some(({ code }) => code.includes(STREAMING)));
});

for (const row of rows) {
  const streams = row.code.includes(STREAMING);
  test(`${row.page}: ${row.packageName}${streams ? ' with streaming' : ''} gets everything by the proxy`, async (t) => {
    const stage = await startStage(t);
    const sdk = build(row, stage.proxy, newSdkKey());
    try {
      await use(row, sdk, stage);
    } finally {
      await within(sdk.shutdown(), 'end of the SDK');
    }
  });
}

async function use(row: Row, sdk: Sdk, stage: Stage): Promise<void> {
  const streams = row.code.includes(STREAMING);
  assert.equal((await within(sdk.initialize(), 'end of the initialisation')).isSuccess, true);
  assert.equal(await sdk.isGateOpen(), true);
  // Those on a device know no ID lists.
  if (row.packageName !== ON_DEVICE)
    await eventually('request for ID lists', () => stage.asked().includes('/v1/get_id_lists'));
  sdk.log('an event');
  await within(sdk.flush(), 'end of the flush');
  await eventually('delivery of the event', () => stage.deliveries() > 0);
  const opened = stage.proxy.logs.withMessage('GrpcStreamingStreamedInitialized').length;
  assert.equal(opened > 0, streams, 'how the specs come');
  if (!streams) return;
  stage.changeProject();
  await eventually('update by the stream', async () => !(await sdk.isGateOpen()));
}
