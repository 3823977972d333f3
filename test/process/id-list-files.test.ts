// What the proxy itself answers for the files of ID lists, as a socket sees it: ranges, lengths, ends, and nothing but a list.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { entryOf, startListProxy } from '../e2e/id-list-scene.js';
import { FILE_TROUBLE, MATRIX } from '../fakes/id-list-answers.js';
import { startIdListOrigin, type IdListOrigin, type ListProject } from '../fakes/id-list-origin.js';
import { memberHash } from '../fakes/id-list.js';
import { rawRequest, type RawAnswer, type RawRequest } from '../fakes/raw-request.js';
import type { Daemon } from './daemon.js';
import { openConnection } from './raw-connection.js';

const LIST = 'list_1';
const GROWTHS = 5;
/** Of each test's file, unless it says otherwise: three lines of ten bytes. */
const MEMBERS = ['alice', 'bob', 'carl'] as const;

let keysMade = 0;

interface Stage {
  readonly origin: IdListOrigin;
  readonly proxy: Daemon;
}

type Case = (t: TestContext, stage: Stage) => Promise<void>;

const CASES: Readonly<Record<string, Case>> = {
  'is given whole, with its length and as it is': whole,
  'is given from a byte on': ranges,
  'ends where it ends': pastTheEnd,
  'is asked for without a body by HEAD': headOnly,
  'that is empty is given as such': empty,
  'is as long as its manifest said, at every time': growing,
  'is fetched by its tail, and once for all who ask': tails,
  'is one of its own when it was replaced': replaced,
  'that is not known is no answer at all': unknown,
  'that cannot be had is no answer at all, and leaves other connections alone': unavailable,
  'is asked for again soon after it could not be had': recovering,
  'that is promised longer than it is, is no answer at all': short,
};

test('a file of an ID list', { concurrency: true }, async (t) => {
  const origin = await startIdListOrigin(t);
  const proxy = await startListProxy(t, origin);
  await Promise.all(
    Object.entries(CASES).map(([name, run]) => t.test(name, (each) => run(each, { origin, proxy }))),
  );
});

function newProject(origin: IdListOrigin): ListProject {
  keysMade += 1;
  return origin.addProject(`secret-filekey${keysMade}0123456789`);
}

/** A list of three, and its url at the proxy. */
async function newList({ origin, proxy }: Stage): Promise<{
  readonly project: ListProject;
  readonly list: ReturnType<ListProject['addList']>;
  readonly url: string;
}> {
  const project = newProject(origin);
  const list = project.addList(LIST, ...MEMBERS);
  const { url } = await entryOf(proxy, project.sdkKey, LIST);
  return { project, list, url };
}

function askFor(url: string, range?: string, request: RawRequest = {}): Promise<RawAnswer> {
  return rawRequest(url, {
    ...request,
    headers: { ...request.headers, ...(range !== undefined && { range }) },
  });
}

async function whole(_t: TestContext, stage: Stage): Promise<void> {
  const { list, url } = await newList(stage);
  const { status, headers, bytes } = await askFor(url, undefined, {
    headers: { 'accept-encoding': 'gzip, br' },
  });
  assert.equal(status, 200);
  assert.equal(headers['content-length'], '30');
  assert.equal(headers['content-encoding'], undefined);
  assert.equal(headers['transfer-encoding'], undefined);
  assert.equal(headers['accept-ranges'], 'bytes');
  assert.deepEqual(bytes, list.file.bytes);
}

async function ranges(_t: TestContext, stage: Stage): Promise<void> {
  const { list, url } = await newList(stage);
  const cases: [range: string | undefined, query: string, from: number, to: number][] = [
    ['bytes=0-', '', 0, 30],
    ['bytes=10-', '', 10, 30],
    ['bytes=29-', '', 29, 30],
    ['bytes=10-19', '', 10, 20],
    ['bytes=10-1000', '', 10, 30],
    ['bytes=-10', '', 20, 30],
    [undefined, '?range=0-', 0, 30],
    [undefined, '?range=20-', 20, 30],
  ];
  for (const [range, query, from, to] of cases) {
    const { status, headers, bytes } = await askFor(url + query, range);
    const name = `${range ?? ''}${query}`;
    assert.equal(status, 206, name);
    assert.equal(headers['content-range'], `bytes ${from}-${to - 1}/30`, name);
    assert.equal(headers['content-length'], String(to - from), name);
    assert.equal(headers['content-encoding'], undefined, name);
    assert.deepEqual(bytes, list.file.bytes.subarray(from, to), name);
  }
}

