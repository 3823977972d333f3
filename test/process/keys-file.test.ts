// The keys file: the daemon goes by what is in it, read again on SIGHUP and whenever it changes, unless there is a fault in it.
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import type { FakeOrigin } from '../fakes/fake-origin.js';
import { mountSecret } from '../fakes/mounted-secret.js';
import { startDaemon } from './daemon.js';
import { startOrigin } from './origin.js';
import { temporaryFile } from './temporary-file.js';

const FIRST = 'secret-firstkey0123456789';
const SECOND = 'secret-secondkey0123456789';
/** Between a change of a file and what becomes of it. */
const CHANGE_MS_MAX = 10_000;
const NOT_TAKEN_OVER = 'SDK keys file not taken over: its earlier contents stay in use';

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
    program.signal('SIGHUP');
    await eventually('fetch of the new key', () => requestsFor(origin, SECOND) === 3);
    const line = await program.line('SDK keys file read again');
    assert.equal(line['pinnedSdkKeys'], 2);
  });

  it('a key that has a name is shown by it everywhere: log lines, events, /status', async (t) => {
    const origin = await startOrigin(t);
    const path = temporaryFile(t, `checkout=${FIRST}\n${SECOND}\n`);
    const { program, adminUrl } = await startDaemon(t, origin.url, {
      args: ['--sdk-keys-file', path, '--log-level', 'debug'],
    });
    const shownKeys = async (): Promise<string> => {
      const { specs } = (await (await fetch(`${adminUrl}/status?keys=`)).json()) as {
        specs: { byKey: { sdkKey: string }[] };
      };
      return [...new Set(specs.byKey.map(({ sdkKey }) => sdkKey))].sort().join();
    };
    assert.equal(await shownKeys(), 'checkout,secret-seco***');
    for (const message of ['spec updated', 'HttpDataProviderGotData'])
      await program.line(message, (line) => line['sdkKey'] === 'checkout');
    writeFileSync(path, `cart=${FIRST}\nsearch=${SECOND}\n`);
    program.signal('SIGHUP');
    await program.line('SDK keys file read again');
    assert.equal(await shownKeys(), 'cart,search');
    assert.doesNotMatch(program.output.stdout, /secret-firs|secret-firstkey/);
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
    assert.match(String(line['faults']), /: line 2 of \S+ is not a valid SDK key/);
    const before = requestsFor(origin, FIRST);
    await eventually('further poll of the key from before', () => requestsFor(origin, FIRST) > before);
    assert.equal(requestsFor(origin, SECOND), 0);
    const status = (await (await fetch(`${adminUrl}/status?keys=`)).json()) as {
      specs: { byKey: { pinned: boolean }[] };
    };
    assert.deepEqual(
      status.specs.byKey.map((spec) => spec.pinned),
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

describe('without a signal', { concurrency: true }, () => {
  it('a key that is new in a mounted Secret is fetched within 10 s, and one that is gone is pinned no more', async (t) => {
    const origin = await startOrigin(t);
    const secret = mountSecret(t, `${FIRST}\n`);
    const { program, adminUrl } = await startDaemon(t, origin.url, {
      args: ['--sdk-keys-file', secret.path],
    });
    secret.update(`${SECOND}\n`);
    await eventually('fetch of the new key', () => requestsFor(origin, SECOND) === 3, CHANGE_MS_MAX);
    await program.line('SDK keys file read again');
    const { specs } = (await (await fetch(`${adminUrl}/status?keys=`)).json()) as {
      specs: { byKey: { pinned: boolean }[] };
    };
    assert.equal(specs.byKey.filter(({ pinned }) => pinned).length, 3);
    assert.equal(specs.byKey.length, 6);
    secret.update('secret-wrong/key0123456789\n');
    const line = await program.line(NOT_TAKEN_OVER);
    assert.match(String(line['faults']), /: line 1 of \S+ is not a valid SDK key/);
    secret.update(`${FIRST}\n`);
    await program.line('SDK keys file read again', ({ time }) => String(time) > String(line['time']));
    assert.equal(program.logs.withMessage(NOT_TAKEN_OVER).length, 1);
  });
});
