// What Google's variables come to, and that none of them keeps the proxy from starting.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProfilingConfig } from '../../src/config/profiling-config.js';
import { loadLine } from './loading.js';

const ENDPOINT = 'CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDPROFILER';

function load(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { readonly profiling: ProfilingConfig; readonly notices: readonly string[] } {
  const loaded = loadLine(['http', 'disabled', ...args], { env });
  assert.ok(loaded.kind === 'loaded', JSON.stringify(loaded));
  return { profiling: loaded.config.profiling, notices: loaded.notices };
}

test('nothing is sent to Google Cloud, and its variables are not looked at, where nobody asks for it', () => {
  const env = { GOOGLE_CLOUD_PROJECT: 'a project', [ENDPOINT]: 'nonsense' };
  assert.deepEqual(load([], env), {
    profiling: { google: undefined, gateProject: undefined },
    notices: [],
  });
});

test('with the flag, in both spellings and as a variable, there are defaults for all of it', () => {
  const google = {
    projectId: undefined,
    credentialsFile: undefined,
    metadataHost: 'metadata.google.internal',
    endpoint: new URL('https://cloudprofiler.googleapis.com/'),
    service: 'spec-forward-proxy',
    version: undefined,
  };
  for (const flag of ['--force-gcp-profiling-enabled', '--force_gcp_profiling_enabled']) {
    assert.deepEqual(load([flag]).profiling.google, google);
  }
  assert.deepEqual(load([], { SFP_FORCE_GCP_PROFILING_ENABLED: 'true' }).profiling.google, google);
});

test("Google's variables count, the more telling ones first", () => {
  const env = {
    GOOGLE_CLOUD_PROJECT: 'first',
    GCP_PROJECT: 'second',
    GCLOUD_PROJECT: 'third',
    GOOGLE_APPLICATION_CREDENTIALS: '/keys/profiler.json',
    gce_metadata_host: '169.254.169.254:80',
    [ENDPOINT]: 'https://profiler.example/below',
    K_SERVICE: 'on-cloud-run',
    GAE_SERVICE: 'on-app-engine',
    K_REVISION: 'on-cloud-run-00042-abc',
    GAE_VERSION: '20261126t061402',
    DD_VERSION: '4.5',
  };
  assert.deepEqual(load(['--force-gcp-profiling-enabled'], env), {
    profiling: {
      google: {
        projectId: 'first',
        credentialsFile: '/keys/profiler.json',
        metadataHost: '169.254.169.254:80',
        endpoint: new URL('https://profiler.example/below/'),
        service: 'on-cloud-run',
        version: 'on-cloud-run-00042-abc',
      },
      gateProject: undefined,
    },
    notices: [],
  });
  const less = { ...env, K_SERVICE: '', K_REVISION: '', GOOGLE_CLOUD_PROJECT: '' };
  const { google } = load(['--force-gcp-profiling-enabled'], less).profiling;
  assert.deepEqual(
    [google?.projectId, google?.service, google?.version],
    ['second', 'on-app-engine', '20261126t061402'],
  );
  const { google: last } = load(['--force-gcp-profiling-enabled'], { DD_VERSION: '4.5' }).profiling;
  assert.equal(last?.version, '4.5');
});

test('what cannot be used of them is left out with a line, and a token is sent nowhere in plain text', () => {
  const rows: readonly (readonly [string, string, RegExp])[] = [
    ['GOOGLE_CLOUD_PROJECT', 'a/b', /the id of a project/],
    ['GCE_METADATA_HOST', 'http://metadata', /a host, and perhaps a port/],
    ['K_SERVICE', 'Upper', /lower-case/],
    ['GAE_VERSION', 'a b', /letters, digits/],
    [ENDPOINT, 'profiler', /https:\/\/, or http:\/\/ of this machine/],
    [ENDPOINT, 'http://profiler.example/', /https:\/\/, or http:\/\/ of this machine/],
  ];
  const { profiling: expected } = load(['--force-gcp-profiling-enabled']);
  for (const [name, text, must] of rows) {
    const { profiling, notices } = load(['--force-gcp-profiling-enabled'], { [name]: text });
    assert.deepEqual(profiling, expected, name);
    assert.equal(notices.length, 1, name);
    assert.match(notices[0] ?? '', new RegExp(`^variable ${name} is ignored: it must be .*${must.source}`));
  }
});

const OWN_KEY = 'secret-gatekey0123456789';

test("the proxy's own key has a gate, asked for as SFP does, unless the flag has decided", () => {
  const env = { STATSIG_SERVER_SDK_KEY: OWN_KEY, HOSTNAME: 'pod-1', ZONE: 'a' };
  const { google, gateProject } = load([], env).profiling;
  assert.ok(google !== undefined);
  assert.deepEqual(gateProject, { sdkKey: OWN_KEY, customIds: { podID: 'pod-1' } });
  assert.deepEqual(
    load(['--statsig-logging-tags', 'zone:ZONE,x:NONE'], env).profiling.gateProject?.customIds,
    {
      zone: 'a',
      x: 'empty',
    },
  );
  assert.equal(load(['--force-gcp-profiling-enabled'], env).profiling.gateProject, undefined);
});

test("the proxy's own key must be valid, and takes a place among the keys", () => {
  const faultsOf = (args: readonly string[], key: string): readonly string[] => {
    const loaded = loadLine(['http', 'disabled', ...args], { env: { STATSIG_SERVER_SDK_KEY: key } });
    return loaded.kind === 'faults' ? loaded.faults : [];
  };
  assert.match(faultsOf([], 'not a key').join(), /^STATSIG_SERVER_SDK_KEY is not a valid SDK key/);
  const one = ['--maximum-concurrent-sdk-keys', '1', '--sdk-keys'];
  assert.match(faultsOf([...one, 'secret-another'], OWN_KEY).join(), /^2 SDK keys are pinned, more than/);
  assert.deepEqual(faultsOf([...one, OWN_KEY], OWN_KEY), []);
  assert.deepEqual(faultsOf([...one, 'secret-another', '--force-gcp-profiling-enabled'], OWN_KEY), []);
});