async function pastTheEnd(_t: TestContext, stage: Stage): Promise<void> {
  const { url } = await newList(stage);
  for (const [range, query] of [
    ['bytes=30-', ''],
    ['bytes=1000-', ''],
    [undefined, '?range=30-'],
  ] as const) {
    const { status, headers, bytes } = await askFor(url + query, range);
    assert.equal(status, 416);
    assert.equal(headers['content-range'], 'bytes */30');
    assert.equal(bytes.length, 0);
  }
}

async function headOnly(_t: TestContext, stage: Stage): Promise<void> {
  const { url } = await newList(stage);
  const { status, headers, bytes } = await askFor(url, undefined, { method: 'HEAD' });
  assert.deepEqual([status, headers['content-length'], bytes.length], [200, '30', 0]);
}

/** Core SDKs ask for the first byte of an empty file, and forget its members for a 200 only. */
async function empty(_t: TestContext, { origin, proxy }: Stage): Promise<void> {
  const project = newProject(origin);
  const list = project.addList(LIST);
  const { url, size } = await entryOf(proxy, project.sdkKey, LIST);
  assert.equal(size, 0);
  for (const range of [undefined, 'bytes=0-']) {
    const { status, headers, bytes } = await askFor(url, range);
    assert.deepEqual([status, headers['content-length'], bytes.length], [200, '0', 0], range);
  }
  list.add('alice');
  await eventually('growth', async () => (await entryOf(proxy, project.sdkKey, LIST)).size === 10);
  const entry = await entryOf(proxy, project.sdkKey, LIST);
  assert.deepEqual((await askFor(entry.url, 'bytes=0-')).bytes, list.file.bytes);
}

async function growing(_t: TestContext, stage: Stage): Promise<void> {
  const { project, list, url } = await newList(stage);
  let have = (await askFor(url)).bytes;
  for (let growth = 1; growth <= GROWTHS; growth += 1) {
    list.add(...Array.from({ length: growth }, (_none, index) => `user-${growth}-${index}`));
    let entry = await entryOf(stage.proxy, project.sdkKey, LIST);
    await eventually('growth', async () => {
      entry = await entryOf(stage.proxy, project.sdkKey, LIST);
      return entry.size > have.length;
    });
    const { status, headers, bytes } = await askFor(entry.url, `bytes=${have.length}-`);
    assert.equal(status, 206);
    assert.equal(Number(headers['content-length']), bytes.length);
    have = Buffer.concat([have, bytes]);
    assert.ok(have.length >= entry.size, `${have.length} bytes of ${entry.size}`);
    assert.deepEqual(have, list.file.bytes.subarray(0, have.length));
  }
}

async function tails(_t: TestContext, stage: Stage): Promise<void> {
  const { project, list, url } = await newList(stage);
  await Promise.all(Array.from({ length: 20 }, () => askFor(url)));
  assert.equal(list.asked, 1);
  list.add('dora');
  await eventually('growth', async () => (await entryOf(stage.proxy, project.sdkKey, LIST)).size === 40);
  const { url: grown } = await entryOf(stage.proxy, project.sdkKey, LIST);
  const answers = await Promise.all(Array.from({ length: 20 }, () => askFor(grown, 'bytes=30-')));
  for (const { bytes } of answers) assert.deepEqual(bytes, Buffer.from(`+${memberHash('dora')}\n`));
  assert.equal(list.asked, 2);
  const ranges = stage.origin
    .requestsOf('file')
    .filter(({ url: asked }) => project.manifestText.includes(asked))
    .map(({ headers }) => headers.range ?? 'all');
  assert.match(ranges.join(' '), /^(?:all|bytes=0-) bytes=30-$/);
}

