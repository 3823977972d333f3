// SDKs, unmodified, that use ID lists behind the proxy: they know at every time who is on a list.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startIdListOrigin, type IdListOrigin } from '../fakes/id-list-origin.js';
import { rawRequest } from '../fakes/raw-request.js';
import type { Daemon } from '../process/daemon.js';
import {
  assertGoodListManners,
  entryOf,
  manifestOf,
  startListProxy,
  type ListProxyOptions,
} from './id-list-scene.js';
import { LIST, LIST_SDKS, startCore, startLegacy, type StartListSdk } from './id-list-sdks.js';
import { newSdkKey } from './sdk-cases.js';

interface Stage {
  readonly origin: IdListOrigin;
  readonly proxy: Daemon;
}

type Case = (t: TestContext, stage: Stage) => Promise<void>;

async function runCases(
  t: TestContext,
  cases: Readonly<Record<string, Case>>,
  filePlace: 'storage' | 'api',
  options?: ListProxyOptions,
): Promise<void> {
  const origin = await startIdListOrigin(t, { filePlace, gatesFor: [LIST, 'list_2'] });
  const proxy = await startListProxy(t, origin, options);
  const running = Object.entries(cases).map(([name, run]) =>
    t.test(name, (each) => run(each, { origin, proxy })),
  );
  await Promise.all(running);
}

const ordinaryCases = {
  ...forEachSdk('knows every member at its start, and those who come and go', membersComeAndGo),
  ...forEachSdk('takes a new file for a new list', fileIsReplaced),
  ...forEachSdk('sees a list emptied by its lines', listIsEmptiedByLines),
  ...forEachSdk('sees a list emptied by a new, empty file', listIsEmptiedByAFile),
  ...forEachSdk(
    'sees only its own lists, where another project has lists and files of the same names',
    keysAreApart,
  ),
  // The legacy SDK keeps what it has of a list that is gone: its own loop over old lists finds none.
  'the core SDK sees that a list is gone': listIsGone,
  'the core SDK sees a list that is added': listIsAdded,
  'by GET with the key in the path the manifest is the same': manifestByGet,
} satisfies Record<string, Case>;

test('ID lists whose files the proxy serves', { concurrency: true }, async (t) => {
  await runCases(t, ordinaryCases, 'storage');
});

test('ID lists without rewriting', { concurrency: true }, async (t) => {
  const cases = {
    'the core SDK asks the proxy for the file, where it is told to': fileByOption,
    'SDKs that are told nothing ask the origin for the file': filesOfTheOrigin,
    'the manifest is the origin’s, byte for byte': untouchedManifest,
  };
  await runCases(t, cases, 'api', { args: ['--disable-id-list-rewrite'] });
});

test('ID lists whose files are asked for by a public URL', async (t) => {
  const origin = await startIdListOrigin(t);
  const proxy = await startListProxy(t, origin, { args: ['--public-url', 'https://flags.example/proxy'] });
  const project = origin.addProject(newSdkKey());
  project.addList(LIST, 'alice');
  const { url } = await entryOf(proxy, project.sdkKey, LIST);
  assert.match(url, /^https:\/\/flags\.example\/proxy\/v1\/download_id_list_file\/[^/?]+$/);
  const path = url.slice('https://flags.example/proxy'.length);
  const { bytes } = await rawRequest(`${proxy.url}${path}`);
  assert.deepEqual(bytes, project.lists.get(LIST)?.file.bytes);
});

function forEachSdk(
  what: string,
  run: (t: TestContext, stage: Stage, start: StartListSdk) => Promise<void>,
): Readonly<Record<string, Case>> {
  const cases = LIST_SDKS.map(([name, start]): [string, Case] => [
    `${name} ${what}`,
    (t, stage) => run(t, stage, start),
  ]);
  return Object.fromEntries(cases);
}

async function membersComeAndGo(
  t: TestContext,
  { origin, proxy }: Stage,
  start: StartListSdk,
): Promise<void> {
  const project = origin.addProject(newSdkKey());
  const list = project.addList(LIST, 'alice', 'bob');
  const sdk = await start(t, proxy.url, project.sdkKey);
  const first = { alice: true, bob: true, carl: false };
  assert.deepEqual(sdk.look(first), first);
  list.add('carl');
  await sdk.sees({ alice: true, bob: true, carl: true });
  list.remove('alice');
  list.add('dora', 'erin');
  await sdk.sees({ alice: false, bob: true, carl: true, dora: true, erin: true });
  list.add('alice');
  await sdk.sees({ alice: true, bob: true, carl: true, dora: true, erin: true });
  assertGoodListManners(origin);
}

async function fileIsReplaced(t: TestContext, { origin, proxy }: Stage, start: StartListSdk): Promise<void> {
  const project = origin.addProject(newSdkKey());
  const list = project.addList(LIST, 'alice', 'bob');
  const sdk = await start(t, proxy.url, project.sdkKey);
  assert.equal(sdk.isListed('alice'), true);
  list.replace('bob', 'carl', 'dora');
  await sdk.sees({ alice: false, bob: true, carl: true, dora: true });
  list.add('erin');
  await sdk.sees({ alice: false, bob: true, carl: true, dora: true, erin: true });
  list.replace('alice');
  await sdk.sees({ alice: true, bob: false, carl: false, dora: false, erin: false });
}

