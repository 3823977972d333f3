// What every SDK must live through behind the proxy: the same cases for each, whatever it speaks.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FAILING } from '../fakes/origin-faults.js';
import type { Issued } from '../fakes/test-authority.js';
import { eventually, within } from './deadline.js';
import { assertGoodManners, GREETING, LATER_GREETING, startScene, type Scene } from './scene.js';

export interface InitResult {
  readonly isSuccess: boolean;
  readonly error: string;
}

/** An SDK that has tried to initialise; it polls every few seconds. */
export interface RunningSdk {
  readonly init: InitResult;
  isGateOpen(): boolean;
  greeting(): unknown;
}

/** Starts an SDK that asks the proxy at `url`, and stops it when the test is over. */
export type StartSdk = (t: TestContext, url: string, sdkKey: string) => Promise<RunningSdk>;

export interface SdkCases {
  readonly name: string;
  readonly start: StartSdk;
  /** What the SDK asks for. */
  readonly api: 'v1' | 'v2';
  readonly format: 'json' | 'protobuf';
  /** Of the proxy, which speaks TLS then. */
  readonly certificate?: Issued;
}

let keysMade = 0;

/** SDKs keep state by key: every test has its own. */
export function newSdkKey(): string {
  keysMade += 1;
  return `secret-e2ekey${keysMade}0123456789`;
}

export function addSdkCases(cases: SdkCases): void {
  const { start, certificate } = cases;
  describe(cases.name, { concurrency: true }, () => {
    it('initialises with the values of the origin', async (t) => {
      const scene = await startScene(t, certificate);
      const sdk = await start(t, scene.url, newSdkKey());
      assertHasValues(sdk);
      assertAskedFor(cases, scene);
      await assertGoodManners(scene);
    });

    it('sees an update of the origin by its own polling', async (t) => {
      const scene = await startScene(t, certificate);
      const sdk = await start(t, scene.url, newSdkKey());
      assertHasValues(sdk);
      scene.changeProject();
      await eventually('update at the SDK', () => sdk.greeting() === LATER_GREETING);
      assert.equal(sdk.isGateOpen(), false);
      await assertGoodManners(scene);
    });

    it('initialises from the proxy when the origin is gone', async (t) => {
      const scene = await startScene(t, certificate);
      const sdkKey = newSdkKey();
      assertHasValues(await start(t, scene.url, sdkKey));
      await scene.closeOrigin();
      assertHasValues(await start(t, scene.url, sdkKey));
      await assertGoodManners(scene);
    });

    it('fails to initialise with origin down and proxy cold, and gets the values by polling later', async (t) => {
      const scene = await startScene(t, certificate);
      scene.origin.fault = FAILING['connection_lost by a reset'];
      const sdk = await within(start(t, scene.url, newSdkKey()), 'end of the initialisation');
      assert.equal(sdk.init.isSuccess, false);
      assert.match(sdk.init.error, /503/);
      assert.equal(sdk.isGateOpen(), false);
      assert.equal(sdk.greeting(), undefined);
      scene.origin.fault = undefined;
      await eventually('value at the SDK', () => sdk.greeting() === GREETING);
      assert.equal(sdk.isGateOpen(), true);
      await assertGoodManners(scene);
    });
  });
}

function assertHasValues(sdk: RunningSdk): void {
  assert.deepEqual(sdk.init, { isSuccess: true, error: '' });
  assert.equal(sdk.isGateOpen(), true);
  assert.equal(sdk.greeting(), GREETING);
}

function assertAskedFor({ api, format }: SdkCases, { origin, proxy }: Scene): void {
  const url = new URL(origin.requests[0]?.url ?? '', origin.url);
  assert.equal(url.pathname.split('/')[1], api);
  assert.equal(url.searchParams.get('supports_proto'), format === 'protobuf' ? 'true' : null);
  const taken = proxy.logs.withMessage('spec updated').map((line) => [line['api'], line['format']]);
  assert.deepEqual(taken, [[api, format]]);
}