async function replaced(_t: TestContext, stage: Stage): Promise<void> {
  const { project, list, url } = await newList(stage);
  const before = (await askFor(url)).bytes;
  list.replace('dora');
  await eventually('new file', async () => (await entryOf(stage.proxy, project.sdkKey, LIST)).size === 10);
  const { url: next } = await entryOf(stage.proxy, project.sdkKey, LIST);
  assert.notEqual(new URL(next).pathname, new URL(url).pathname);
  assert.deepEqual((await askFor(next)).bytes, list.file.bytes);
  // Who got its manifest a moment ago asks for the old one still.
  assert.deepEqual((await askFor(url)).bytes, before);
}

async function unknown(t: TestContext, stage: Stage): Promise<void> {
  const { url } = await newList(stage);
  const { pathname } = new URL(url);
  const folder = pathname.slice(0, pathname.lastIndexOf('/'));
  const stranger = `${'A'.repeat(16)}.${'B'.repeat(43)}.30`;
  for (const id of ['', 'x', 'a-company%2Ffile', '..%2F..%2Fetc%2Fpasswd', '%', stranger]) {
    for (const method of ['GET', 'HEAD']) {
      assert.equal(await sentFor(t, stage, `${method} ${folder}/${id}`), '', `${method} ${id}`);
    }
  }
}

/** Everything that comes of a request until the connection is closed by the other side. */
async function sentFor(t: TestContext, { proxy }: Stage, request: string): Promise<string> {
  const connection = await openConnection(t, proxy.port);
  connection.send(`${request} HTTP/1.1\r\nhost: proxy\r\nrange: bytes=0-\r\n\r\n`);
  return await connection.whole();
}

async function unavailable(t: TestContext, stage: Stage): Promise<void> {
  const other = await newList(stage);
  const faults = [
    MATRIX.err_500_json,
    MATRIX.err_404_json,
    MATRIX.html_200,
    FILE_TROUBLE['breaks off in the middle'],
    FILE_TROUBLE['has less than was promised'],
  ];
  for (const answer of faults) {
    const { list, url } = await newList(stage);
    list.answer = answer;
    const { pathname } = new URL(url);
    const sent = Array.from({ length: 5 }, () => sentFor(t, stage, `GET ${pathname}`));
    const beside = Array.from({ length: 5 }, () => askFor(other.url, 'bytes=0-'));
    for (const text of await Promise.all(sent)) assert.equal(text, '');
    for (const { status } of await Promise.all(beside)) assert.equal(status, 206);
  }
}

async function recovering(_t: TestContext, stage: Stage): Promise<void> {
  const { list, url } = await newList(stage);
  list.answer = MATRIX.err_500_json;
  await assert.rejects(askFor(url));
  await assert.rejects(askFor(url));
  const asked = list.asked;
  // A storm of clients is none at the origin.
  await Promise.all(Array.from({ length: 20 }, () => assert.rejects(askFor(url))));
  assert.ok(list.asked <= asked + 2, `${list.asked - asked} questions`);
  list.answer = MATRIX.range_206;
  // A failure is remembered for a moment.
  await eventually('file', () => isThere(url));
  assert.deepEqual((await askFor(url)).bytes, list.file.bytes);
}

async function isThere(url: string): Promise<boolean> {
  const answer = await askFor(url).catch(() => undefined);
  return answer?.status === 200;
}

async function short(_t: TestContext, stage: Stage): Promise<void> {
  const { list, url } = await newList(stage);
  list.answer = FILE_TROUBLE['has less than was promised'];
  await assert.rejects(askFor(url, 'bytes=0-'));
  await assert.rejects(askFor(url, 'bytes=10-'));
  // Core and Python SDKs say how long they were told it is.
  list.answer = MATRIX.range_206;
  await eventually('file', () => isThere(url));
  await assert.rejects(askFor(url, 'bytes=0-', { headers: { 'statsig-id-list-file-size': '40' } }));
  assert.equal(
    (await askFor(url, 'bytes=0-', { headers: { 'statsig-id-list-file-size': '30' } })).status,
    206,
  );
}
