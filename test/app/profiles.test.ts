// Profiles of a whole app: by the admin port, of what, for how long, and what ends them; and sent to Google Cloud by a flag.
import assert from 'node:assert/strict';
import { get as request } from 'node:http';
import { test, type TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { due, startGoogle } from '../fakes/google-cloud.js';
import { startProxy, type TestProxy, type TestProxyOptions } from '../fakes/proxy.js';
import { rawRequest, type RawAnswer } from '../fakes/raw-request.js';
import { NO_ORIGIN, specPath, startOrigin } from '../process/origin.js';
import { decodeProfile } from '../profiling/decoded-profile.js';

async function start(t: TestContext, options: Partial<TestProxyOptions> = {}): Promise<TestProxy> {
  const proxy = await startProxy({ origin: NO_ORIGIN, ...options });
  t.after(() => proxy.app.stop());
  return proxy;
}

function ask({ adminUrl }: TestProxy, path: string, method = 'GET'): Promise<RawAnswer> {
  return rawRequest(`${adminUrl}${path}`, { method });
}

function reasonOf({ text }: RawAnswer): unknown {
  return (JSON.parse(text) as { readonly reason?: unknown }).reason;
}

test('both kinds come as files that pprof reads, and are counted and logged', async (t) => {
  const proxy = await start(t);
  for (const [name, sampleType] of [
    ['profile', 'wall'],
    ['heap', 'inuse_space'],
  ] as const) {
    const response = await fetch(`${proxy.adminUrl}/debug/pprof/${name}?seconds=1`);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'application/octet-stream');
    assert.equal(response.headers.get('content-disposition'), `attachment; filename="${name}.pb.gz"`);
    assert.equal(response.headers.get('cache-control'), 'no-store');
    const { sampleTypes } = decodeProfile(new Uint8Array(await response.arrayBuffer()));
    assert.ok(sampleTypes.includes(sampleType), sampleTypes.join());
    await proxy.logs.waitFor(({ msg, profile }) => msg === 'profile collected' && profile === name);
  }
  const { text } = await ask(proxy, '/metrics');
  assert.match(text, /^sfp_profiles_total\{kind="wall",outcome="collected"\} 1$/m);
  assert.match(text, /^sfp_profiles_total\{kind="heap",outcome="collected"\} 1$/m);
});

test('seconds are a whole number within the bound', async (t) => {
  const proxy = await start(t);
  for (const seconds of ['0', '-1', '61', '1.5', '', 'x', '1&seconds=2', '99999']) {
    const answer = await ask(proxy, `/debug/pprof/heap?seconds=${seconds}`);
    assert.equal(answer.status, 400, seconds);
    assert.equal(reasonOf(answer), 'request_invalid');
    assert.match(answer.text, /from 1 to 60/);
  }
});

test('HEAD collects nothing', async (t) => {
  const proxy = await start(t);
  for (const name of ['profile', 'heap']) {
    assert.equal((await ask(proxy, `/debug/pprof/${name}?seconds=60`, 'HEAD')).status, 404);
  }
});

test('a client that leaves ends its profile, which keeps others from theirs until then', async (t) => {
  const proxy = await start(t);
  const leaving = request(`${proxy.adminUrl}/debug/pprof/profile?seconds=60`);
  // It is cut off, which is what this test is about.
  leaving.on('error', () => undefined);
  let refused: RawAnswer | undefined;
  await eventually('the first collection', async () => {
    const answer = await ask(proxy, '/debug/pprof/heap?seconds=1');
    if (answer.status === 503) refused = answer;
    return refused !== undefined;
  });
  assert.ok(refused !== undefined);
  assert.deepEqual([reasonOf(refused), refused.headers['retry-after']], ['profiler_busy', '10']);
  leaving.destroy();
  await eventually('its end', async () => (await ask(proxy, '/debug/pprof/heap?seconds=1')).status === 200);
  await proxy.logs.waitFor(
    ({ msg, reason }) => msg === 'profile not collected' && reason === 'profile_ended',
  );
});

test('a stop ends a profile with an answer', async (t) => {
  const proxy = await start(t);
  const waiting = ask(proxy, '/debug/pprof/profile?seconds=60');
  await eventually(
    'the collection',
    async () => (await ask(proxy, '/debug/pprof/heap?seconds=1')).status === 503,
  );
  await proxy.app.stop();
  const answer = await waiting;
  assert.deepEqual([answer.status, reasonOf(answer)], [503, 'stopping']);
});

const FORCE = ['--force-gcp-profiling-enabled', '--force_gcp_profiling_enabled'];

