// Metrics as log events of a Statsig project: their shape, what they survive, how many there are, and what is wrong without a key.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { readCommandLine } from '../../src/cli/read-command-line.js';
import { loadConfig } from '../../src/config/load-config.js';
import { EVENTS_PER_SECOND_MAX, StatsigSink } from '../../src/protocols/statsig/log-events/statsig-sink.js';
import type { ReceivedBatch } from '../../src/protocols/statsig/log-events/received-batch.js';
import { SdkKeyForms } from '../../src/observability/sdk-key-forms.js';
import { SfpEvents } from '../../src/observability/sfp-events.js';
import { SfpTags } from '../../src/observability/sfp-tags.js';
import { startEventOrigin, type EventOrigin } from '../fakes/event-origin.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { createTestLog } from '../fakes/log-sink.js';
import { ManualClock, settle } from '../fakes/manual-clock.js';
import { SDK_KEY, startProxy, type TestProxy } from '../fakes/proxy.js';

const OWN_KEY = 'secret-metricsproject0123456789';
const SPEC = '/v1/download_config_specs';

interface Told {
  readonly eventName: string;
  readonly value: number;
  readonly time: number;
  readonly user: object;
  readonly metadata: Readonly<Record<string, string>>;
}

async function start(
  t: TestContext,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly events: EventOrigin; readonly proxy: TestProxy }> {
  const [origin, events] = [await startFakeOrigin(), await startEventOrigin()];
  const proxy = await startProxy({
    origin: origin.url,
    eventOrigin: events.url,
    args: ['--statsig-logging', ...args],
    env: { STATSIG_SERVER_SDK_KEY: OWN_KEY, ...env },
  });
  t.after(async () => {
    await proxy.app.stop();
    await Promise.all([origin.close(), events.close()]);
  });
  return { events, proxy };
}

function eventsOf({ taken }: EventOrigin): readonly Told[] {
  return taken.flatMap(
    ({ body }) => (JSON.parse(body.toString()) as { readonly events: readonly Told[] }).events,
  );
}

test('what waits leaves at the stop, in the shape of SFP, under the key of its own project', async (t) => {
  const { events, proxy } = await start(t);
  const startMs = Date.now();
  await fetch(`${proxy.url}${SPEC}/${SDK_KEY}.json`);
  await proxy.app.stop();
  assert.deepEqual(
    events.taken.map(({ sdkKey }) => sdkKey),
    [OWN_KEY],
  );
  const told = eventsOf(events);
  const answer = told.find(({ eventName }) => eventName.endsWith('HttpServerRequestSuccess.latency'));
  assert.equal(answer?.eventName, 'statsig.forward_proxy.HttpServerRequestSuccess.latency');
  assert.ok(answer.value > 0);
  assert.ok(answer.time >= startMs && answer.time <= Date.now());
  assert.deepEqual(answer.user, { customIDs: { podID: 'test-replica' } });
  assert.equal(answer.metadata['path'], `${SPEC}/`);
  assert.equal(answer.metadata['status_code'], '200');
  assert.equal(answer.metadata['sdk_key'], `${SDK_KEY.slice(0, SDK_KEY.length / 2)}***`);
  assert.ok(
    told.some(({ eventName, value }) => eventName.endsWith('ConfigSpecStoreGotData.count') && value === 1),
  );
  const { body } = events.taken[0] ?? { body: Buffer.alloc(0) };
  assert.ok(!body.includes(SDK_KEY));
  assert.match(
    body.toString(),
    /"statsigMetadata":\{"sdkType":"spec-forward-proxy","sdkVersion":"0\.0\.0"\}/,
  );
});

test('--statsig-logging-tags replace the name of the pod, by variables', async (t) => {
  const args = ['--statsig-logging-tags', 'region:REGION,zone:ZONE'];
  const { events, proxy } = await start(t, args, { REGION: 'eu' });
  await fetch(`${proxy.url}/v1/health`);
  await proxy.app.stop();
  assert.deepEqual(eventsOf(events)[0]?.user, { customIDs: { region: 'eu', zone: 'empty' } });
});

