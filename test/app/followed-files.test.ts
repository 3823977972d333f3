// Files that settings name, changed while the whole app runs: what is new in them counts without a restart.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { makeCertificate } from '../fakes/certificate.js';
import { freePort } from '../fakes/free-port.js';
import { H2Origin } from '../fakes/h2-origin.js';
import { SDK_KEY, startProxy } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { startRedisServer } from '../fakes/redis-server.js';
import { NO_ORIGIN } from '../process/origin.js';
import { temporaryFile } from '../process/temporary-file.js';

const SPEC = '{"has_updates":true,"time":1800000000000}';

test('an origin is believed by the authorities that its CA file holds by now', async (t) => {
  const origin = await H2Origin.listen({
    handler: () => ({ status: 200, headers: { 'content-type': 'application/json' }, body: SPEC }),
  });
  const caFile = temporaryFile(t, makeCertificate().certificatePem);
  const proxy = await startProxy({ origin: origin.url, args: ['--origin-ca-file', caFile] });
  t.after(async () => {
    await proxy.app.stop();
    await origin.close();
  });
  const ask = async (): Promise<number> =>
    (await rawRequest(`${proxy.url}/v1/download_config_specs/${SDK_KEY}.json`)).status;
  assert.equal(await ask(), 503);
  writeFileSync(caFile, 'no certificate');
  await proxy.logs.waitFor(({ msg }) => String(msg).startsWith('origin CA file not taken over'));
  writeFileSync(caFile, origin.caPem);
  await proxy.logs.waitFor(({ msg }) => msg === 'origin CA file read again');
  await eventually('spec', async () => (await ask()) === 200);
});

test('Redis is believed by the authorities that its CA file holds by now', async (t) => {
  const { keyPem, certificatePem } = makeCertificate();
  const [keyFile, certificateFile] = [temporaryFile(t, keyPem), temporaryFile(t, certificatePem)];
  const port = await freePort();
  await startRedisServer(t, [
    ...['--tls-port', String(port), '--tls-auth-clients', 'no', '--tls-key-file', keyFile],
    ...['--tls-cert-file', certificateFile, '--tls-ca-cert-file', certificateFile],
  ]);
  const caFile = temporaryFile(t, makeCertificate().certificatePem);
  const args = ['--redis-url', `rediss://localhost:${port}`, '--redis-ca-file', caFile];
  const proxy = await startProxy({ origin: NO_ORIGIN, cache: 'redis', args });
  t.after(() => proxy.app.stop());
  assert.equal(proxy.logs.lines.filter(({ reason }) => reason === 'tls_failed').length, 1, proxy.logs.text);
  writeFileSync(caFile, certificatePem);
  await proxy.logs.waitFor(({ msg }) => msg === 'Redis CA file read again');
  await proxy.logs.waitFor(({ msg }) => msg === 'redis works again');
});
