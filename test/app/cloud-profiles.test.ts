// Profiles to Google Cloud against a server that stands in for it: asking, waiting, delivering, errors, pauses, and the end in the middle.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { heap } from '@datadog/pprof';
import { jwtVerify } from 'jose';
import { buildCloudProfiles } from '../../src/app/cloud-profiles.js';
import { Collector, type LoadProfiler } from '../../src/profiling/collector.js';
import { TOKEN_MS_MAX } from '../../src/profiling/google/access-token.js';
import { backoffMs, type CloudAgent } from '../../src/profiling/google/cloud-agent.js';
import { METADATA_MS_MAX } from '../../src/profiling/google/metadata-server.js';
import { CREATE_MS_MAX, UPLOAD_MS_MAX } from '../../src/profiling/google/profiler-api.js';
import { loadLine } from '../config/loading.js';
import { eventually } from '../e2e/deadline.js';
import { due, PROJECT, refusal, startGoogle, type Answer, type FakeGoogle } from '../fakes/google-cloud.js';
import { createTestLog, LogSink, type LogLine } from '../fakes/log-sink.js';
import { ManualClock, settle } from '../fakes/manual-clock.js';
import { temporaryFile } from '../process/temporary-file.js';
import { decodeProfile } from '../profiling/decoded-profile.js';

const MINUTE_MS = 60_000;
const CREATE = /^\/v2\/projects\/[^/]+\/profiles$/;
const UPLOAD = /^\/v2\/projects\/[^/]+\/profiles\/./;
const FAILING = 'no profiles reach Google Cloud: nothing else is affected';

interface Scene {
  readonly google: FakeGoogle;
  readonly agent: CloudAgent;
  readonly collector: Collector;
  readonly clock: ManualClock;
  readonly logs: LogSink;
  /** Waits for it while time hardly goes on: no request is given up on a busy machine. */
  readonly until: (what: string, look: () => boolean) => Promise<void>;
  /** Waits until the agent waits, and tells for how long. */
  readonly paused: () => Promise<number>;
  /** Lets time pass in which nothing is on its way. */
  readonly pass: (durationMs: number) => Promise<void>;
}

interface SceneOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly load?: LoadProfiler;
}

async function open(t: TestContext, { env = {}, load }: SceneOptions = {}): Promise<Scene> {
  const google = await startGoogle(t);
  const clock = new ManualClock();
  const logs = new LogSink();
  const config = loadLine(['http', 'disabled', '--force-gcp-profiling-enabled'], {
    env: {
      GCE_METADATA_HOST: google.host,
      CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDPROFILER: google.url,
      ...env,
    },
  });
  assert.ok(config.kind === 'loaded');
  const settings = config.config.profiling.google;
  assert.ok(settings !== undefined);
  const world = {
    clock,
    log: createTestLog(logs),
    version: '1.2.3',
    user: undefined,
    openFilesMax: Infinity,
    memoryBytesMax: Infinity,
  };
  const collector = new Collector(clock, load);
  const cloud = buildCloudProfiles(config.config, world, settings, collector);
  t.after(async () => {
    cloud.agent.stop();
    await cloud.close();
    await eventually('end of sampling', isHeapFree);
  });
  return {
    google,
    agent: cloud.agent,
    collector,
    clock,
    logs,
    until: (what, look) =>
      eventually(what, () => {
        clock.advance(1);
        return look();
      }),
    paused: async () => {
      await eventually('a pause', () => {
        clock.advance(0);
        return cloud.agent.standing.nextInMs !== undefined;
      });
      return cloud.agent.standing.nextInMs ?? 0;
    },
    pass: async (durationMs) => {
      await settle();
      clock.advance(durationMs);
      await settle();
    },
  };
}

/** Allocations are sampled for one at a time in the whole process. */
function isHeapFree(): boolean {
  try {
    heap.start(512 * 1024, 64);
    heap.stop();
    return true;
  } catch {
    // Somebody still samples, which the caller waits for.
    return false;
  }
}

function jsonOf(request: { readonly body: string } | undefined): Readonly<Record<string, unknown>> {
  return JSON.parse(request?.body ?? '{}') as Readonly<Record<string, unknown>>;
}