test('the flag of SFP, in both its spellings, sends profiles to Google Cloud; nothing else does', async (t) => {
  for (const flag of [undefined, ...FORCE]) {
    const google = await startGoogle(t);
    google.give(due('WALL', '0.100s'));
    const env = { GCE_METADATA_HOST: google.host, CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDPROFILER: google.url };
    const proxy = await start(t, { args: flag === undefined ? [] : [flag], env });
    const statusNow = async (): Promise<Status> => JSON.parse((await ask(proxy, '/status')).text) as Status;
    if (flag === undefined) {
      assert.equal((await statusNow()).profiles.googleCloud, undefined);
    } else {
      await eventually('delivery', async () => (await statusNow()).profiles.googleCloud?.sent === 1);
      const { profiles } = await statusNow();
      assert.deepEqual(profiles.collected, { wall: { collected: 1 } });
      assert.match((await ask(proxy, '/metrics')).text, /^sfp_profiles_sent_total 1$/m);
    }
    await proxy.app.stop();
    assert.equal(google.requests.length === 0, flag === undefined);
  }
});

interface Status {
  readonly status: string;
  readonly profiles: {
    readonly collected: object;
    readonly gate?: unknown;
    readonly googleCloud?: { readonly sent: number; readonly failing?: { readonly reason: string } };
  };
}

test('where the machine is not of Google, one line says so and nothing else changes', async (t) => {
  const proxy = await start(t, { args: FORCE.slice(0, 1), env: { GCE_METADATA_HOST: '127.0.0.1:9' } });
  const line = await proxy.logs.waitFor(({ msg }) =>
    String(msg).startsWith('no profiles reach Google Cloud'),
  );
  assert.deepEqual([line['level'], line['reason']], ['warn', 'no_metadata']);
  const { status, profiles } = JSON.parse((await ask(proxy, '/status')).text) as Status;
  assert.deepEqual([status, profiles.googleCloud?.failing?.reason], ['ok', 'no_metadata']);
  const heap = await ask(proxy, '/debug/pprof/heap?seconds=1');
  assert.equal(heap.status, 200);
  assert.equal(proxy.logs.lines.filter(({ level }) => level === 'warn').length, 1);
});

const GATE = 'enable_gcp_profiler_for_sfp';
const OWN_KEY = 'secret-gatekey0123456789';

test('the gate of the project switches it on and off while the proxy runs, by the spec that it polls', async (t) => {
  const [google, origin] = [await startGoogle(t), await startOrigin(t)];
  const env = {
    STATSIG_SERVER_SDK_KEY: OWN_KEY,
    GCE_METADATA_HOST: google.host,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDPROFILER: google.url,
  };
  const args = ['-p', '1', '--sdk-keys-policy', 'pinned', '--sdk-keys', 'secret-another0123456789'];
  const proxy = await start(t, { origin: origin.url, args, env });
  const gateNow = async (): Promise<unknown> =>
    (JSON.parse((await ask(proxy, '/status')).text) as Status).profiles.gate;
  await eventually('a closed gate', async () => (await gateNow()) === 'closed');
  assert.equal(google.requests.length, 0);
  const { time } = origin.project;
  origin.project = { ...origin.project, time: time + 1, openGates: [GATE] };
  await eventually('a question', () => google.waiting === 1);
  assert.equal(await gateNow(), 'open');
  origin.project = { ...origin.project, time: time + 2, openGates: [] };
  await eventually('the end of the question', () => google.waiting === 0);
  assert.equal(await gateNow(), 'closed');
  origin.project = { ...origin.project, time: time + 3, openGates: [GATE] };
  google.give(due('HEAP', undefined));
  await eventually('a delivery', () => google.requests.some(({ method }) => method === 'PATCH'));
  assert.ok(!proxy.logs.text.includes(OWN_KEY));
  // Of its own key the proxy asks for what the SDK reads, and nothing else.
  const asked = new Set(
    origin.requests.map(({ url }) => url.split('?')[0]).filter((url) => url?.includes(OWN_KEY)),
  );
  assert.deepEqual([...asked], [specPath(OWN_KEY)]);
});

test('with the flag, no gate is asked for', async (t) => {
  const [google, origin] = [await startGoogle(t), await startOrigin(t)];
  const env = { STATSIG_SERVER_SDK_KEY: OWN_KEY, GCE_METADATA_HOST: google.host };
  const endpoint = { CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDPROFILER: google.url };
  const proxy = await start(t, { origin: origin.url, args: FORCE.slice(0, 1), env: { ...env, ...endpoint } });
  await eventually('a question', () => google.waiting === 1);
  assert.equal((JSON.parse((await ask(proxy, '/status')).text) as Status).profiles.gate, undefined);
  assert.deepEqual(origin.requests, []);
});
