// An application that logs numbered events by one SDK, in a process of its own; started by the test of log events.
import { request, type OutgoingHttpHeaders } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { Statsig, StatsigUser } from '@statsig/statsig-node-core';
import { StatsigServer } from 'statsig-node';

export type LoggingSdkKind = 'core' | 'legacy' | 'like dotnet' | 'like java';

export interface LoggingPlan {
  readonly kind: LoggingSdkKind;
  /** Of the proxy. */
  readonly url: string;
  readonly sdkKey: string;
  /** How long to log, ten events a second, sent off once a second. */
  readonly durationMs: number;
}

interface Logging {
  log(name: string): void;
  /** Sends what was logged; waits for its end, good or bad. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

const EVENTS_PER_FLUSH = 10;
const FLUSH_EVERY_MS = 1000;
/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:9';

async function startCore({ url, sdkKey }: LoggingPlan): Promise<Logging> {
  const sdk = new Statsig(sdkKey, {
    specsUrl: `${url}/v2/download_config_specs`,
    logEventUrl: `${url}/v1/log_event`,
    disableCountryLookup: true,
    outputLogLevel: 'warn',
  });
  await sdk.initialize();
  const user = new StatsigUser({ userID: 'a-user' });
  return {
    log: (name) => {
      sdk.logEvent(user, name, 1, {});
    },
    flush: async () => {
      await sdk.flushEvents();
    },
    stop: async () => {
      await sdk.shutdown();
    },
  };
}

async function startLegacy({ url, sdkKey }: LoggingPlan): Promise<Logging> {
  const sdk = new StatsigServer(sdkKey, {
    api: `${url}/v1`,
    initStrategyForIDLists: 'none',
    initStrategyForIP3Country: 'none',
  });
  await sdk.initializeAsync();
  return {
    log: (name) => {
      sdk.logEvent({ userID: 'a-user' }, name, 1);
    },
    flush: () => sdk.flush(),
    stop: () => sdk.shutdownAsync(),
  };
}

/** What SDKs do that are not for Node: gzip, their own forms of time, and five tries after a 503. */
function startLike({ kind, url, sdkKey }: LoggingPlan): Logging {
  const isDotnet = kind === 'like dotnet';
  let events: object[] = [];
  const send = (body: Buffer): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers: OutgoingHttpHeaders = {
        'content-type': 'application/json',
        'content-encoding': 'gzip',
        'STATSIG-API-KEY': sdkKey,
        'STATSIG-SDK-TYPE': isDotnet ? 'dotnet-server' : 'java-server',
        // Java's comes in pieces without a length.
        ...(isDotnet ? { 'content-length': body.length, 'STATSIG-EVENT-COUNT': EVENTS_PER_FLUSH } : {}),
      };
      const outgoing = request(
        `${url}/v1/log_event`,
        { method: 'POST', headers, agent: false },
        (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        },
      );
      outgoing.on('error', reject);
      outgoing.write(body.subarray(0, 10));
      outgoing.end(body.subarray(10));
    });
  return {
    log: (eventName) => {
      const time = isDotnet ? Date.now() + 0.25 : Date.now();
      events.push({ eventName, value: null, user: { userID: 'a-user' }, metadata: null, time });
    },
    flush: async () => {
      const body = gzipSync(JSON.stringify({ events, statsigMetadata: { sdkType: kind } }));
      events = [];
      for (let attempt = 1; (await send(body)) !== 202; attempt += 1) {
        if (attempt === 5) throw new Error('five tries, and no 202');
        await pause(attempt * 1000);
      }
    },
    stop: async () => undefined,
  };
}

async function start(plan: LoggingPlan): Promise<Logging> {
  if (plan.kind === 'core') return await startCore(plan);
  return plan.kind === 'legacy' ? await startLegacy(plan) : startLike(plan);
}

async function run(plan: LoggingPlan): Promise<void> {
  // The core SDK reports its own errors to its maker, whatever its options say: it gets no way out.
  process.env['HTTPS_PROXY'] = NOWHERE;
  process.env['NO_PROXY'] = '127.0.0.1';
  // An application has more to do than to log: legacy SDKs wait for their next try by timers that keep no process alive.
  const application = setInterval(() => undefined, FLUSH_EVERY_MS);
  const logging = await start(plan);
  const flushes = Math.ceil(plan.durationMs / FLUSH_EVERY_MS);
  for (let flush = 0; flush < flushes; flush += 1) {
    for (let event = 0; event < EVENTS_PER_FLUSH; event += 1) {
      logging.log(`number-${flush * EVENTS_PER_FLUSH + event}`);
    }
    // Sent off before the second is over, so that one flush follows the other.
    await Promise.all([logging.flush(), pause(FLUSH_EVERY_MS)]);
  }
  process.send?.({ logged: flushes * EVENTS_PER_FLUSH });
  await logging.stop();
  clearInterval(application);
  process.disconnect();
}

await run(JSON.parse(process.argv[2] ?? '{}') as LoggingPlan);