function warnings(logs: LogSink): readonly LogLine[] {
  return logs.lines.filter(({ level }) => level === 'warn');
}

test('a profile that is due is collected and delivered, with what the machine says of itself', async (t) => {
  const { google, agent, logs, until, paused, pass } = await open(t);
  google.give(due('WALL', '0.050s', 'wall-1'));
  agent.start();
  agent.start();
  await until('delivery', () => agent.standing.sent === 1);
  const [created] = google.seen(CREATE);
  assert.equal(created?.method, 'POST');
  assert.equal(created.headers.authorization, 'Bearer of-the-machine');
  const deployment = {
    projectId: PROJECT,
    target: 'spec-forward-proxy',
    labels: { language: 'nodejs', version: '1.2.3', zone: 'europe-west1-b' },
  };
  assert.deepEqual(jsonOf(created), { deployment, profileType: ['WALL', 'HEAP'] });
  const [uploaded] = google.seen(UPLOAD);
  assert.deepEqual([uploaded?.method, uploaded?.path], ['PATCH', `/v2/projects/${PROJECT}/profiles/wall-1`]);
  const { profileBytes, ...rest } = jsonOf(uploaded);
  const name = `projects/${PROJECT}/profiles/wall-1`;
  assert.deepEqual(rest, {
    name,
    profileType: 'WALL',
    duration: '0.050s',
    labels: { instance: 'machine-7' },
  });
  const { sampleTypes } = decodeProfile(Buffer.from(String(profileBytes), 'base64'));
  assert.deepEqual(sampleTypes, ['sample', 'wall']);
  for (const request of google.requests.filter(({ path }) => path.startsWith('/computeMetadata/')))
    assert.equal(request.headers['metadata-flavor'], 'Google');

  // The next is asked for after a pause; what was learned of the machine and the token is kept.
  google.give(due('HEAP', undefined, 'heap-1'));
  const pauseMs = await paused();
  assert.ok(pauseMs > 9_000 && pauseMs <= 10_000, `${pauseMs} ms`);
  await pass(pauseMs - 1);
  assert.equal(google.seen(CREATE).length, 1);
  await pass(1);
  await until('second delivery', () => agent.standing.sent === 2);
  const heapBytes = jsonOf(google.seen(UPLOAD)[1])['profileBytes'];
  assert.ok(decodeProfile(Buffer.from(String(heapBytes), 'base64')).sampleTypes.includes('inuse_space'));
  assert.equal(google.seen(/computeMetadata/).length, 4);
  assert.equal(logs.withMessage('profiles are sent to Google Cloud').length, 1);
  assert.deepEqual(warnings(logs), []);
});

test('the service may let us wait for as long as it likes; switched off meanwhile, nothing is asked or sent any more', async (t) => {
  const { google, agent, logs, until, pass } = await open(t);
  agent.start();
  await until('question', () => google.waiting === 1);
  await pass(59 * MINUTE_MS);
  assert.equal(google.waiting, 1);
  agent.stop();
  await until('end of the question', () => google.waiting === 0);
  await pass(60 * MINUTE_MS);
  assert.equal(google.seen(CREATE).length, 1);
  assert.equal(logs.withMessage('profiles are no longer sent to Google Cloud').length, 1);
  assert.deepEqual(agent.standing, { isOn: false, sent: 0, nextInMs: undefined, failing: undefined });
  agent.start();
  await until('another question', () => google.waiting === 1);
  assert.deepEqual(warnings(logs), []);
});

test('switched off while a profile is collected, it is not sent; switched on again, the next one is', async (t) => {
  const { google, agent, collector, until } = await open(t);
  google.give(due('WALL', '50s', 'never'));
  agent.start();
  await until('collection', () => collector.isCollecting);
  agent.stop();
  await until('its end', () => !collector.isCollecting);
  assert.deepEqual([...(collector.outcomes.get('wall') ?? [])], [['profile_ended', 1]]);
  google.give(due('HEAP', undefined, 'later'));
  agent.start();
  await until('delivery', () => agent.standing.sent === 1);
  assert.deepEqual(
    google.seen(UPLOAD).map(({ path }) => path),
    [`/v2/projects/${PROJECT}/profiles/later`],
  );
});

const RETRY_INFO = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '90.5s' };

