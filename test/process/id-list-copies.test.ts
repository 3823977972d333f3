// Copies of ID lists' files on disk: they outlive a killed process and an outage, damage is never served, and no SDK key is in them.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { HEADER_BYTES } from '../../src/protocols/statsig/id-lists/disk/copy-file.js';
import { eventually, within } from '../e2e/deadline.js';
import { entryOf, startListProxy } from '../e2e/id-list-scene.js';
import { startIdListOrigin, type IdListOrigin } from '../fakes/id-list-origin.js';
import type { OriginIdList } from '../fakes/id-list.js';
import { rawRequest } from '../fakes/raw-request.js';
import type { Daemon } from './daemon.js';

const LIST = 'list_1';
const SDK_KEY = 'secret-copykeptbackfromall1';

describe('copies of ID lists’ files in a data directory', { concurrency: true }, () => {
  it('are served after a SIGKILL with the origin down, and go on where they ended', async (t) => {
    const { origin, list, start } = await startStage(t);
    const first = await start();
    const { url } = await entryOf(first, SDK_KEY, LIST);
    await rawRequest(url);
    await origin.close();
    await endOf(first, 'SIGKILL');

    const second = await start();
    const held = await entryOf(second, SDK_KEY, LIST);
    assert.equal(new URL(held.url).pathname, new URL(url).pathname);
    const { status, bytes } = await rawRequest(held.url);
    assert.equal(status, 200);
    assert.deepEqual(bytes, list.file.bytes);
    // Where it has a url from the process before, too.
    assert.deepEqual((await rawRequest(second.url + new URL(url).pathname)).bytes, list.file.bytes);

    await origin.reopen();
    list.add('carl');
    await eventually('growth', async () => (await entryOf(second, SDK_KEY, LIST)).size === 30);
    const grown = await entryOf(second, SDK_KEY, LIST);
    assert.deepEqual((await rawRequest(grown.url)).bytes, list.file.bytes);
    const asked = origin.requestsOf('file').map(({ headers }) => headers.range ?? 'all');
    assert.match(asked.join(' '), /^(?:all|bytes=0-) bytes=20-$/);
  });

  it('that were damaged are fetched again, and nothing is served of them while that fails', async (t) => {
    const { origin, list, start, folder } = await startStage(t);
    const first = await start();
    await rawRequest((await entryOf(first, SDK_KEY, LIST)).url);
    await origin.close();
    await endOf(first, 'SIGTERM');
    const [name = assert.fail('no copy')] = namesIn(folder).filter((each) => each.endsWith('.list'));
    const path = join(folder, name);
    const damaged = readFileSync(path);
    assert.deepEqual(damaged.subarray(HEADER_BYTES), list.file.bytes);
    const at = HEADER_BYTES + 3;
    damaged.writeUInt8((damaged[at] ?? 0) ^ 1, at);
    writeFileSync(path, damaged);

    const second = await start();
    const { url } = await entryOf(second, SDK_KEY, LIST);
    await assert.rejects(rawRequest(url), 'a damaged copy was served');
    await origin.reopen();
    await eventually('file', async () => {
      const answer = await rawRequest(url).catch(() => undefined);
      if (answer !== undefined) assert.deepEqual(answer.bytes, list.file.bytes);
      return answer !== undefined;
    });
  });

  it('hold no SDK key, in their names or in themselves, and nothing else has it either', async (t) => {
    const { start, dataDir } = await startStage(t);
    const proxy = await start();
    const { url } = await entryOf(proxy, SDK_KEY, LIST);
    await rawRequest(url, { headers: { 'statsig-api-key': SDK_KEY } });
    await assert.rejects(rawRequest(`${url}0`, { headers: { 'statsig-api-key': SDK_KEY } }));
    const status = await rawRequest(`${proxy.adminUrl}/status?keys=`);
    const { stdout, stderr } = await endOf(proxy, 'SIGTERM');
    const files = namesIn(dataDir).filter((name) => statSync(join(dataDir, name)).isFile());
    assert.ok(
      files.some((name) => name.endsWith('.list')),
      files.join(' '),
    );
    const texts = files.map((name) => readFileSync(join(dataDir, name), 'latin1'));
    for (const text of [url, status.text, stdout, stderr, ...files, ...texts]) {
      assert.doesNotMatch(text, /keptbackfromall/i);
      // What stands in a url of the origin lets everybody read the file.
      assert.ok(text.includes(`"${LIST}"`) || !text.includes('sig=a%2Bb'), text.slice(0, 200));
    }
  });
});

interface Stage {
  readonly origin: IdListOrigin;
  readonly list: OriginIdList;
  /** Given to every process that is started. */
  readonly dataDir: string;
  /** Where the copies are in it. */
  readonly folder: string;
  readonly start: () => Promise<Daemon>;
}

async function startStage(t: TestContext): Promise<Stage> {
  const origin = await startIdListOrigin(t);
  const list = origin.addProject(SDK_KEY).addList(LIST, 'alice', 'bob');
  const dataDir = mkdtempSync(join(tmpdir(), 'id-list-copies-'));
  t.after(() => {
    rmSync(dataDir, { recursive: true, force: true });
  });
  const args = ['--data-dir', dataDir, '--debug-logging'];
  const start = (): Promise<Daemon> => startListProxy(t, origin, { cache: 'local', args });
  return { origin, list, dataDir, folder: join(dataDir, 'id-lists'), start };
}

function namesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true }).map(String);
}

async function endOf(
  { program }: Daemon,
  signal: NodeJS.Signals,
): Promise<{ stdout: string; stderr: string }> {
  program.signal(signal);
  return await within(program.ended, 'end of the proxy');
}
