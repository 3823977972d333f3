// An application whose SDK reads Redis by one of the example data adapters: tells how long its event loop stood still.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Statsig } from '@statsig/statsig-node-core';
import { Redis } from 'ioredis';
import { StatsigServer } from 'statsig-node';
import { redisDataStore, redisProtobufDataStore } from '../../examples/data-adapters/node-core.js';
import { redisDataAdapter } from '../../examples/data-adapters/statsig-node.js';
import { answerParent } from './answer-parent.js';

/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:9';
const NANOSECONDS_PER_MS = 1e6;

const options = JSON.parse(process.argv[2] ?? '{}') as {
  readonly adapter: 'redisDataStore' | 'redisProtobufDataStore' | 'redisDataAdapter';
  readonly redisUrl: string;
  readonly sdkKey: string;
  readonly pollEveryMs: number;
};
// The SDK reports its own errors to its maker, whatever its options say: it gets no way out.
process.env['HTTPS_PROXY'] = NOWHERE;
process.env['NO_PROXY'] = '127.0.0.1';
const redis = new Redis(options.redisUrl);

const initialised = options.adapter === 'redisDataAdapter' ? await startLegacySdk() : await startCoreSdk();
if (!initialised) throw new Error('the SDK did not initialise');
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

answerParent({ url: '' }, ({ kind }) => {
  const worstMs = delay.max / NANOSECONDS_PER_MS;
  delay.reset();
  return { kind, worstMs };
});

async function startCoreSdk(): Promise<boolean> {
  const store = options.adapter === 'redisDataStore' ? redisDataStore(redis) : redisProtobufDataStore(redis);
  const statsig = new Statsig(options.sdkKey, {
    dataStore: store,
    specsUrl: `${NOWHERE}/v2/download_config_specs`,
    specsSyncIntervalMs: options.pollEveryMs,
    logEventUrl: `${NOWHERE}/v1/log_event`,
    disableAllLogging: true,
    disableCountryLookup: true,
    outputLogLevel: 'none',
  });
  return (await statsig.initialize()).isSuccess;
}

async function startLegacySdk(): Promise<boolean> {
  const statsig = new StatsigServer(options.sdkKey, {
    dataAdapter: redisDataAdapter(redis),
    api: `${NOWHERE}/v1`,
    rulesetsSyncIntervalMs: options.pollEveryMs,
    initStrategyForIDLists: 'none',
    disableIdListsSync: true,
    initStrategyForIP3Country: 'none',
    disableAllLogging: true,
  });
  return (await statsig.initializeAsync()).success;
}