test('what the service says of the next time is kept to, and is no failure where it has enough', async (t) => {
  const { google, agent, logs, until, paused, pass } = await open(t);
  google.give(refusal(409, 'action throttled, backoff for 1m30s', [{ '@type': 'other' }, RETRY_INFO]));
  agent.start();
  assert.equal(await paused(), 90_500);
  assert.equal(agent.standing.failing, undefined);
  google.give(refusal(409, 'action throttled', [{ ...RETRY_INFO, retryDelay: '900000s' }]));
  await pass(90_500);
  await until('second question', () => google.seen(CREATE).length === 2);
  assert.equal(await paused(), 7 * 24 * 60 * MINUTE_MS);
  assert.deepEqual(warnings(logs), []);
});

test('a service that fails is asked ever more seldom, and one line says so until profiles arrive again', async (t) => {
  const { google, agent, logs, paused, pass } = await open(t);
  const denied = 'Cloud Profiler API has not been used in project 12 before or it is disabled.';
  const rows: readonly (readonly [Answer, reason: string, fromMs: number, toMs: number])[] = [
    [{ ...refusal(503, 'later'), headers: { 'retry-after': '120' } }, 'status_503', 120_000, 120_000],
    [refusal(403, denied), 'status_403', 30_000, 60_000],
    [refusal(500, ''), 'status_500', 39_000, 78_000],
    [{ status: 502, body: [] }, 'status_502', 50_700, 101_400],
  ];
  agent.start();
  for (const [answer, reason, fromMs, toMs] of rows) {
    google.give(answer);
    const pauseMs = await paused();
    assert.equal(agent.standing.failing?.reason, reason);
    assert.ok(pauseMs >= fromMs && pauseMs <= toMs, `${reason}: ${pauseMs} ms`);
    await pass(pauseMs);
  }
  assert.deepEqual(
    warnings(logs).map(({ msg, reason, detail }) => [msg, reason, detail]),
    [[FAILING, 'status_503', 'later']],
  );
  google.give(due('HEAP', undefined));
  assert.equal(await paused(), 10_000);
  assert.deepEqual([agent.standing.sent, agent.standing.failing], [1, undefined]);
  assert.equal(logs.withMessage('profiles reach Google Cloud again').length, 1);
});

test('a service that does not answer is given up in time', async (t) => {
  const path = temporaryFile(t, '', 'key.json');
  const rows: readonly (readonly [RegExp, withFile: boolean, timeoutMs: number, reason: string])[] = [
    [/project-id$/, false, METADATA_MS_MAX, 'no_metadata'],
    [/^\/token$/, true, TOKEN_MS_MAX, 'request_timeout'],
    [CREATE, false, CREATE_MS_MAX, 'request_timeout'],
    [UPLOAD, false, UPLOAD_MS_MAX, 'request_timeout'],
  ];
  for (const [silent, withFile, timeoutMs, reason] of rows) {
    const scene = await open(t, { env: withFile ? { GOOGLE_APPLICATION_CREDENTIALS: path } : {} });
    const { google, agent, clock, until, paused } = scene;
    writeFileSync(path, JSON.stringify(serviceAccount(`${google.url}token`).file));
    google.silent = silent;
    google.give(due('HEAP', undefined));
    agent.start();
    await until('request', () => google.seen(silent).length > 0);
    const failure = (): string | undefined => agent.standing.failing?.reason;
    clock.advance(timeoutMs - 1_000);
    await settle();
    assert.equal(failure(), undefined, String(silent));
    clock.advance(1_000);
    await paused();
    assert.equal(failure(), reason, String(silent));
    agent.stop();
    await eventually('end of sampling', isHeapFree);
  }
});

test('pauses between failures begin with a minute and end with an hour, or half of that', () => {
  for (let failures = 1; failures < 100; failures += 1) {
    const pauseMs = backoffMs(failures);
    assert.ok(pauseMs >= MINUTE_MS / 2 && pauseMs <= 60 * MINUTE_MS, `${failures}: ${pauseMs} ms`);
    if (failures > 17) assert.ok(pauseMs >= 30 * MINUTE_MS, `${failures}: ${pauseMs} ms`);
  }
});

