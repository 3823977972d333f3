// What the published SDKs of Replane do with answers of a server, good and bad: what a relay between them has to suit.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { eventually, within } from '../../e2e/deadline.js';
import { ReplaneOrigin } from '../../fakes/replane/replane-origin.js';
import type { ReplaneProject } from '../../fakes/replane/replane-project.js';
import { SdkApp, sdkVersions, type SdkOptions, type SdkVersion } from '../../fakes/replane/replane-sdk.js';
import { HTML_PAGE, piecesOf, refusal, type StreamPlan } from '../../fakes/replane/stream-plan.js';

const NEVER_MS = 3_600_000;

interface Scene {
  readonly version: SdkVersion;
  readonly origin: ReplaneOrigin;
  readonly sdkKey: string;
  readonly project: ReplaneProject;
  readonly app: (options?: SdkOptions) => SdkApp;
}

/** One test for each version. */
function row(sentence: string, run: (scene: Scene, t: TestContext) => Promise<void>): void {
  for (const version of sdkVersions) {
    test(`${version}: ${sentence}`, async (t) => {
      const origin = await ReplaneOrigin.start();
      t.after(() => origin.down());
      const { sdkKey, project } = origin.addKey();
      const app = (options: SdkOptions = {}): SdkApp => {
        const made = new SdkApp(options.baseUrl ?? origin.url, sdkKey, { version, ...options });
        t.after(() => {
          made.disconnect();
        });
        return made;
      };
      await run({ version, origin, sdkKey, project, app }, t);
    });
  }
}

/** The first requests are answered by these plans, one each, and all others honestly. */
function first(origin: ReplaneOrigin, ...plans: readonly Partial<StreamPlan>[]): void {
  const before = origin.requests.length;
  origin.plan = () => plans[origin.requests.length - before - 1] ?? {};
}

row('asks with its key, its name and what it holds', async ({ version, origin, sdkKey, app, project }) => {
  project.set('a', 1);
  await app({ baseUrl: `${origin.url}//`, defaults: { d: 0 } }).connect();
  const [seen] = origin.requests;
  assert.equal(seen?.path, '/api/sdk/v1/replication/stream');
  assert.equal(seen.headers.authorization, `Bearer ${sdkKey}`);
  assert.equal(seen.headers.accept, 'text/event-stream');
  assert.equal(seen.headers['content-type'], 'application/json');
  assert.equal(seen.headers['user-agent'], `replane-js-sdk/${version}`);
  const held = [{ name: 'd', overrides: [], value: 0 }];
  assert.deepEqual(JSON.parse(seen.body), { currentConfigs: held, requiredConfigs: [] });
});

row('asks again after any refusal, 401 included, and minds no Retry-After', async ({ origin, app }) => {
  const refusals = [400, 401, 403, 404, 500, 503].map((status) => refusal(status, 'no'));
  for (const plan of [HTML_PAGE, refusal(429, 'no', { 'retry-after': '3600' }), ...refusals]) {
    first(origin, plan, plan);
    const client = app();
    await client.connect();
    assert.match(client.complaints.join('\n'), /retrying in 20ms.*\n.*retrying in 40ms/);
    assert.equal(client.complaints.length, 2);
    client.disconnect();
  }
});

row('asks again where no head comes in time', async ({ origin, app }) => {
  first(origin, { headAfterMs: Infinity });
  const client = app({ requestTimeoutMs: 300 });
  await client.connect();
  assert.ok(client.complaints.length >= 1);
});

row('asks again at once, without end, where a stream ends cleanly', async ({ origin, app }) => {
  origin.plan = () => ({ then: 'end' });
  await app({ retryDelayMs: NEVER_MS }).connect();
  await eventually('50 requests', () => origin.requests.length >= 50);
});

row('waits its first delay after each stream that is cut', async ({ origin, app }) => {
  first(origin, ...Array<Partial<StreamPlan>>(5).fill({ then: 'cut' }));
  const client = app();
  await client.connect();
  await eventually('reconnects', () => origin.requests.length === 6);
  assert.equal(client.complaints.filter((text) => text.includes('retrying in 20ms')).length, 5);
});

row('gives up a stream without bytes, and takes a comment for one', async ({ origin, app, project }) => {
  project.set('a', 1);
  const client = app({ inactivityTimeoutMs: 300 });
  await client.connect();
  origin.silence();
  project.set('a', 2);
  await eventually('next stream', () => client.get('a') === 2);
});

