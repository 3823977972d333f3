// An application whose SDK reads its specs from Redis, as a process of its own: says what it evaluates when asked over IPC.
// A process, because the core SDK keeps one alive for as long as its object with a data store is not collected.
import { Statsig, StatsigUser, type DataStore } from '@statsig/statsig-node-core';
import { Redis } from 'ioredis';
import { StatsigServer, type AdapterResponse, type IDataAdapter } from 'statsig-node';
import { redisDataStore, redisProtobufDataStore } from '../../examples/data-adapters/node-core.js';
import { redisDataAdapter } from '../../examples/data-adapters/statsig-node.js';

export type PassiveSdk = 'core by JSON' | 'core by protobuf' | 'legacy';

export interface PassiveAppOptions {
  readonly sdk: PassiveSdk;
  readonly redisUrl: string;
  readonly sdkKey: string;
  /** Every URL the SDK can be given leads there. */
  readonly networkUrl: string;
  /** Of the core SDK: how it names what it asks its store for. */
  readonly keySchema?: 'v2' | 'v3';
}

export interface PassiveView {
  readonly init: { readonly isSuccess: boolean; readonly error: string };
  readonly initMs: number;
  readonly isGateOpen: boolean;
  readonly greeting: unknown;
  /** Where the SDK says its specs are from, in its own words. */
  readonly source: string;
  /** How the SDK's reads from the store ended. */
  readonly reads: Readonly<Reads>;
}

interface Reads {
  found: number;
  /** Redis holds nothing under the name. */
  missing: number;
  /** Redis cannot be reached, does not answer in time, or answers with an error. */
  failed: number;
}

type Evaluated = Pick<PassiveView, 'isGateOpen' | 'greeting' | 'source'>;

interface Sdk {
  start(): Promise<PassiveView['init']>;
  evaluate(): Evaluated;
  stop(): Promise<unknown>;
}

const USER_ID = 'a-user';
/** Of the error by which a data store of the core SDK says so. */
const NOTHING_FOUND = 'Redis holds no such spec';
const CORE_POLL_EVERY_MS = 1000;
/** The shortest the legacy SDK accepts. */
const LEGACY_POLL_EVERY_MS = 5000;

const options = JSON.parse(process.argv[2] ?? '') as PassiveAppOptions;
const reads: Reads = { found: 0, missing: 0, failed: 0 };
const redis = new Redis(options.redisUrl);
// Tests take Redis away: what comes of it is looked for in the SDK.
redis.on('error', () => undefined);

const sdk = options.sdk === 'legacy' ? legacySdk() : coreSdk();
const startedMs = performance.now();
const init = await sdk.start();
const initMs = performance.now() - startedMs;

process.on('message', (message) => {
  if (message === 'look') process.send?.({ init, initMs, reads, ...sdk.evaluate() } satisfies PassiveView);
  if (message === 'stop') void stop();
});
process.on('disconnect', () => process.exit(1));
process.send?.('ready');

async function stop(): Promise<void> {
  await sdk.stop();
  redis.disconnect();
  process.exit(0);
}

function coreSdk(): Sdk {
  const store = options.sdk === 'core by JSON' ? redisDataStore(redis) : redisProtobufDataStore(redis);
  const user = new StatsigUser({ userID: USER_ID });
  const { networkUrl, keySchema } = options;
  const statsig = new Statsig(options.sdkKey, {
    dataStore: countingStore(store),
    ...(keySchema === undefined ? {} : { dataStoreKeySchemaVersion: keySchema }),
    specsUrl: `${networkUrl}/v2/download_config_specs`,
    specsSyncIntervalMs: CORE_POLL_EVERY_MS,
    logEventUrl: `${networkUrl}/v1/log_event`,
    idListsUrl: `${networkUrl}/v1/get_id_lists`,
    downloadIdListFileApi: networkUrl,
    disableAllLogging: true,
    disableCountryLookup: true,
    outputLogLevel: 'none',
  });
  return {
    start: async () => {
      const { isSuccess, error = '' } = await statsig.initialize();
      return { isSuccess, error };
    },
    evaluate: () => ({
      isGateOpen: statsig.checkGate(user, 'demo_gate'),
      greeting: statsig.getDynamicConfig(user, 'demo_config').value['greeting'],
      source: statsig.getFeatureGate(user, 'demo_gate').details.reason,
    }),
    stop: () => statsig.shutdown(),
  };
}

function legacySdk(): Sdk {
  const user = { userID: USER_ID };
  const { networkUrl } = options;
  const statsig = new StatsigServer(options.sdkKey, {
    dataAdapter: countingAdapter(redisDataAdapter(redis)),
    api: `${networkUrl}/v1`,
    apiForDownloadConfigSpecs: `${networkUrl}/v1`,
    apiForGetIdLists: `${networkUrl}/v1`,
    rulesetsSyncIntervalMs: LEGACY_POLL_EVERY_MS,
    initStrategyForIDLists: 'none',
    disableIdListsSync: true,
    initStrategyForIP3Country: 'none',
    disableAllLogging: true,
  });
  return {
    start: async () => {
      const { success, error } = await statsig.initializeAsync();
      return { isSuccess: success, error: error?.message ?? '' };
    },
    evaluate: () => ({
      isGateOpen: statsig.checkGate(user, 'demo_gate'),
      greeting: statsig.getConfig(user, 'demo_config').value['greeting'],
      source: statsig.getFeatureGate(user, 'demo_gate').evaluationDetails?.reason ?? '',
    }),
    stop: () => statsig.shutdownAsync(),
  };
}

function countingStore({ get, getBytes, ...store }: DataStore): DataStore {
  return {
    ...store,
    ...(get === undefined ? {} : { get: counted(get) }),
    ...(getBytes === undefined ? {} : { getBytes: counted(getBytes) }),
  };
}

function countingAdapter(adapter: IDataAdapter): IDataAdapter {
  return { ...adapter, get: counted<AdapterResponse>((name) => adapter.get(name)) };
}

function counted<Answer extends AdapterResponse | { readonly result?: unknown }>(
  read: (name: string) => Promise<Answer>,
): (name: string) => Promise<Answer> {
  return async (name) => {
    try {
      const answer = await read(name);
      reads[ending(answer)] += 1;
      return answer;
    } catch (error) {
      reads[error instanceof Error && error.message === NOTHING_FOUND ? 'missing' : 'failed'] += 1;
      throw error;
    }
  };
}

function ending(answer: AdapterResponse | { readonly result?: unknown }): keyof Reads {
  if (answer.result !== undefined) return 'found';
  return 'error' in answer ? 'failed' : 'missing';
}
