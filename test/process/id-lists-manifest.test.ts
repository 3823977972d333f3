// The manifest of ID lists is honest, cold and warm: what the origin refuses, cannot give, gave last, and gives again.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { askForManifest, entryOf, manifestOf, startListProxy } from '../e2e/id-list-scene.js';
import { MANIFEST_REFUSAL, MANIFEST_TROUBLE, type ManifestAnswer } from '../fakes/id-list-answers.js';
import { startIdListOrigin, type IdListOrigin, type ListProject } from '../fakes/id-list-origin.js';
import { rawRequest, type RawAnswer, type RawRequest } from '../fakes/raw-request.js';
import type { Daemon } from './daemon.js';

const LIST = 'list_1';
const JSON_TYPE = { 'content-type': 'application/json; charset=UTF-8' };
/** For each wait that a silent origin costs. */
const ARGS = ['--http-read-timeout-in-s', '1', '--debug-logging'];

let keysMade = 0;

function newProject(origin: IdListOrigin): ListProject {
  keysMade += 1;
  return origin.addProject(`secret-manifestkey${keysMade}0123456789`);
}

interface Stage {
  readonly origin: IdListOrigin;
  readonly proxy: Daemon;
}

test('the manifest of ID lists', { concurrency: true }, async (t) => {
  const origin = await startIdListOrigin(t);
  const proxy = await startListProxy(t, origin, { args: ARGS });
  const cases: [name: string, run: (t: TestContext, stage: Stage) => Promise<void>][] = [
    ['is the same however it is asked for', sameByAnyQuestion],
    ['is asked for once by many who wait for it', oneFetch],
    ['that changes is served anew, and known again by its ETag', changes],
    ['of no lists is an empty object', noLists],
    ['names the host by which it was asked for', namesTheHost],
    ['is refused without a key that could be one', badKeys],
    ...Object.entries(MANIFEST_REFUSAL).flatMap(([status, answer]): typeof cases => [
      [`is refused where the origin says ${status}`, (_t, stage) => coldRefusal(stage, answer)],
      [`goes on as it was where the origin comes to say ${status}`, (_t, stage) => warm(stage, answer)],
    ]),
    ...Object.entries(MANIFEST_TROUBLE).flatMap(([trouble, answer]): typeof cases => [
      [`is not there yet where the origin's first answer is ${trouble}`, (_t, stage) => cold(stage, answer)],
      [`goes on as it was where the origin's next answer is ${trouble}`, (_t, stage) => warm(stage, answer)],
    ]),
  ];
  await Promise.all(cases.map(([name, run]) => t.test(name, (each) => run(each, { origin, proxy }))));
});

test('the manifest of a key that the origin comes to refuse is dropped where that is asked for', async (t) => {
  const origin = await startIdListOrigin(t);
  const proxy = await startListProxy(t, origin, { args: ['--clear-datastore-on-unauthorized'] });
  const project = newProject(origin);
  project.addList(LIST, 'alice');
  await manifestOf(proxy, project.sdkKey);
  project.manifestAnswer = MANIFEST_REFUSAL[401];
  await eventually('refusal', async () => (await askForManifest(proxy, project.sdkKey)).status === 401);
});