row('takes frames of other forms, and passes over what it does not know', async (scene) => {
  const { origin, sdkKey, app } = scene;
  const client = app();
  await client.connect();
  const change = (name: string, more = ''): string =>
    `{"type":"config_change","config":{"name":"${name}","overrides":[],"value":1${more}}${more}}`;
  origin.write(sdkKey, 'data: {"type":"surprise","config":1}\n\n');
  origin.write(
    sdkKey,
    `id: 7\nevent: config_change\nretry: 9\ndata: ${change('fields', ',"new":{"x":[]}')}\n\n`,
  );
  origin.write(sdkKey, `data: ${change('crlf')}\r\n\r\n`);
  origin.write(sdkKey, `data: ${change('lines').replace(',', ',\ndata: ')}\n\n`);
  for (const name of ['fields', 'crlf', 'lines']) await eventually(name, () => client.get(name) === 1);
  assert.equal(origin.requests.length, 1);
});

row('serves the value of a change without overrides, and complains at each read', async (scene) => {
  const client = scene.app();
  await client.connect();
  scene.origin.write(scene.sdkKey, 'data: {"type":"config_change","config":{"name":"bare","value":3}}\n\n');
  await eventually('change', () => client.get('bare') === 3);
  client.complaints.length = 0;
  assert.equal(client.get('bare'), 3);
  assert.match(client.complaints.join(), /error evaluating overrides/);
});

row('opens another stream after a frame of broken JSON', async ({ origin, sdkKey, app }) => {
  await app().connect();
  origin.write(sdkKey, 'data: {"type":"config_ch\n\n');
  await eventually('next stream', () => origin.requests.length === 2);
});

row('tells subscribers every config of an init anew, and keeps what is not in it', async (scene) => {
  const { origin, project, app } = scene;
  project.set('same', 1);
  project.set('gone', 1);
  const client = app();
  for (const name of ['same', 'gone']) client.subscribe(name);
  await client.connect();
  project.delete('gone');
  // Unlike the server, which gives back what the client says it holds.
  origin.plan = () => ({ initAfterMs: Infinity });
  origin.cut();
  await eventually('next stream', () => origin.requests.length === 2 && origin.openStreams() === 1);
  origin.write(
    scene.sdkKey,
    'data: {"type":"init","configs":[{"name":"same","value":1,"overrides":[]}]}\n\n',
  );
  await eventually('init', () => client.told['same']?.length === 2);
  assert.deepEqual(client.told['gone'], [1]);
  assert.equal(client.get('gone'), 1);
});

row('reads gzip, and frames that are cut anywhere', async ({ origin, project, app }) => {
  project.set('ä', '€'.repeat(100));
  for (const plan of [
    { isGzipped: true },
    { pieces: piecesOf(1) },
    { isGzipped: true, pieces: piecesOf(3) },
  ]) {
    origin.plan = () => plan;
    const client = app();
    await client.connect();
    assert.equal(client.get('ä'), '€'.repeat(100));
    assert.deepEqual(client.complaints, []);
    client.disconnect();
  }
});

row('sends all it holds at each reconnect, above 1 MiB too', async ({ origin, project, app }) => {
  project.set('large', 'x'.repeat(1_100_000));
  await app().connect();
  origin.cut();
  await eventually('next stream', () => origin.requests.length === 2);
  assert.ok((origin.requests[1]?.body.length ?? 0) > 1_100_000);
});

row(
  'ends the process that it cannot connect, though its error was caught',
  async ({ origin, sdkKey, version }) => {
    origin.plan = () => refusal(401, 'Invalid SDK key');
    const options = { baseUrl: origin.url, sdkKey, connectTimeoutMs: 100 };
    const worker = new Worker(
      `import('replane-sdk-${version}').then(({ Replane }) =>
      new Replane({ logger: { info() {}, warn() {}, error() {} } })
        .connect(${JSON.stringify(options)})
        .catch(({ code }) => require('node:worker_threads').parentPort.postMessage(code)));`,
      { eval: true },
    );
    // Either may arrive first, and `once` of one would fail for the other.
    const message = new Promise<string>((resolve) => worker.once('message', resolve));
    const error = new Promise<Error>((resolve) => worker.once('error', resolve));
    const [caught, crash] = await within(Promise.all([message, error]), 'end of the application');
    assert.equal(caught, 'timeout');
    assert.match(String(crash), /connection timed out/);
  },
);