test('a delivery that is refused is a failure, and a refused token is replaced', async (t) => {
  const { google, agent, logs, paused, pass } = await open(t);
  google.uploaded = refusal(401, 'Request had invalid authentication credentials.');
  google.give(due('HEAP', undefined));
  agent.start();
  const pauseMs = await paused();
  assert.deepEqual([agent.standing.failing?.reason, agent.standing.sent], ['status_401', 0]);
  google.uploaded = { status: 200, body: {} };
  google.give(due('HEAP', undefined));
  await pass(pauseMs);
  await paused();
  assert.equal(agent.standing.sent, 1);
  assert.equal(google.seen(/\/token$/).length, 2);
  assert.equal(warnings(logs).length, 1);
});

test('without a metadata server one line says so; one that comes later is found', async (t) => {
  const { google, agent, logs, paused, pass } = await open(t);
  google.flavor = 'a web server';
  agent.start();
  for (let tries = 0; tries < 3; tries += 1) {
    const pauseMs = await paused();
    assert.deepEqual(
      [agent.standing.failing?.reason, agent.standing.failing?.detail],
      ['no_metadata', `metadata server ${google.host}: something else answers there`],
    );
    if (tries === 2) google.flavor = 'Google';
    await pass(pauseMs);
  }
  google.give(due('HEAP', undefined));
  await paused();
  assert.deepEqual([agent.standing.sent, agent.standing.failing], [1, undefined]);
  assert.equal(warnings(logs).length, 1);
});

test('a machine that is not of Google is told by who does not answer', async (t) => {
  const { agent, until } = await open(t, { env: { GCE_METADATA_HOST: '127.0.0.1:9' } });
  agent.start();
  await until('failure', () => agent.standing.failing !== undefined);
  assert.match(agent.standing.failing?.detail ?? '', /^metadata server 127\.0\.0\.1:9: connection_refused: /);
});

function serviceAccount(tokenUri: string): { readonly file: object; readonly publicKey: CryptoKeyLike } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const file = {
    type: 'service_account',
    project_id: 'project-of-the-file',
    private_key_id: 'key-1',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: 'profiler@project-of-the-file.iam.gserviceaccount.com',
    token_uri: tokenUri,
  };
  return { file, publicKey };
}
type CryptoKeyLike = ReturnType<typeof generateKeyPairSync>['publicKey'];

test('a key of a service account signs for a token, anywhere', async (t) => {
  const path = temporaryFile(t, '', 'key.json');
  const scene = await open(t, {
    env: {
      GOOGLE_APPLICATION_CREDENTIALS: path,
      K_SERVICE: 'flags',
      K_REVISION: 'flags-0042',
      HOSTNAME: 'pod-1',
    },
  });
  const { google, agent, until } = scene;
  google.metadata.clear();
  const { file, publicKey } = serviceAccount(`${google.url}token`);
  writeFileSync(path, JSON.stringify(file));
  google.give(due('HEAP', undefined));
  agent.start();
  await until('delivery', () => agent.standing.sent === 1);
  const form = new URLSearchParams(google.seen(/^\/token$/)[0]?.body);
  assert.equal(form.get('grant_type'), 'urn:ietf:params:oauth:grant-type:jwt-bearer');
  const { payload, protectedHeader } = await jwtVerify(form.get('assertion') ?? '', publicKey, {
    issuer: 'profiler@project-of-the-file.iam.gserviceaccount.com',
    audience: `${google.url}token`,
    currentDate: new Date(scene.clock.nowMs()),
  });
  assert.equal(payload['scope'], 'https://www.googleapis.com/auth/monitoring.write');
  assert.deepEqual(protectedHeader, { alg: 'RS256', typ: 'JWT', kid: 'key-1' });
  const [created] = google.seen(CREATE);
  assert.equal(created?.path, '/v2/projects/project-of-the-file/profiles');
  assert.equal(created.headers.authorization, 'Bearer of-the-account');
  assert.deepEqual(jsonOf(created)['deployment'], {
    projectId: 'project-of-the-file',
    target: 'flags',
    labels: { language: 'nodejs', version: 'flags-0042' },
  });
  assert.deepEqual(jsonOf(google.seen(UPLOAD)[0])['labels'], { instance: 'pod-1' });
});

