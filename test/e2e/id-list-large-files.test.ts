// Files of ID lists for which there is no room: SDKs have the right members all the same, and nobody gets a wrong byte.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { FILE_TROUBLE, MATRIX, type FileAnswer } from '../fakes/id-list-answers.js';
import { startIdListOrigin, type IdListOrigin } from '../fakes/id-list-origin.js';
import { rawRequest } from '../fakes/raw-request.js';
import type { Daemon } from '../process/daemon.js';
import { assertGoodListManners, entryOf, startListProxy } from './id-list-scene.js';
import { LIST, LIST_SDKS } from './id-list-sdks.js';
import { newSdkKey } from './sdk-cases.js';

const MIB = 1024 * 1024;
const LINE_BYTES = 10;

interface Stage {
  readonly origin: IdListOrigin;
  readonly proxy: Daemon;
  /** Of each list's file. */
  readonly bytesMin: number;
}

const ROOMS = [
  { name: 'larger than all the room there is', maxMib: 1, bytesMin: 3 * MIB },
  { name: 'where there is no room at all', maxMib: 0, bytesMin: 0 },
] as const;

for (const { name, maxMib, bytesMin } of ROOMS) {
  test(`a file of an ID list ${name}`, { concurrency: true }, async (t) => {
    const origin = await startIdListOrigin(t);
    const env = { SFP_ID_LIST_FILES_MAX_IN_MIB: String(maxMib) };
    const stage: Stage = { origin, proxy: await startListProxy(t, origin, { env }), bytesMin };
    await Promise.all([
      ...LIST_SDKS.map(([sdk, start]) =>
        t.test(`${sdk} has its members`, (each) => membersOf(each, stage, start)),
      ),
      ...Object.entries({ ...MATRIX, ...FILE_TROUBLE })
        .filter(([behaviour]) => !behaviour.includes('silent'))
        .map(([behaviour, answer]) =>
          t.test(`${behaviour}: right bytes, or a connection that breaks`, () =>
            bytesOf(stage, behaviour, answer),
          ),
        ),
    ]);
    assertGoodListManners(origin);
  });
}

async function membersOf(
  t: TestContext,
  { origin, proxy, bytesMin }: Stage,
  start: (typeof LIST_SDKS)[number][1],
): Promise<void> {
  const project = origin.addProject(newSdkKey());
  const list = project.addList(LIST, 'alice');
  list.append(fillerLines(bytesMin));
  list.add('bob');
  const sdk = await start(t, proxy.url, project.sdkKey);
  assert.deepEqual(sdk.look({ alice: true, bob: true, carl: false }), {
    alice: true,
    bob: true,
    carl: false,
  });
  list.add('carl');
  list.remove('alice');
  await sdk.sees({ alice: false, bob: true, carl: true });
  list.replace('dora');
  list.append(fillerLines(bytesMin));
  await sdk.sees({ alice: false, bob: false, carl: false, dora: true });
  list.replace();
  await sdk.sees({ alice: false, bob: false, carl: false, dora: false });
}

/** Behaviours after which an answer is owed: what the others come to is for the origin to better. */
const OWED: readonly string[] = ['range_206', 'ignores_range_200_full'];

async function bytesOf(
  { origin, proxy, bytesMin }: Stage,
  behaviour: string,
  answer: FileAnswer,
): Promise<void> {
  const project = origin.addProject(newSdkKey());
  const list = project.addList(LIST, 'alice');
  list.append(fillerLines(bytesMin));
  list.add('bob');
  list.answer = answer;
  const { url } = await entryOf(proxy, project.sdkKey, LIST);
  const length = list.file.bytes.length;
  for (const from of [0, length - LINE_BYTES, length >> 1]) {
    const got = await rawRequest(url, { headers: { range: `bytes=${from}-` } }).catch(() => undefined);
    if (got === undefined) {
      assert.ok(!OWED.includes(behaviour), `no answer from ${from}`);
      continue;
    }
    assert.equal(got.status, 206);
    assert.equal(got.headers['content-length'], String(length - from));
    assert.equal(got.headers['content-range'], `bytes ${from}-${length - 1}/${length}`);
    assert.ok(got.bytes.equals(list.file.bytes.subarray(from)), `other bytes from ${from}`);
  }
}

function fillerLines(bytesMin: number): string {
  const count = Math.ceil(bytesMin / LINE_BYTES);
  return Array.from({ length: count }, (_none, index) => `+${String(index).padStart(8, 'f')}\n`).join('');
}
