// The nginx of the compose example in front of two replicas, for HTTP and gRPC: it spreads clients, and goes round a replica that is gone.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { freePort } from '../fakes/free-port.js';
import { GrpcClient } from '../fakes/grpc-client.js';
import { SDK_KEY, startProxy, type TestProxy } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';

const skip = spawnSync('nginx', ['-v']).error !== undefined && 'there is no nginx';
/** From this release on nginx has a directive for it; before, a word of `listen`. */
const HTTP2 = 'listen 50051;\n    http2 on;';

interface Balancer {
  readonly url: string;
  readonly grpcAddress: string;
}

async function startBalancer(t: TestContext, proxies: readonly TestProxy[]): Promise<Balancer> {
  const folder = makeTemporaryFolder('nginx');
  // Its workers run as another user where this process is root.
  chmodSync(folder, 0o777);
  const [http, grpc] = [await freePort(), await freePort()];
  let text = readFileSync('examples/compose/nginx.conf', 'utf8');
  assert.ok(text.includes(HTTP2));
  text = text
    .replace(HTTP2, `listen 127.0.0.1:${grpc} http2;`)
    .replace('listen 8000;', `listen 127.0.0.1:${http};`);
  for (const [index, { url, grpcAddress }] of proxies.entries()) {
    const service = `proxy-${index + 1}`;
    assert.ok(text.includes(`${service}:8000;`) && text.includes(`${service}:50051;`));
    text = text.replace(`${service}:8000`, new URL(url).host).replace(`${service}:50051`, grpcAddress);
  }
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (of) => `${of}_temp_path ${folder}/${of};`,
  );
  text = text.replace('http {', `http {\n${temporary.join('\n')}`);
  writeFileSync(join(folder, 'nginx.conf'), text);
  const globals = `daemon off; pid ${folder}/pid; error_log stderr error;`;
  const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr', '-g', globals];
  const child = spawn('nginx', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (piece: Buffer) => (errors += piece.toString()));
  t.after(() => child.kill('SIGTERM'));
  const url = `http://127.0.0.1:${http}`;
  await eventually('nginx', async () => {
    assert.equal(child.exitCode, null, errors);
    return (await fetch(`${url}/v1/health`).catch(() => undefined))?.status === 200;
  });
  return { url, grpcAddress: `127.0.0.1:${grpc}` };
}

async function requestsOf({ adminUrl }: TestProxy): Promise<number> {
  const { text } = await rawRequest(`${adminUrl}/metrics`);
  const line =
    /^sfp_http_request_duration_seconds_count\{[^}]*route="\/v1\/download_config_specs[^}]*\} (\d+)$/m;
  return Number(line.exec(text)?.[1] ?? 0);
}

describe('the balancer of the compose example', { skip }, () => {
  it('spreads requests and calls over both replicas, and leaves out one that is gone', async (t) => {
    const origin = await startFakeOrigin();
    t.after(() => origin.close());
    const proxies: TestProxy[] = [];
    for (let count = 0; count < 2; count += 1) {
      const proxy = await startProxy({ origin: origin.url, mode: 'grpc-and-http' });
      t.after(() => proxy.app.stop());
      proxies.push(proxy);
    }
    const [first] = proxies;
    assert.ok(first !== undefined);
    const balancer = await startBalancer(t, proxies);
    const specs = async (): Promise<number> =>
      (await fetch(`${balancer.url}/v1/download_config_specs/${SDK_KEY}.json`)).status;
    for (let count = 0; count < 10; count += 1) assert.equal(await specs(), 200);
    for (const proxy of proxies) assert.ok((await requestsOf(proxy)) > 0);
    const client = new GrpcClient(balancer.grpcAddress);
    t.after(() => {
      client.close();
    });
    const stream = client.stream({ sdkKey: SDK_KEY });
    await stream.received(1);
    // As large a batch of log events as the proxy takes.
    const batch = await fetch(`${balancer.url}/v1/log_event`, {
      method: 'POST',
      headers: { 'statsig-api-key': SDK_KEY, 'content-type': 'application/json' },
      body: JSON.stringify({ events: [{ eventName: 'large', value: 'x'.repeat(19 * 1024 * 1024) }] }),
    });
    assert.equal(batch.status, 202);
    await first.app.stop();
    for (let count = 0; count < 10; count += 1) assert.equal(await specs(), 200);
    const later = new GrpcClient(balancer.grpcAddress);
    t.after(() => {
      later.close();
    });
    for (let count = 0; count < 4; count += 1) assert.equal(await later.check(), 'SERVING');
  });
});