test('a project that is named counts before that of the credentials', async (t) => {
  for (const name of ['GOOGLE_CLOUD_PROJECT', 'GCP_PROJECT', 'GCLOUD_PROJECT']) {
    const { google, agent, until } = await open(t, { env: { [name]: 'named-project' } });
    agent.start();
    await until('question', () => google.waiting === 1);
    assert.equal(google.seen(CREATE)[0]?.path, '/v2/projects/named-project/profiles');
    agent.stop();
    await eventually('end of sampling', isHeapFree);
  }
});

test('credentials that cannot be used are told of by what is wrong with them, without the key', async (t) => {
  const path = temporaryFile(t, '', 'key.json');
  const scene = await open(t, { env: { GOOGLE_APPLICATION_CREDENTIALS: path } });
  const { google, agent, until, logs } = scene;
  const { file } = serviceAccount(`${google.url}token`);
  const rows: readonly (readonly [object | string, string, RegExp])[] = [
    ['{', 'credentials_unusable', /of no type/],
    [{ ...file, type: 'authorized_user' }, 'credentials_unusable', /of the type authorized_user/],
    [{ ...file, private_key: undefined }, 'credentials_unusable', /lacks client_email or private_key/],
    [{ ...file, private_key: 'very-secret' }, 'credentials_unusable', /no RSA key in PKCS #8/],
    [{ ...file, token_uri: 'nowhere' }, 'credentials_unusable', /token_uri that is no URL/],
    [{ ...file, project_id: undefined }, 'no_project', /names no project_id/],
  ];
  for (const [content, reason, detail] of rows) {
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    agent.start();
    await until(reason, () => agent.standing.failing !== undefined);
    assert.equal(agent.standing.failing?.reason, reason);
    assert.match(agent.standing.failing.detail, detail);
    agent.stop();
    await eventually('end of sampling', isHeapFree);
  }
  writeFileSync(path, JSON.stringify(file));
  google.token = {
    status: 400,
    body: { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' },
  };
  agent.start();
  await until('refusal', () => agent.standing.failing !== undefined);
  assert.deepEqual(
    [agent.standing.failing?.reason, agent.standing.failing?.detail],
    ['status_400', 'Invalid JWT Signature.'],
  );
  assert.ok(!logs.text.includes('very-secret'));
  assert.equal(google.seen(CREATE).length, 0);
});

test('credentials that are not there are told of', async (t) => {
  const { agent, until } = await open(t, { env: { GOOGLE_APPLICATION_CREDENTIALS: '/nowhere/key.json' } });
  agent.start();
  await until('failure', () => agent.standing.failing !== undefined);
  assert.equal(agent.standing.failing?.detail, '/nowhere/key.json does not exist (ENOENT)');
});

test('an answer that cannot be understood is a failure, and is not followed anywhere', async (t) => {
  const rows: readonly Answer[] = [
    due('CPU', '10s'),
    due('WALL', undefined),
    due('WALL', 'ten seconds'),
    due('WALL', '10s', '../../../elsewhere'),
    { status: 200, body: [] },
  ];
  for (const answer of rows) {
    const { google, agent, until } = await open(t);
    google.give(answer);
    agent.start();
    await until('failure', () => agent.standing.failing !== undefined);
    assert.equal(agent.standing.failing?.reason, 'answer_unusable', JSON.stringify(answer));
    assert.equal(google.seen(UPLOAD).length, 0);
    agent.stop();
    await eventually('end of sampling', isHeapFree);
  }
});

test('a token that is none is a failure', async (t) => {
  const { google, agent, until } = await open(t);
  google.metadata.set('instance/service-accounts/default/token', '<html>');
  agent.start();
  await until('failure', () => agent.standing.failing !== undefined);
  assert.equal(agent.standing.failing?.reason, 'answer_unusable');
});

test('without a profiler one line says so, and nobody is asked', async (t) => {
  const { google, agent, logs, until, pass } = await open(t, {
    load: () => Promise.reject(new Error("Cannot find package '@datadog/pprof'")),
  });
  agent.start();
  await until('line', () => warnings(logs).length === 1);
  await pass(60 * MINUTE_MS);
  assert.deepEqual(
    warnings(logs).map(({ msg, reason }) => [msg, reason]),
    [[FAILING, 'profiler_missing']],
  );
  assert.equal(google.requests.length, 0);
});