test('without a key the options are wrong', () => {
  const faultsOf = (env: Readonly<Record<string, string>>): readonly string[] => {
    const typed = readCommandLine(['http', 'disabled', '--statsig-logging'], '0.0.0');
    if (typed.kind !== 'run') return [];
    const folderFault = (): undefined => undefined;
    const around = {
      env,
      readFile: () => '',
      hostName: 'host',
      nowMs: 0,
      fallbackDataDir: '/nonexistent',
      folderFault,
    };
    const loaded = loadConfig(typed.line, around);
    return loaded.kind === 'faults' ? loaded.faults : [];
  };
  assert.match(faultsOf({})[0] ?? '', /--statsig-logging needs STATSIG_SERVER_SDK_KEY/);
  const faults = faultsOf({ STATSIG_SERVER_SDK_KEY: 'secret-with spaces' });
  assert.match(faults[0] ?? '', /is not a valid SDK key/);
  assert.ok(!faults.join().includes('with spaces'));
  assert.deepEqual(faultsOf({ STATSIG_SERVER_SDK_KEY: OWN_KEY }), []);
});

interface Bench {
  readonly clock: ManualClock;
  readonly events: SfpEvents;
  readonly sink: StatsigSink;
  readonly batches: ReceivedBatch[];
}

function createBench(acceptance: 'accepted' | 'full' = 'accepted'): Bench {
  const [clock, batches] = [new ManualClock(), [] as ReceivedBatch[]];
  const options = { sdkKey: OWN_KEY, customIds: {}, prefix: 'p.', version: '0' };
  const sink = new StatsigSink(clock, createTestLog(), options);
  sink.open({
    accept: async (batch) => {
      batches.push(batch);
      return { kind: acceptance };
    },
  });
  const events = new SfpEvents(new SfpTags(new SdkKeyForms('sfp')), [sink]);
  return { clock, events, sink, batches };
}

test('a batch leaves when it is full, or after a minute, and none where nothing happened', () => {
  const { clock, events, batches } = createBench();
  clock.advance(60_000);
  assert.equal(batches.length, 0);
  events.record('RedisCacheReadMiss', {});
  clock.advance(59_999);
  assert.equal(batches.length, 0);
  clock.advance(60_001);
  assert.equal(batches.length, 1);
  for (let index = 0; index < 500; index += 1) events.record('RedisCacheReadMiss', {});
  assert.equal(batches.length, 2);
});

test('events beyond a number per second are left out and counted, and those that the queue does not take', async () => {
  const { clock, events, sink, batches } = createBench();
  for (let index = 0; index < 3 * EVENTS_PER_SECOND_MAX; index += 1) events.record('RedisCacheReadMiss', {});
  assert.equal(batches.length, EVENTS_PER_SECOND_MAX / 500);
  assert.equal(sink.dropped, 2 * EVENTS_PER_SECOND_MAX);
  clock.advance(1_000);
  for (let index = 0; index < 500; index += 1) events.record('RedisCacheReadMiss', {});
  assert.equal(batches.length, EVENTS_PER_SECOND_MAX / 500 + 1);
  const refused = createBench('full');
  for (let index = 0; index < 500; index += 1) refused.events.record('RedisCacheReadMiss', {});
  await settle();
  assert.equal(refused.sink.dropped, 500);
});

test('what becomes of its own batches makes no more of them, and after the end nothing is kept', () => {
  const { clock, events, sink, batches } = createBench();
  events.record('LogEventStoreDeduped', { sdkKey: OWN_KEY, events: 3 });
  clock.advance(60_000);
  assert.equal(batches.length, 0);
  sink.close();
  for (let index = 0; index < 10_000; index += 1) {
    events.record('RedisCacheReadMiss', {});
    clock.advance(10);
  }
  assert.equal(batches.length, 0);
  assert.ok(sink.dropped >= 9_500);
});
