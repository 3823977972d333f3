// SIGHUP: the daemon reads its keys file again and goes by it, unless there is a fault in it.
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import type { FakeOrigin } from '../fakes/fake-origin.js';
import { startDaemon } from './daemon.js';
import { startOrigin } from './origin.js';
import { temporaryFile } from './temporary-file.js';

const FIRST = 'secret-firstkey0123456789';
const SECOND = 'secret-secondkey0123456789';
const NOT_TAKEN_OVER = 'SDK keys file not taken over: the keys pinned before stay';

function requestsFor(origin: FakeOrigin, sdkKey: string): number {
  return origin.requests.filter(({ url }) => url.includes(`/${sdkKey}.json`)).length;
}

describe('on SIGHUP', { concurrency: true }, () => {
  it('a key that is new in the keys file is fetched', async (t) => {
    const origin = await startOrigin(t);
    const path = temporaryFile(t, `${FIRST}\n`);
    const { program } = await startDaemon(t, origin.url, { args: ['--sdk-keys-file', path] });
    assert.equal(requestsFor(origin, FIRST), 3);
    writeFileSync(path, `${FIRST}\n${SECOND} # of the other team\n`);
    assert.equal(requestsFor(origin, SECOND), 0);
    program.signal('SIGHUP');
    await eventually('fetch of the new key', () => requestsFor(origin, SECOND) === 3);
    const line = await program.line('SDK keys file read again');
    assert.equal(line['pinnedSdkKeys'], 2);
  });

  it('a keys file with a fault changes nothing, and is logged without the key', async (t) => {
    const origin = await startOrigin(t);
    const path = temporaryFile(t, `${FIRST}\n`);
    const { program, adminUrl } = await startDaemon(t, origin.url, {
      args: ['--sdk-keys-file', path, '--pinned-payloads', 'v1', '-p', '1'],
    });
    writeFileSync(path, `${SECOND}\nsecret-wrong/key0123456789\n`);
    program.signal('SIGHUP');
    const line = await program.line(NOT_TAKEN_OVER);
    assert.equal(line['level'], 'error');
    assert.match(String(line['faults']), /^line 2 of the SDK keys file is not a valid SDK key/);
    const before = requestsFor(origin, FIRST);
    await eventually('further poll of the key from before', () => requestsFor(origin, FIRST) > before);
    assert.equal(requestsFor(origin, SECOND), 0);
    const status = (await (await fetch(`${adminUrl}/status`)).json()) as { specs: { pinned: boolean }[] };
    assert.deepEqual(
      status.specs.map((spec) => spec.pinned),
      [true, true, true],
    );
    assert.doesNotMatch(program.output.stdout, /wrong\/key|secondkey/);
  });

  it('a keys file that is gone changes nothing, and is logged', async (t) => {
    const origin = await startOrigin(t);
    const path = temporaryFile(t, `${FIRST}\n`);
    const { program } = await startDaemon(t, origin.url, {
      args: ['--sdk-keys-file', path, '--pinned-payloads', 'v1', '-p', '1'],
    });
    rmSync(path);
    program.signal('SIGHUP');
    const line = await program.line(NOT_TAKEN_OVER);
    assert.match(String(line['faults']), /ENOENT/);
    const before = requestsFor(origin, FIRST);
    await eventually('further poll of the key from before', () => requestsFor(origin, FIRST) > before);
  });
});
