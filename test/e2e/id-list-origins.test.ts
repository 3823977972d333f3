// However the origin serves the files of ID lists: SDKs behind the proxy have the right members, or those they had.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { FILE_TROUBLE, MATRIX, SLOW, type FileAnswer } from '../fakes/id-list-answers.js';
import { startIdListOrigin, type IdListOrigin } from '../fakes/id-list-origin.js';
import { rawRequest } from '../fakes/raw-request.js';
import type { Daemon } from '../process/daemon.js';
import { eventually } from './deadline.js';
import { assertGoodListManners, entryOf, startListProxy } from './id-list-scene.js';
import { LIST, LIST_SDKS, type StartListSdk } from './id-list-sdks.js';
import { newSdkKey } from './sdk-cases.js';

interface Case {
  readonly origin: IdListOrigin;
  readonly proxy: Daemon;
  readonly start: StartListSdk;
  readonly answer: FileAnswer;
}

/** What can be made sense of. */
const USABLE: Readonly<Record<string, FileAnswer>> = {
  range_206: MATRIX.range_206,
  ignores_range_200_full: MATRIX.ignores_range_200_full,
  gzip_206: MATRIX.gzip_206,
  chunked_no_length: MATRIX.chunked_no_length,
  'all of it, slowly': SLOW,
};
const UNUSABLE: Readonly<Record<string, FileAnswer>> = {
  err_500_json: MATRIX.err_500_json,
  err_404_json: MATRIX.err_404_json,
  html_200: MATRIX.html_200,
  'breaks off in the middle': FILE_TROUBLE['breaks off in the middle'],
  'has less than was promised': FILE_TROUBLE['has less than was promised'],
};
/** Each costs the time for which the proxy waits for the origin. */
const SILENT: Readonly<Record<string, FileAnswer>> = {
  'is silent': FILE_TROUBLE['is silent'],
  'is silent in the middle': FILE_TROUBLE['is silent in the middle'],
};
const FIRST = { alice: true, bob: true, carl: false, dora: false };
const NOBODY = { alice: false, bob: false, carl: false, dora: false };

test('an origin of files that answers in its own way', { concurrency: true }, async (t) => {
  await runCases(t, [
    [USABLE, isMadeSenseOf],
    [UNUSABLE, harmsNobody],
  ]);
});

test('an origin of files that does not go on', { concurrency: true }, async (t) => {
  await runCases(t, [[SILENT, harmsNobody]], ['--http-read-timeout-in-s', '1']);
});

async function runCases(
  t: TestContext,
  kinds: readonly (readonly [
    Readonly<Record<string, FileAnswer>>,
    (t: TestContext, each: Case) => Promise<void>,
  ])[],
  args: readonly string[] = [],
): Promise<void> {
  const origin = await startIdListOrigin(t);
  const proxy = await startListProxy(t, origin, { args });
  const running = kinds.flatMap(([answers, run]) =>
    Object.entries(answers).flatMap(([behaviour, answer]) =>
      LIST_SDKS.map(([name, start]) =>
        t.test(`${behaviour}: ${name}`, (each) => run(each, { origin, proxy, start, answer })),
      ),
    ),
  );
  await Promise.all(running);
  assertGoodListManners(origin);
}

async function isMadeSenseOf(t: TestContext, { origin, proxy, start, answer }: Case): Promise<void> {
  const project = origin.addProject(newSdkKey());
  const list = project.addList(LIST, 'alice', 'bob');
  list.answer = answer;
  const sdk = await start(t, proxy.url, project.sdkKey);
  assert.deepEqual(sdk.look(FIRST), FIRST);
  list.remove('alice');
  list.add('carl');
  await sdk.sees({ alice: false, bob: true, carl: true, dora: false });
  list.add('dora');
  await sdk.sees({ alice: false, bob: true, carl: true, dora: true });
  const { url } = await entryOf(proxy, project.sdkKey, LIST);
  const { status, headers, bytes } = await rawRequest(url, { headers: { range: 'bytes=15-' } });
  assert.equal(status, 206);
  assert.equal(headers['content-encoding'], undefined);
  assert.equal(headers['content-length'], '35');
  assert.deepEqual(bytes, list.file.bytes.subarray(15));
}

async function harmsNobody(t: TestContext, { origin, proxy, start, answer }: Case): Promise<void> {
  const project = origin.addProject(newSdkKey());
  const list = project.addList(LIST, 'alice', 'bob');
  list.answer = answer;
  const sdk = await start(t, proxy.url, project.sdkKey);
  await sdk.sync();
  assert.deepEqual(sdk.look(NOBODY), NOBODY);
  const { url } = await entryOf(proxy, project.sdkKey, LIST);
  await assert.rejects(rawRequest(url), 'a client got something');
  list.answer = MATRIX.range_206;
  await sdk.sees(FIRST);

  list.answer = answer;
  const before = list.asked;
  list.add('carl');
  await eventually('question for what is new', async () => {
    await sdk.sync();
    return list.asked > before;
  });
  await sdk.sync();
  assert.deepEqual(sdk.look(FIRST), FIRST);
  const held = await rawRequest(url, { headers: { range: 'bytes=10-' } });
  assert.deepEqual(held.bytes, list.file.bytes.subarray(10, 20));

  list.answer = MATRIX.range_206;
  list.add('dora');
  await sdk.sees({ alice: true, bob: true, carl: true, dora: true });
}
