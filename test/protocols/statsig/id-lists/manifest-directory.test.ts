// Which file an id means: by what is held, by what can be fetched, and nothing for what nobody lists.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PayloadKey } from '../../../../src/domain/payload-key.js';
import { writeFileId } from '../../../../src/protocols/statsig/id-lists/file-id.js';
import {
  ManifestDirectory,
  type FoundFile,
} from '../../../../src/protocols/statsig/id-lists/manifest-directory.js';
import { ManifestFiles } from '../../../../src/protocols/statsig/id-lists/manifest-files.js';
import { ManualClock } from '../../../fakes/manual-clock.js';
import { holding, manifestText, SDK_KEY, type TestList } from './manifests.js';
import { idListsKey, SPEC_V1 } from '../../../../src/protocols/statsig/resource-kinds.js';

const OTHER_KEY = 'secret-others-0123456789';
const ORIGIN = 'https://origin.example/v1/download_id_list_file';
const MINUTES_MS = 60_000;

class Scene {
  readonly clock = new ManualClock();
  readonly listed: [name: string, bytes: number][] = [];
  readonly asked: string[] = [];
  readonly files = new ManifestFiles();
  /** What the origin has, by SDK key. */
  readonly origin = new Map<string, Readonly<Record<string, TestList>>>();
  readonly #held = new Set<string>();
  #version = 0;
  readonly directory: ManifestDirectory = new ManifestDirectory(
    this.clock,
    {
      read: async ({ sdkKey }: PayloadKey) => {
        this.asked.push(`read ${sdkKey}`);
        await Promise.resolve();
        this.poll(sdkKey);
      },
      refresh: async ({ sdkKey }: PayloadKey) => {
        this.asked.push(`refresh ${sdkKey}`);
        await Promise.resolve();
        this.poll(sdkKey);
      },
    },
    this.files,
    ({ name }, bytes) => this.listed.push([name, bytes]),
  );

  /** The origin is asked; where it has nothing, it refuses. */
  poll(sdkKey: string): void {
    const lists = this.origin.get(sdkKey);
    if (lists !== undefined) this.hold(lists, sdkKey);
  }

