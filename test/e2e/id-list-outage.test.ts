// The origin of ID lists is gone: SDKs that run go on, SDKs that start know every member, also after the proxy was restarted.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { startIdListOrigin } from '../fakes/id-list-origin.js';
import { within } from './deadline.js';
import { assertGoodListManners, startListProxy } from './id-list-scene.js';
import { LIST, LIST_SDKS } from './id-list-sdks.js';
import { newSdkKey } from './sdk-cases.js';

const MEMBERS = { alice: true, bob: true, carl: false, dora: false };

describe('with the origin of ID lists down', { concurrency: true }, () => {
  for (const [name, start] of LIST_SDKS) {
    it(`${name} goes on, starts, and starts before a proxy that has just started`, async (t) => {
      const origin = await startIdListOrigin(t);
      const project = origin.addProject(newSdkKey());
      const list = project.addList(LIST, 'alice', 'bob');
      const options = { cache: 'local', args: ['--data-dir', temporaryFolder(t)] } as const;
      const first = await startListProxy(t, origin, options);
      const running = await start(t, first.url, project.sdkKey);
      assert.deepEqual(running.look(MEMBERS), MEMBERS);

      await origin.close();
      await running.sync();
      await running.sync();
      assert.deepEqual(running.look(MEMBERS), MEMBERS);
      assert.deepEqual((await start(t, first.url, project.sdkKey)).look(MEMBERS), MEMBERS);

      first.program.signal('SIGTERM');
      assert.equal((await within(first.program.ended, 'end of the proxy')).code, 0);
      const second = await startListProxy(t, origin, options);
      const fresh = await start(t, second.url, project.sdkKey);
      assert.deepEqual(fresh.look(MEMBERS), MEMBERS);

      const before = list.asked;
      await origin.reopen();
      list.add('carl');
      await fresh.sees({ alice: true, bob: true, carl: true, dora: false });
      list.replace('dora');
      await fresh.sees({ alice: false, bob: false, carl: false, dora: true });
      const ranges = origin.requestsOf('file').map(({ headers }) => headers.range ?? 'all');
      assert.match(ranges.slice(before).join(' '), /^bytes=20- (?:all|bytes=0-)$/);
      assertGoodListManners(origin);
    });

    it(`${name} that starts before a cold proxy knows nobody, and everybody when the origin is back`, async (t) => {
      const [specs, lists] = [await startIdListOrigin(t), await startIdListOrigin(t)];
      const project = lists.addProject(newSdkKey());
      project.addList(LIST, 'alice', 'bob');
      await lists.close();
      const proxy = await startListProxy(t, specs, { env: { ID_LISTS_STATSIG_ENDPOINT: lists.url } });
      const sdk = await start(t, proxy.url, project.sdkKey);
      await sdk.sync();
      assert.deepEqual(sdk.look({ alice: false, bob: false }), { alice: false, bob: false });
      await lists.reopen();
      await sdk.sees({ alice: true, bob: true });
    });
  }
});

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'id-lists-'));
  t.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}
