// What SDKs make of an origin's answers for ID lists, without a proxy: why the proxy answers for files as it does.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MATRIX } from '../fakes/id-list-answers.js';
import { startIdListOrigin } from '../fakes/id-list-origin.js';
import { LIST, LIST_SDKS, startCore, startLegacy } from './id-list-sdks.js';
import { newSdkKey } from './sdk-cases.js';

describe('SDKs that ask the origin for ID lists', { concurrency: true }, () => {
  for (const [name, start] of LIST_SDKS) {
    it(`${name} knows who is on a list, asks for what is new of it, and takes a new file for a new list`, async (t) => {
      const origin = await startIdListOrigin(t);
      const project = origin.addProject(newSdkKey());
      const list = project.addList(LIST, 'alice', 'bob');
      const sdk = await start(t, origin.url, project.sdkKey);
      assert.deepEqual(sdk.look({ alice: true, bob: true, carl: false }), {
        alice: true,
        bob: true,
        carl: false,
      });
      list.add('carl');
      await sdk.sees({ alice: true, carl: true });
      list.replace('dora');
      await sdk.sees({ alice: false, carl: false, dora: true });
      const ranges = origin.requestsOf('file').map(({ headers }) => headers.range);
      assert.deepEqual(ranges, ['bytes=0-', 'bytes=20-', 'bytes=0-']);
    });

    it(`${name} loses members by HTML in the place of a file`, async (t) => {
      const origin = await startIdListOrigin(t);
      const project = origin.addProject(newSdkKey());
      const list = project.addList(LIST, 'alice');
      const sdk = await start(t, origin.url, project.sdkKey);
      list.add('bob', 'carl');
      list.answer = MATRIX.html_200;
      await sdk.sync();
      list.answer = MATRIX.range_206;
      // The core SDK takes the page for 18 bytes of the list, the legacy one forgets the list and asks for all of it.
      if (start === startCore) await sdk.sees({ alice: true, bob: false, carl: false });
      else assert.deepEqual(sdk.look({ alice: false, bob: false }), { alice: false, bob: false });
    });
  }

  it('the legacy SDK forgets a list for an answer with an error', async (t) => {
    const origin = await startIdListOrigin(t);
    const project = origin.addProject(newSdkKey());
    const list = project.addList(LIST, 'alice');
    const sdk = await startLegacy(t, origin.url, project.sdkKey);
    list.add('bob');
    list.answer = MATRIX.err_500_json;
    await sdk.sync();
    assert.equal(sdk.isListed('alice'), false);
  });

  it('the core SDK is told nothing new of any list while it cannot have one of them', async (t) => {
    const origin = await startIdListOrigin(t, { gatesFor: [LIST, 'list_2'] });
    const project = origin.addProject(newSdkKey());
    const list = project.addList(LIST, 'alice');
    const other = project.addList('list_2', 'alice');
    const sdk = await startCore(t, origin.url, project.sdkKey);
    other.answer = MATRIX.err_404_json;
    other.add('bob');
    list.add('bob');
    await sdk.sync();
    assert.equal(sdk.isListed('bob'), false);
    other.answer = MATRIX.range_206;
    await sdk.sees({ alice: true, bob: true });
    await sdk.sees({ alice: true, bob: true }, 'list_2');
  });

  it('the core SDK empties a list for an empty file with 200, and keeps its members for a 416', async (t) => {
    const origin = await startIdListOrigin(t);
    const project = origin.addProject(newSdkKey());
    const list = project.addList(LIST, 'alice');
    const sdk = await startCore(t, origin.url, project.sdkKey);
    list.replace();
    await sdk.sync();
    assert.equal(sdk.isListed('alice'), true);
    list.answer = MATRIX.ignores_range_200_full;
    await sdk.sees({ alice: false });
  });
});