  /** Returns the ids of the files, in their order. */
  hold(lists: Readonly<Record<string, TestList>>, sdkKey = SDK_KEY): string[] {
    this.origin.set(sdkKey, lists);
    if (!this.#held.has(sdkKey)) this.directory.added(idListsKey(sdkKey));
    this.#held.add(sdkKey);
    const held = holding(manifestText(lists), sdkKey, (this.#version += 1));
    this.directory.updated(held);
    return this.files.of(held).map(({ id }) => id);
  }

  find(id = '', sdkKey?: string, search = ''): Promise<FoundFile | undefined> {
    return this.directory.find({ id, search, sdkKey });
  }
}

const A_LIST = { url: 'https://o.example/a', size: 20, fileID: 'f1' };

test('an id leads to its file and to what was promised with it', async () => {
  const scene = new Scene();
  const [id] = scene.hold({ a: A_LIST });
  const found = await scene.find(id);
  assert.equal(found?.file.url, A_LIST.url);
  assert.equal(found.bytesMin, 20);
  assert.deepEqual(scene.listed, [[found.file.name, 20]]);
  const [larger] = scene.hold({ a: { ...A_LIST, size: 30 } });
  assert.equal((await scene.find(larger))?.bytesMin, 30);
  assert.equal((await scene.find(larger))?.file.name, found.file.name, 'the same file, grown');
  assert.equal((await scene.find(id))?.bytesMin, 20, 'what was promised before is promised still');
});

test('a new fileID is another file, and so is another url', async () => {
  const scene = new Scene();
  const ids = [A_LIST, { ...A_LIST, fileID: 'f2' }, { ...A_LIST, url: 'https://o.example/b' }].map(
    (list) => scene.hold({ a: list })[0],
  );
  const names = await Promise.all(ids.map(async (id) => (await scene.find(id))?.file.name));
  assert.equal(new Set(names).size, 3);
  assert.equal(names.includes(undefined), false, 'a file that was replaced can be had for a while');
  scene.clock.advance(10 * MINUTES_MS);
  assert.equal(await scene.find(ids[0]), undefined);
  assert.notEqual(await scene.find(ids[2]), undefined);
});

test('keys share a file that its url names, and none that only a query tells', async () => {
  const scene = new Scene();
  const [mine] = scene.hold({ a: A_LIST });
  const [theirs] = scene.hold({ b: { ...A_LIST, size: 50 } }, OTHER_KEY);
  assert.equal((await scene.find(mine))?.file.name, (await scene.find(theirs))?.file.name);
  const signed = { ...A_LIST, url: `${A_LIST.url}?who=1` };
  const [myOwn] = scene.hold({ a: signed });
  const [theirOwn] = scene.hold({ a: signed }, OTHER_KEY);
  assert.notEqual((await scene.find(myOwn))?.file.name, (await scene.find(theirOwn))?.file.name);
  const [resigned] = scene.hold({ a: { ...A_LIST, url: `${A_LIST.url}?who=1&signature=2` } });
  const found = await scene.find(resigned);
  assert.equal(found?.file.name, (await scene.find(myOwn))?.file.name, 'signed anew, it is the same file');
  assert.match(found?.file.url ?? '', /signature=2$/);
});

test('a file that another such proxy lists is the same when it has grown', async () => {
  const scene = new Scene();
  const inner = (size: number): TestList => {
    const id = writeFileId({ keyHash: 'k'.repeat(16), name: 'n'.repeat(43), bytes: size });
    return { url: `https://inner.example/v1/download_id_list_file/${id}`, size, fileID: 'f1' };
  };
  const [before] = scene.hold({ a: inner(20) });
  const [after] = scene.hold({ a: inner(30) });
  const [small, large] = [await scene.find(before), await scene.find(after)];
  assert.deepEqual([small?.bytesMin, large?.bytesMin], [20, 30]);
  assert.equal(small?.file.name, large?.file.name);
  assert.equal(small?.file.url, inner(30).url, 'from where there is all of it');
});

test('a file that a key still lists stays when another key no longer does', async () => {
  const scene = new Scene();
  const [id] = scene.hold({ a: A_LIST });
  scene.hold({ a: A_LIST }, OTHER_KEY);
  scene.directory.removed(idListsKey(SDK_KEY));
  scene.clock.advance(10 * MINUTES_MS);
  assert.notEqual(await scene.find(id), undefined);
  assert.deepEqual(scene.asked, []);
});

test('an id of another replica is looked for in the manifest of its key', async () => {
  const [elsewhere] = new Scene().hold({ a: A_LIST });
  const scene = new Scene();
  scene.origin.set(SDK_KEY, { a: A_LIST });
  assert.equal(await scene.find(elsewhere), undefined, 'a key that nobody asked for here');
  assert.deepEqual(scene.asked, []);
  assert.equal((await scene.find(elsewhere, SDK_KEY))?.bytesMin, 20, 'a client names it');
  assert.deepEqual(scene.asked, [`read ${SDK_KEY}`]);
  const knowing = new Scene();
  knowing.origin.set(SDK_KEY, { a: A_LIST });
  knowing.directory.added({ sdkKey: SDK_KEY, kind: SPEC_V1, format: 'json' });
  assert.equal((await knowing.find(elsewhere))?.bytesMin, 20, 'its specs are held');
});

test('a manifest that is older than the client’s is asked for anew, once in five seconds', async () => {
  const lists = { a: { ...A_LIST, fileID: 'f2' } };
  const [newer] = new Scene().hold(lists);
  const scene = new Scene();
  scene.hold({ a: A_LIST });
  assert.equal(await scene.find(newer), undefined);
  assert.equal(await scene.find(newer), undefined);
  assert.deepEqual(scene.asked, [`refresh ${SDK_KEY}`]);
  scene.origin.set(SDK_KEY, lists);
  scene.clock.advance(5_000);
  assert.notEqual(await scene.find(newer), undefined);
});

test('all files of a manifest that is newer than ours are found by one question', async () => {
  const lists = { a: A_LIST, b: { ...A_LIST, fileID: 'f2' }, c: { ...A_LIST, fileID: 'f3' } };
  const ids = new Scene().hold(lists);
  const scene = new Scene();
  scene.hold({});
  scene.origin.set(SDK_KEY, lists);
  const found = await Promise.all(ids.map((id) => scene.find(id)));
  assert.deepEqual(
    found.map((file) => file?.bytesMin),
    [20, 20, 20],
  );
  assert.deepEqual(scene.asked, [`refresh ${SDK_KEY}`]);
});

test('another key than the id’s does not lead to it', async () => {
  const [elsewhere] = new Scene().hold({ a: A_LIST });
  const scene = new Scene();
  scene.origin.set(OTHER_KEY, { a: A_LIST });
  assert.equal(await scene.find(elsewhere, OTHER_KEY), undefined);
  assert.equal(await scene.find(elsewhere, 'no key at all'), undefined);
  assert.deepEqual(scene.asked, []);
});

test('a key of which nothing is held any more is forgotten', async () => {
  const [elsewhere] = new Scene().hold({ a: A_LIST });
  const scene = new Scene();
  scene.origin.set(SDK_KEY, { a: A_LIST });
  const specs = { sdkKey: SDK_KEY, kind: SPEC_V1, format: 'json' } as const;
  for (const format of ['json', 'protobuf'] as const) scene.directory.added({ ...specs, format });
  for (const format of ['json', 'protobuf'] as const) scene.directory.removed({ ...specs, format });
  assert.equal(await scene.find(elsewhere), undefined);
  assert.deepEqual(scene.asked, []);
});

test('the origin’s own ids are known too, escaped or not', async () => {
  const scene = new Scene();
  scene.hold({ a: { ...A_LIST, url: `${ORIGIN}/company%2Fa` } });
  for (const id of ['company%2Fa', 'company/a', 'company%2fa']) {
    assert.equal((await scene.find(id))?.bytesMin, 20, id);
  }
  assert.equal(await scene.find('company%2Fb'), undefined);
  assert.equal(await scene.find('%E0%A4%A'), undefined, 'no text at all');
  assert.equal(await scene.find(''), undefined);
  assert.equal(
    (await scene.find('company%2Fa', OTHER_KEY))?.bytesMin,
    20,
    'its url is enough at the origin too',
  );
});

test('an origin’s id that means two files means the one of the query, or of the key', async () => {
  const scene = new Scene();
  scene.hold({ a: { ...A_LIST, url: `${ORIGIN}/x?of=1`, size: 1 } });
  scene.hold({ a: { ...A_LIST, url: `${ORIGIN}/x?of=2`, size: 2 } }, OTHER_KEY);
  assert.equal(await scene.find('x'), undefined);
  assert.equal((await scene.find('x', undefined, '?of=2'))?.bytesMin, 2);
  assert.equal((await scene.find('x', SDK_KEY))?.bytesMin, 1);
});

test('a signed url of the origin is known by its signature, or by the key in it or beside it', async () => {
  const scene = new Scene();
  const signed = (signature: number, sdkKey: string): string => `?sig=${signature}&k=${sdkKey}`;
  scene.hold({ a: { ...A_LIST, url: `${ORIGIN}/x${signed(2, SDK_KEY)}`, size: 1 } });
  assert.equal((await scene.find('x', undefined, signed(2, SDK_KEY)))?.bytesMin, 1);
  assert.equal((await scene.find('x', undefined, signed(1, SDK_KEY)))?.bytesMin, 1, 'signed a while ago');
  assert.equal((await scene.find('x', SDK_KEY))?.bytesMin, 1);
  for (const search of ['', '?sig=1', '?k=', `?sig=1&k=${OTHER_KEY}`]) {
    assert.equal(await scene.find('x', undefined, search), undefined, search);
  }
  scene.origin.set(OTHER_KEY, { a: { ...A_LIST, url: `${ORIGIN}/x${signed(2, OTHER_KEY)}`, size: 2 } });
  assert.equal((await scene.find('x', undefined, signed(1, OTHER_KEY)))?.bytesMin, 2, 'a key nobody held');
  assert.equal((await scene.find('x', undefined, signed(1, SDK_KEY)))?.bytesMin, 1);
});

test('an origin’s id that nobody listed is looked for in the manifest of the client’s key', async () => {
  const scene = new Scene();
  scene.origin.set(SDK_KEY, { a: { ...A_LIST, url: `${ORIGIN}/x` } });
  assert.equal(await scene.find('x'), undefined);
  assert.equal((await scene.find('x', SDK_KEY))?.bytesMin, 20);
});

test('specs are nothing to it', () => {
  const scene = new Scene();
  const held = holding('{"has_updates":true}');
  scene.directory.updated({ ...held, key: { ...held.key, kind: SPEC_V1 } });
  assert.deepEqual(scene.listed, []);
});