async function listIsEmptiedByLines(
  t: TestContext,
  { origin, proxy }: Stage,
  start: StartListSdk,
): Promise<void> {
  const project = origin.addProject(newSdkKey());
  const list = project.addList(LIST, 'alice', 'bob');
  const sdk = await start(t, proxy.url, project.sdkKey);
  assert.equal(sdk.isListed('alice'), true);
  list.remove('alice', 'bob');
  await sdk.sees({ alice: false, bob: false });
  list.add('bob');
  await sdk.sees({ alice: false, bob: true });
}

async function listIsEmptiedByAFile(
  t: TestContext,
  { origin, proxy }: Stage,
  start: StartListSdk,
): Promise<void> {
  const project = origin.addProject(newSdkKey());
  const list = project.addList(LIST, 'alice', 'bob');
  const other = project.addList('list_2', 'alice');
  const sdk = await start(t, proxy.url, project.sdkKey);
  assert.equal(sdk.isListed('alice'), true);
  list.replace();
  await sdk.sees({ alice: false, bob: false });
  other.add('bob');
  await sdk.sees({ alice: true, bob: true }, 'list_2');
  list.add('bob');
  await sdk.sees({ alice: false, bob: true });
}

async function keysAreApart(t: TestContext, { origin, proxy }: Stage, start: StartListSdk): Promise<void> {
  const [one, two] = [origin.addProject(newSdkKey()), origin.addProject(newSdkKey())];
  const [listOne, listTwo] = [one.addList(LIST, 'alice'), two.addList(LIST, 'bob')];
  assert.equal(listOne.file.fileId, listTwo.file.fileId);
  const [sdkOne, sdkTwo] = await Promise.all([
    start(t, proxy.url, one.sdkKey),
    start(t, proxy.url, two.sdkKey),
  ]);
  assert.deepEqual(sdkOne.look({ alice: true, bob: false }), { alice: true, bob: false });
  assert.deepEqual(sdkTwo.look({ alice: false, bob: true }), { alice: false, bob: true });
  listOne.add('carl');
  listTwo.add('dora');
  await sdkOne.sees({ alice: true, bob: false, carl: true, dora: false });
  await sdkTwo.sees({ alice: false, bob: true, carl: false, dora: true });
}

async function listIsGone(t: TestContext, { origin, proxy }: Stage): Promise<void> {
  const project = origin.addProject(newSdkKey());
  project.addList(LIST, 'alice');
  project.addList('list_2', 'alice');
  const sdk = await startCore(t, proxy.url, project.sdkKey);
  assert.equal(sdk.isListed('alice'), true);
  project.lists.delete(LIST);
  await sdk.sees({ alice: false });
  assert.equal(sdk.isListed('alice', 'list_2'), true);
  project.lists.delete('list_2');
  await sdk.sees({ alice: false }, 'list_2');
}

async function listIsAdded(t: TestContext, { origin, proxy }: Stage): Promise<void> {
  const project = origin.addProject(newSdkKey());
  const sdk = await startCore(t, proxy.url, project.sdkKey);
  assert.equal(sdk.isListed('alice'), false);
  project.addList(LIST, 'alice');
  await sdk.sees({ alice: true });
}

async function manifestByGet(_t: TestContext, { origin, proxy }: Stage): Promise<void> {
  const project = origin.addProject(newSdkKey());
  project.addList(LIST, 'alice');
  const byPost = await manifestOf(proxy, project.sdkKey);
  assert.equal(byPost[LIST]?.size, 10);
  for (const ending of ['', '.json']) {
    const { status, text } = await rawRequest(`${proxy.url}/v1/get_id_lists/${project.sdkKey}${ending}`);
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(text), byPost);
  }
}

async function fileByOption(t: TestContext, { origin, proxy }: Stage): Promise<void> {
  const project = origin.addProject(newSdkKey());
  const list = project.addList(LIST, 'alice');
  const sdk = await startCore(t, proxy.url, project.sdkKey, { downloadIdListFileApi: proxy.url });
  assert.equal(sdk.isListed('alice'), true);
  list.add('bob');
  await sdk.sees({ alice: true, bob: true });
  list.replace('carl');
  await sdk.sees({ alice: false, bob: false, carl: true });
  const { url } = await entryOf(proxy, project.sdkKey, LIST);
  const ours = origin.requests.filter(({ kind, url: asked }) => kind === 'file' && url.endsWith(asked));
  assert.notEqual(ours.length, 0);
  for (const { headers } of ours) assert.equal(headers['statsig-api-key'], undefined);
}

async function filesOfTheOrigin(t: TestContext, { origin, proxy }: Stage): Promise<void> {
  const project = origin.addProject(newSdkKey());
  const list = project.addList(LIST, 'alice');
  const sdk = await startLegacy(t, proxy.url, project.sdkKey);
  assert.equal(sdk.isListed('alice'), true);
  list.add('bob');
  await sdk.sees({ alice: true, bob: true });
}

async function untouchedManifest(_t: TestContext, { origin, proxy }: Stage): Promise<void> {
  const project = origin.addProject(newSdkKey());
  project.addList(LIST, 'alice');
  const { text } = await rawRequest(`${proxy.url}/v1/get_id_lists/${project.sdkKey}.json`, {
    headers: { 'accept-encoding': 'identity' },
  });
  assert.equal(text, project.manifestText);
}
