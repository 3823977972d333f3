// The doctor's checks of this machine: settings, files and folders, ports, certificates, open files, memory, keep-alive.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openPortsOf } from '../../src/app/ports.js';
import type { Setting } from '../../src/config/setting.js';
import { settings } from '../../src/config/settings.js';
import { namedFiles } from '../../src/doctor/files-check.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { freePort } from '../fakes/free-port.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { TestAuthority } from '../fakes/test-authority.js';
import { startProxy } from '../fakes/proxy.js';
import { findingsOf, KEY, originsAt, patientOf } from './patient.js';

const authority = new TestAuthority();
after(() => {
  authority.close();
});

function file(name: string, text: string, mode: number): string {
  const path = join(makeTemporaryFolder('doctor'), name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

test('settings: what has no effect is a warning, and what statsig-forward-proxy alone reads is none', async () => {
  const env = { SFP_POLING_INTERVAL: '3', PROXY_CACHE_TTL: '5s' };
  assert.deepEqual(await findingsOf('settings', patientOf(['--deltas-background-loop-enabled'], { env })), [
    'pass: MODE http, CACHE disabled, pinned SDK keys: 0',
    'pass: variables of statsig-forward-proxy without effect here: 1',
    ...(await findingsOf('settings', patientOf(['--deltas-background-loop-enabled']))).slice(1),
    'warn: variable SFP_POLING_INTERVAL is ignored: this version does not have it, see --help-all',
  ]);
  assert.deepEqual(await findingsOf('settings', patientOf([])), [
    'pass: MODE http, CACHE disabled, pinned SDK keys: 0',
  ]);
});

test('files: a secret that every user may read is a warning, what every user may change fails', async () => {
  const path = file('keys', KEY, 0o600);
  const source = '--sdk-keys-file (SFP_SDK_KEYS_FILE)';
  const find = (): Promise<string[]> => findingsOf('files', patientOf(['--sdk-keys-file', path]));
  assert.deepEqual(await find(), [`pass: ${source}: ${path} can be read`]);
  chmodSync(path, 0o644);
  assert.deepEqual(await find(), [`warn: ${source}: every user may read ${path}, which holds a secret`]);
  chmodSync(path, 0o666);
  assert.deepEqual(await find(), [`fail: ${source}: every user may change ${path}`]);
  assert.deepEqual(await findingsOf('files', patientOf([])), ['pass: settings name no file and no folder']);
});

test('files: every setting that names a file is looked at', () => {
  const rows = Object.entries(settings) as [string, Setting][];
  const ofFiles = rows.filter(
    ([, row]) => row.kind === 'text' && (row.unit === 'file' || /-path$/.test(row.flag)),
  );
  const named = Object.fromEntries(ofFiles.map(([name]) => [name, '/a/file']));
  const looked = namedFiles({ ...patientOf([]).config, ...named }).map(({ setting }) => setting.flag);
  assert.ok(looked.length > 10);
  assert.deepEqual(looked.sort(), ofFiles.map(([, { flag }]) => flag).sort());
});

test('files: a data directory is tried by a file that is gone afterwards', async () => {
  const folder = makeTemporaryFolder('doctor');
  const [written, space] = await findingsOf('files', patientOf(['--data-dir', folder]));
  assert.equal(written, `pass: --data-dir (SFP_DATA_DIR): ${folder} can be written`);
  assert.match(space ?? '', /^(?:pass|warn): .* MiB are free/);
  assert.deepEqual(readdirSync(folder), []);
  const later = join(folder, 'a', 'b');
  assert.deepEqual(await findingsOf('files', patientOf(['--data-dir', later])), [
    `pass: --data-dir (SFP_DATA_DIR): ${later} is not there yet and can be made`,
  ]);
  assert.deepEqual(readdirSync(folder), []);
});

test('files: a data directory without the room that settings allow to be filled is a warning', async () => {
  const folder = makeTemporaryFolder('doctor');
  const huge = ['--log-event-queue-max-in-mib', '65536', '--id-list-files-max-in-mib', '65536'];
  const patient = patientOf(['--data-dir', folder, ...huge]);
  const roomless = { ...patient, config: { ...patient.config, logEventQueueMaxMib: 1e12 } };
  assert.match((await findingsOf('files', roomless)).join('\n'), /warn: .* may take 1000000/);
});

test('files: a data directory that is a file, and folders in it that are not ours, fail', async () => {
  const path = file('data', '', 0o600);
  assert.deepEqual(await findingsOf('files', patientOf(['--data-dir', path])), [
    `fail: --data-dir (SFP_DATA_DIR): ${path} is not a directory`,
  ]);
  const folder = makeTemporaryFolder('doctor');
  mkdirSync(join(folder, 'specs'));
  chmodSync(join(folder, 'specs'), 0o777);
  symlinkSync(path, join(folder, 'log-events'));
  assert.deepEqual((await findingsOf('files', patientOf(['--data-dir', folder]))).slice(0, 2), [
    `fail: ${join(folder, 'specs')} cannot be used: other users may write into the folder`,
    `fail: ${join(folder, 'log-events')} cannot be used: the path exists but is not a directory`,
  ]);
});

test('files: a data directory that cannot be written fails', async () => {
  // Of the kernel's own: root may write anywhere else.
  const patient = patientOf(['--data-dir', makeTemporaryFolder('doctor')]);
  const ofKernel = {
    ...patient,
    config: { ...patient.config, dataDir: '/proc/self', specDir: '/proc/self' },
  };
  const [finding = ''] = (await findingsOf('files', ofKernel)).filter((line) => line.startsWith('fail'));
  assert.match(finding, /^fail: --data-dir \(SFP_DATA_DIR\): \/proc\/self cannot be (?:written|used)/);
});

test('ports: those that are free are closed again, and one that is taken fails with its setting', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const free = await freePort();
  const at = ['--host', '127.0.0.1', '--admin-port', String(free), '--http-port'];
  const [first] = await findingsOf('ports', patientOf([...at, String(port)]));
  assert.match(first ?? '', /^fail: --http-port \(SFP_HTTP_PORT\): cannot listen on port \d+ .*EADDRINUSE/);
  const good = patientOf([...at, '0']);
  for (let times = 0; times < 2; times += 1) {
    assert.deepEqual(await findingsOf('ports', good), [
      `pass: free to listen on: 0 of 127.0.0.1, ${free} of 127.0.0.1`,
    ]);
  }
});

test('ports: what is tried is what the daemon opens, with TLS too, or TLS alone', async (t) => {
  const { certPath, keyPath } = authority.issue('server');
  const tls = ['--x509-server-cert-path', certPath, '--x509-server-key-path', keyPath];
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  for (const mode of ['http', 'grpc', 'grpc-and-http'] as const) {
    for (const more of [[], tls, [...tls, '--enforce-tls']]) {
      const proxy = await startProxy({ origin: origin.url, mode, args: more });
      const { httpPort, httpsPort, grpcPort, grpcTlsPort, adminPort } = proxy.app;
      const opened = { httpPort, httpsPort, grpcPort, grpcTlsPort, adminPort };
      await proxy.app.stop();
      const planned = openPortsOf(patientOf([mode, 'disabled', ...more]).config);
      const namesOf = (ports: object): string[] =>
        Object.entries(ports).flatMap(([name, port]) => (port === undefined ? [] : name));
      assert.deepEqual(namesOf(planned).sort(), namesOf(opened).sort(), `${mode} ${more.join(' ')}`);
    }
  }
});

test('certificates: chain, names and days', async () => {
  const { certPath, keyPath, cert } = authority.issue('server');
  const shown = (path: string, key = keyPath): string[] => [
    '--x509-server-cert-path',
    path,
    '--x509-server-key-path',
    key,
  ];
  const good = await findingsOf('certificates', patientOf(shown(certPath)));
  assert.match(
    good.join('\n'),
    /^pass: certificate of the TLS ports \(CN=server\): valid for (?:29|30) days\npass: .* chain of 1; the other side must trust CN=test authority\npass: .* for DNS:localhost, /,
  );
  const whole = file('chain.pem', cert + authority.ca, 0o600);
  assert.match((await findingsOf('certificates', patientOf(shown(whole)))).join('\n'), /chain of 2/);
  const wrong = file('wrong.pem', cert + new TestAuthority('somebody').ca, 0o600);
  assert.match(
    (await findingsOf('certificates', patientOf(shown(wrong)))).join('\n'),
    /fail: .* CN=server is followed by CN=somebody, which did not issue it/,
  );
  const soon = authority.issue('soon', 3);
  assert.match(
    (await findingsOf('certificates', patientOf(shown(soon.certPath, soon.keyPath)))).join('\n'),
    /warn: .*\(CN=soon\) expires in [23] days/,
  );
  // An authority is a certificate too, without names of servers.
  const nameless = shown(authority.caPath, join(authority.folder, 'ca.key'));
  assert.match(
    (await findingsOf('certificates', patientOf(nameless))).join('\n'),
    /fail: certificate of the TLS ports has no subjectAltName/,
  );
  assert.deepEqual(await findingsOf('certificates', patientOf([])), ['pass: settings name no certificate']);
});

test('certificates: authorities that have all expired fail', async () => {
  const patient = patientOf(['--origin-ca-file', authority.caPath]);
  assert.deepEqual(await findingsOf('certificates', patient), [
    'pass: authorities of origins: 1 of 1 are valid',
  ]);
  const { clock } = patient;
  const inYears = { ...clock, nowMs: () => clock.nowMs() + 10 * 365 * 86_400_000 };
  assert.deepEqual(await findingsOf('certificates', { ...patient, clock: inYears }), [
    'fail: authorities of origins: all 1 have expired',
  ]);
});

test('open files: fewer than the connections that settings allow are a warning', async () => {
  assert.deepEqual(await findingsOf('open-files', patientOf([])), [
    'pass: open files: no limit; enough for every client connection that settings allow',
  ]);
  assert.deepEqual(await findingsOf('open-files', patientOf([], { openFilesMax: 1024 })), [
    'warn: open files: 1024, memory: 8192 MiB; client connections that fit: http 468 of 20000',
  ]);
});

test('memory: what pinned keys weigh now is held against the limit', async (t) => {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  const env = { SFP_SDK_KEYS: KEY };
  const find = (memoryBytesMax: number): Promise<string[]> =>
    findingsOf('memory', patientOf(originsAt(origin.url), { env, memoryBytesMax }));
  assert.match((await find(8 * 1024 ** 3)).join(), /^pass: memory: 8192 MiB; .* up to 1 for 3 payloads/);
  assert.match((await find(512 * 1024 ** 2)).join(), /^warn: memory: 512 MiB/);
  assert.match((await find(64 * 1024 ** 2)).join(), /^fail: memory: 64 MiB/);
});

test('keep-alive: shorter than the balancer keeps its own is a warning', async () => {
  assert.deepEqual(await findingsOf('keep-alive', patientOf([])), [
    'pass: idle connections of clients are kept for 72 s, by the load balancer for 60 s',
  ]);
  assert.match(
    (await findingsOf('keep-alive', patientOf([], { balancerIdleS: 600 }))).join(),
    /^warn: .* 72 s, by the load balancer for 600 s: .*502/,
  );
  assert.match(
    (await findingsOf('keep-alive', patientOf(['grpc', 'disabled']))).join(),
    /^pass: no HTTP port/,
  );
});
