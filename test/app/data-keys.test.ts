// --data-key-file in the whole app: it is checked at the start, followed, and what lacks its key is told until the key is back.
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { loadLine } from '../config/loading.js';
import { startEventOrigin } from '../fakes/event-origin.js';
import { startProxy, type TestProxy } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { send } from '../protocols/statsig/log-events/event-scene.js';

const [OLD = '', YOUNG = ''] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64'));
const WAITING = 'log-event files wait for their data key: they stay as they are';

async function start(t: TestContext, origin: string, args: readonly string[]): Promise<TestProxy> {
  const proxy = await startProxy({ origin, args });
  t.after(() => proxy.app.stop());
  return proxy;
}

async function statusOf(proxy: TestProxy): Promise<{
  readonly dataKeys: { readonly seals: string | null; readonly opens: readonly string[] };
  readonly problems: readonly { readonly reason: string; readonly remedy: string }[];
}> {
  return JSON.parse((await rawRequest(`${proxy.adminUrl}/status`)).text) as Awaited<
    ReturnType<typeof statusOf>
  >;
}

test('log events that wait for a data key are told, and sent as soon as the key is in the file again', async (t) => {
  const origin = await startEventOrigin();
  t.after(() => origin.close());
  const dataDir = makeTemporaryFolder('data');
  const keyFile = join(makeTemporaryFolder('keys'), 'keys');
  const args = ['--data-dir', dataDir, '--data-key-file', keyFile, '--log-event-stop-timeout-in-s', '0'];
  writeFileSync(keyFile, OLD, { mode: 0o600 });
  origin.verdict = () => 500;
  const first = await startProxy({ origin: origin.url, args });
  assert.equal((await send(first.url, 'sealed')).status, 202);
  await first.app.stop();
  origin.verdict = () => 202;

  writeFileSync(keyFile, `${YOUNG}\n`);
  chmodSync(keyFile, 0o644);
  const proxy = await start(t, origin.url, args);
  assert.equal(proxy.logs.withMessage(WAITING).length, 1);
  const readable = 'every user may read the data key file: make it readable by its owner and group alone';
  assert.equal(proxy.logs.withMessage(readable).length, 1);
  const waiting = await statusOf(proxy);
  const reasons = waiting.problems.map(({ reason }) => reason);
  assert.ok(reasons.includes('log_events_sealed') && reasons.includes('data_key_missing'), reasons.join());
  assert.equal((await send(proxy.url, 'another')).status, 202);
  await origin.took(1);

  writeFileSync(keyFile, 'no key');
  await proxy.logs.waitFor(({ msg }) => String(msg).startsWith('data key file not taken over'));
  writeFileSync(keyFile, `${YOUNG}\n${OLD}\n`);
  await proxy.logs.waitFor(({ msg }) => msg === 'data key file read again');
  await origin.took(2);
  await eventually('end of the problem', async () => {
    const { problems } = await statusOf(proxy);
    return problems.every(({ reason }) => reason !== 'log_events_sealed');
  });
  const { dataKeys } = await statusOf(proxy);
  assert.equal(dataKeys.opens.length, 2);
  assert.equal(dataKeys.seals, dataKeys.opens[0]);
});

test('a data key file that cannot be read or holds no key, and encryption that cannot be, prevent a start', () => {
  const cases: readonly (readonly [args: readonly string[], text: string | undefined, fault: RegExp])[] = [
    [['--data-key-file', 'keys'], undefined, /^--data-key-file \(SFP_DATA_KEY_FILE\): keys does not exist/],
    [
      ['--data-key-file', 'keys'],
      'short',
      /^--data-key-file \(SFP_DATA_KEY_FILE\): keys: line 1 is not 32 bytes/,
    ],
    [
      ['--encrypt-backups'],
      undefined,
      /^--encrypt-backups \(SFP_ENCRYPT_BACKUPS\) needs a key: set --data-key-file/,
    ],
    [
      ['--encrypt-backups', '--data-key-file', 'keys', '--double-write-cache-for-legacy-key'],
      OLD,
      /^--encrypt-backups .* and --double-write-cache-for-legacy-key .*set one of the two$/,
    ],
  ];
  for (const [args, text, fault] of cases) {
    const loaded = loadLine(['http', 'disabled', ...args], {
      readFile: () => {
        if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
        return text;
      },
    });
    assert.ok(loaded.kind === 'faults');
    assert.equal(loaded.faults.length, 1);
    assert.match(loaded.faults[0] ?? '', fault);
  }
});
