// SDKs of both kinds that use ID lists, as an application sets them up; asked who is on a list.
import type { TestContext } from 'node:test';
import { Statsig, StatsigUser, type StatsigOptions } from '@statsig/statsig-node-core';
import { StatsigServer } from 'statsig-node';
import { gateOf } from '../fakes/id-list-specs.js';
import { eventually, within } from './deadline.js';
import { startPassThrough } from './pass-through.js';

/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:9';
// The core SDK reports its own errors to its maker, whatever its options say: it gets no way out.
process.env['HTTPS_PROXY'] = NOWHERE;
process.env['NO_PROXY'] = '127.0.0.1';

/** The shortest that the core SDK keeps to. */
const CORE_SYNC_EVERY_MS = 1000;

/** Who is on a list, and who is not. */
export type Members = Readonly<Record<string, boolean>>;

export interface ListSdk {
  isListed(userId: string, listName?: string): boolean;
  /** Who of these is on the list now. */
  look(members: Members, listName?: string): Members;
  /** Has the lists synced until the SDK evaluates as told. */
  sees(members: Members, listName?: string): Promise<void>;
  /** Resolves after one more sync that has begun after this call. */
  sync(): Promise<void>;
}

export type StartListSdk = (t: TestContext, url: string, sdkKey: string) => Promise<ListSdk>;

export const LIST = 'list_1';

export async function startCore(
  t: TestContext,
  url: string,
  sdkKey: string,
  options: StatsigOptions = {},
): Promise<ListSdk> {
  const between = await startPassThrough(t, url);
  const sdk = new Statsig(sdkKey, {
    specsUrl: `${url}/v2/download_config_specs`,
    idListsUrl: `${between.url}/v1/get_id_lists`,
    enableIdLists: true,
    idListsSyncIntervalMs: CORE_SYNC_EVERY_MS,
    logEventUrl: `${NOWHERE}/v1/log_event`,
    disableAllLogging: true,
    disableCountryLookup: true,
    outputLogLevel: 'none',
    ...options,
  });
  t.after(() => sdk.shutdown());
  await initialise(sdk.initialize());
  const manifestsSeen = (): number =>
    between.exchanges.filter(({ url: asked }) => asked.startsWith('/v1/get_id_lists')).length;
  return toListSdk(
    (userID, gate) => sdk.checkGate(new StatsigUser({ userID }), gate),
    // The SDK syncs by itself, one sync after the other: when the next but one begins, the next is over.
    async () => {
      const before = manifestsSeen();
      await eventually('sync of the core SDK', () => manifestsSeen() >= before + 2);
    },
  );
}

export async function startLegacy(t: TestContext, url: string, sdkKey: string): Promise<ListSdk> {
  const sdk = new StatsigServer(sdkKey, {
    api: `${url}/v1`,
    initStrategyForIP3Country: 'none',
    disableAllLogging: true,
    // What it says of a proxy that has nothing for it is looked for in what it evaluates.
    logger: { logLevel: 'none', warn: () => undefined, error: () => undefined },
  });
  t.after(() => sdk.shutdownAsync());
  await initialise(sdk.initializeAsync().then(({ success }) => ({ isSuccess: success })));
  // By itself it syncs once in 30 s at most.
  return toListSdk(
    (userID, gate) => sdk.checkGate({ userID }, gate),
    () => within(sdk.syncStoreIdLists(), 'end of a sync'),
  );
}

export const LIST_SDKS: readonly (readonly [name: string, start: StartListSdk])[] = [
  ['the core SDK', startCore],
  ['the legacy SDK', startLegacy],
];

async function initialise(ended: Promise<{ readonly isSuccess: boolean }>): Promise<void> {
  const { isSuccess } = await within(ended, 'end of the initialisation');
  if (!isSuccess) throw new Error('the SDK got no specs');
}

function toListSdk(check: (userId: string, gate: string) => boolean, sync: () => Promise<void>): ListSdk {
  const isListed = (userId: string, listName = LIST): boolean => check(userId, gateOf(listName));
  const look = (members: Members, listName?: string): Members =>
    Object.fromEntries(Object.keys(members).map((userId) => [userId, isListed(userId, listName)]));
  return {
    isListed,
    look,
    sees: (members, listName) => {
      const wanted = JSON.stringify(members);
      const isSeen = (): boolean => JSON.stringify(look(members, listName)) === wanted;
      return eventually(`list at the SDK as ${wanted}`, async () => {
        if (!isSeen()) await sync();
        return isSeen();
      });
    },
    sync,
  };
}
