// One file that cannot be had, of several: SDKs have every member of it that the proxy has, and all of the other lists.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FILE_TROUBLE, MATRIX, type FileAnswer } from '../fakes/id-list-answers.js';
import { startIdListOrigin } from '../fakes/id-list-origin.js';
import { eventually } from './deadline.js';
import { entryOf, startListProxy } from './id-list-scene.js';
import { LIST, LIST_SDKS } from './id-list-sdks.js';
import { newSdkKey } from './sdk-cases.js';

const OTHER_LIST = 'list_2';
const TROUBLE: Readonly<Record<string, FileAnswer>> = {
  err_500_json: MATRIX.err_500_json,
  'breaks off in the middle': FILE_TROUBLE['breaks off in the middle'],
};

for (const [trouble, answer] of Object.entries(TROUBLE)) {
  for (const [name, start] of LIST_SDKS) {
    test(`${trouble}: ${name} has what there is of a list, and all of the others`, async (t) => {
      const origin = await startIdListOrigin(t, { gatesFor: [LIST, OTHER_LIST] });
      const proxy = await startListProxy(t, origin);
      const project = origin.addProject(newSdkKey());
      const list = project.addList(LIST, 'alice');
      const other = project.addList(OTHER_LIST, 'alice');
      const running = await start(t, proxy.url, project.sdkKey);
      await running.sees({ alice: true, bob: false });
      await running.sees({ alice: true, bob: false }, OTHER_LIST);

      list.answer = answer;
      list.add('bob');
      other.add('bob');
      await running.sees({ alice: true, bob: true }, OTHER_LIST);
      assert.deepEqual(running.look({ alice: true, bob: false }), { alice: true, bob: false });
      assert.equal((await entryOf(proxy, project.sdkKey, LIST)).size, 10, 'no more than there is');
      assert.equal((await entryOf(proxy, project.sdkKey, OTHER_LIST)).size, 20);
      const fresh = await start(t, proxy.url, project.sdkKey);
      await fresh.sees({ alice: true, bob: false });
      await fresh.sees({ alice: true, bob: true }, OTHER_LIST);

      list.answer = MATRIX.range_206;
      for (const sdk of [running, fresh]) await sdk.sees({ alice: true, bob: true });
      await eventually('whole promise', async () => {
        return (await entryOf(proxy, project.sdkKey, LIST)).size === 20;
      });
    });
  }
}
