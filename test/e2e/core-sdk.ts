// The core SDK as an application sets it up, with everything but its specs kept off the network.
import type { TestContext } from 'node:test';
import { Statsig, StatsigUser, type StatsigOptions } from '@statsig/statsig-node-core';
import { within } from './deadline.js';
import type { RunningSdk } from './sdk-cases.js';

/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:9';
// The SDK reports its own errors to its maker, whatever its options say: it gets no way out.
process.env['HTTPS_PROXY'] = NOWHERE;
process.env['NO_PROXY'] = '127.0.0.1';

export interface RunningCoreSdk extends RunningSdk {
  /** Of any gate; false where there is none. */
  isOpen(gate: string): boolean;
}

export async function startCoreSdk(
  t: TestContext,
  url: string,
  sdkKey: string,
  options: StatsigOptions = {},
): Promise<RunningCoreSdk> {
  const sdk = new Statsig(sdkKey, {
    specsUrl: `${url}/v2/download_config_specs`,
    specsSyncIntervalMs: 1000,
    logEventUrl: `${NOWHERE}/v1/log_event`,
    disableAllLogging: true,
    disableCountryLookup: true,
    outputLogLevel: 'none',
    ...options,
  });
  t.after(() => sdk.shutdown());
  const user = new StatsigUser({ userID: 'a-user' });
  const { isSuccess, error = '' } = await within(sdk.initialize(), 'end of the initialisation');
  return {
    init: { isSuccess, error },
    isGateOpen: () => sdk.checkGate(user, 'demo_gate'),
    isOpen: (gate) => sdk.checkGate(user, gate),
    greeting: () => sdk.getDynamicConfig(user, 'demo_config').value['greeting'],
  };
}