async function sameByAnyQuestion(_t: TestContext, { origin, proxy }: Stage): Promise<void> {
  const project = newProject(origin);
  project.addList(LIST, 'alice', 'bob');
  const { sdkKey } = project;
  const byHeader = { 'statsig-api-key': sdkKey };
  const path = '/v1/get_id_lists';
  const metadata = '{"statsigMetadata":{"sdkType":"py-server","sdkVersion":"0.71.6"}}';
  const questions: [path: string, request: RawRequest][] = [
    [path, { method: 'POST', headers: { ...byHeader, ...JSON_TYPE }, body: '{}' }],
    [path, { method: 'POST', headers: { ...byHeader, ...JSON_TYPE }, body: metadata }],
    // As the core SDK does it.
    [path, { method: 'POST', headers: { ...byHeader, 'content-length': 0, 'accept-encoding': 'gzip, br' } }],
    [`${path}?k=v`, { method: 'POST', headers: { ...byHeader, ...JSON_TYPE }, body: '{}' }],
    [`${path}/${sdkKey}.json`, {}],
    [`${path}/${sdkKey}`, {}],
    [path, { headers: byHeader }],
  ];
  const { size, creationTime, fileID, name, ...rest } = await entryOf(proxy, sdkKey, LIST);
  assert.deepEqual([size, creationTime, fileID, name], [20, 1_700_000_001, 'list_1-file-1', LIST]);
  assert.deepEqual(Object.keys(rest), ['url']);
  assert.match(rest.url, new RegExp(`^${proxy.url}/v1/download_id_list_file/[\\w.~-]+$`));
  const wanted = JSON.stringify(await manifestOf(proxy, sdkKey));
  for (const [target, request] of questions) {
    const headers = { 'accept-encoding': 'identity', ...request.headers };
    const answer = await rawRequest(proxy.url + target, { ...request, headers });
    assert.equal(answer.status, 200, `${request.method ?? 'GET'} ${target}: ${answer.text}`);
    assert.match(answer.headers['content-type'] ?? '', /^application\/json/);
    if (answer.headers['content-encoding'] === undefined) {
      assert.equal(JSON.stringify(JSON.parse(answer.text)), wanted);
    }
  }
  const head = await rawRequest(`${proxy.url}${path}/${sdkKey}.json`, { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.equal(head.bytes.length, 0);
}

async function oneFetch(_t: TestContext, { origin, proxy }: Stage): Promise<void> {
  const project = newProject(origin);
  project.addList(LIST, 'alice');
  const startMs = performance.now();
  const answers = await Promise.all(Array.from({ length: 30 }, () => askForManifest(proxy, project.sdkKey)));
  const tookIntervals = Math.ceil((performance.now() - startMs) / 1000);
  for (const { status } of answers) assert.equal(status, 200);
  assert.ok(
    origin.asksFor(project.sdkKey) <= tookIntervals + 1,
    `${origin.asksFor(project.sdkKey)} questions`,
  );
}

async function changes(_t: TestContext, { origin, proxy }: Stage): Promise<void> {
  const project = newProject(origin);
  const list = project.addList(LIST, 'alice');
  const url = `${proxy.url}/v1/get_id_lists/${project.sdkKey}.json`;
  const first = await rawRequest(url);
  const { etag = assert.fail('no ETag') } = first.headers;
  const unchanged = await rawRequest(url, { headers: { 'if-none-match': etag } });
  assert.deepEqual([unchanged.status, unchanged.bytes.length], [304, 0]);
  list.add('bob');
  let next = first;
  await eventually('next version', async () => {
    next = await rawRequest(url, { headers: { 'if-none-match': etag } });
    return next.status === 200;
  });
  assert.equal((await entryOf(proxy, project.sdkKey, LIST)).size, 20);
  assert.notEqual(next.headers.etag, etag);
}

async function noLists(_t: TestContext, { origin, proxy }: Stage): Promise<void> {
  const project = newProject(origin);
  assert.deepEqual(await manifestOf(proxy, project.sdkKey), {});
}

async function namesTheHost(_t: TestContext, { origin, proxy }: Stage): Promise<void> {
  const project = newProject(origin);
  project.addList(LIST, 'alice');
  const target = `${proxy.url}/v1/get_id_lists/${project.sdkKey}.json`;
  const urlFor = async (host: string): Promise<string> => {
    const { status, text } = await rawRequest(target, { headers: { host } });
    assert.equal(status, 200, text);
    return (JSON.parse(text) as Record<string, { readonly url: string }>)[LIST]?.url ?? '';
  };
  const names = ['sfp.platform.svc.cluster.local:8000', 'localhost', '[::1]:8000', '10.1.2.3:80'];
  for (const host of names) {
    assert.ok((await urlFor(host)).startsWith(`http://${host}/v1/download_id_list_file/`), host);
  }
  for (const host of ['evil"host', 'a host', 'host/path', 'user@host', 'host:port', 'host\\']) {
    assert.ok((await urlFor(host)).startsWith(`${proxy.url}/v1/download_id_list_file/`), host);
  }
}

async function badKeys(_t: TestContext, { origin, proxy }: Stage): Promise<void> {
  const before = origin.requestsOf('manifest').length;
  const path = '/v1/get_id_lists';
  const questions: [target: string, request: RawRequest, reason: string][] = [
    [path, { method: 'POST', headers: JSON_TYPE, body: '{}' }, 'sdk_key_missing'],
    [path, {}, 'sdk_key_missing'],
    [path, { method: 'POST', headers: { 'statsig-api-key': 'secret-a/b' } }, 'sdk_key_invalid'],
    [path, { method: 'POST', headers: { 'statsig-api-key': 'secret key' } }, 'sdk_key_invalid'],
    [path, { headers: { 'statsig-api-key': 's'.repeat(257) } }, 'sdk_key_invalid'],
    [`${path}/secret-%2e%2e%2f.json`, {}, 'sdk_key_invalid'],
  ];
  for (const [target, request, reason] of questions) {
    const { status, text } = await rawRequest(proxy.url + target, request);
    assert.equal(status, 400, text);
    assert.equal((JSON.parse(text) as { readonly reason: string }).reason, reason);
  }
  const asked = origin.requestsOf('manifest').slice(before);
  for (const { headers } of asked)
    assert.match(String(headers['statsig-api-key']), /^secret-manifestkey\d+$/);
}

async function coldRefusal({ origin, proxy }: Stage, answer: ManifestAnswer): Promise<void> {
  const project = newProject(origin);
  project.manifestAnswer = answer;
  assertError(await askForManifest(proxy, project.sdkKey), 401, 'key_refused');
  // Remembered for ten seconds, as a spec's refusal is.
  assertError(await askForManifest(proxy, project.sdkKey), 401, 'key_refused');
  assert.equal(origin.asksFor(project.sdkKey), 1);
}

async function cold({ origin, proxy }: Stage, answer: ManifestAnswer): Promise<void> {
  const project = newProject(origin);
  project.addList(LIST, 'alice');
  project.manifestAnswer = answer;
  const failed = await askForManifest(proxy, project.sdkKey);
  assertError(failed, 503, 'origin_failing');
  assert.match(failed.headers['retry-after'] ?? '', /^[1-9]\d*$/);
  project.manifestAnswer = undefined;
  await eventually(
    'first manifest',
    async () => (await askForManifest(proxy, project.sdkKey)).status === 200,
  );
  assert.equal((await entryOf(proxy, project.sdkKey, LIST)).size, 10);
}

async function warm({ origin, proxy }: Stage, answer: ManifestAnswer): Promise<void> {
  const project = newProject(origin);
  const list = project.addList(LIST, 'alice');
  const first = await manifestOf(proxy, project.sdkKey);
  project.manifestAnswer = answer;
  list.add('bob');
  let ageS = 0;
  await eventually('age of three seconds', async () => {
    const { status, headers, text } = await askForManifest(proxy, project.sdkKey);
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(text), first);
    ageS = Number(headers.age);
    return ageS >= 3;
  });
  assert.ok(origin.asksFor(project.sdkKey) >= 2, 'it was not asked for again');
  project.manifestAnswer = undefined;
  await eventually('new manifest', async () => (await entryOf(proxy, project.sdkKey, LIST)).size === 20);
  const { headers } = await askForManifest(proxy, project.sdkKey);
  assert.ok(Number(headers.age) < ageS, `still of age ${headers.age ?? ''}`);
}

function assertError({ status, headers, text }: RawAnswer, code: number, reason: string): void {
  assert.equal(status, code, text);
  assert.match(headers['content-type'] ?? '', /^application\/json/);
  const body = JSON.parse(text) as { readonly code: unknown; readonly reason: unknown };
  assert.deepEqual({ code: body.code, reason: body.reason }, { code, reason });
  assert.equal(headers.age, undefined);
}
