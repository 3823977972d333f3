// The fast lane in the whole app, on connections that are kept: what other features decide about a request holds there too.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { Agent as PlainAgent, get as getPlain, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, get as getTls, type AgentOptions } from 'node:https';
import { after, before, test, type TestContext } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import { demoProtobuf } from '../../scripts/demo-specs.js';
import { canMakeZstd } from '../../src/bodies/body-forms.js';
import { eventually } from '../e2e/deadline.js';
import { TestAuthority, type Issued } from '../fakes/test-authority.js';
import { temporaryFile } from '../process/temporary-file.js';
import { start } from './started-proxy.js';

const KEY = 'secret-lanekey0123456789';
const OTHER = 'secret-otherlanekey0123456789';
const SPEC = `/v1/download_config_specs/${KEY}.json`;
const PROTOBUF = `/v2/download_config_specs/${KEY}.json?supports_proto=true`;

/** RFC 8878, 3.1.1. */
const ZSTD_MAGIC = 0xfd2fb528;

let authority: TestAuthority;
let server: Issued;
let client: Issued;

before(() => {
  authority = new TestAuthority();
  [server, client] = [authority.issue('server'), authority.issue('client')];
});
after(() => {
  authority.close();
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Buffer;
  /** The connection had brought an answer before. */
  readonly isReused: boolean;
}

type Ask = (path: string, headers?: Readonly<Record<string, string>>) => Promise<Answer>;

/** One client with one connection, which it keeps. */
function keep(t: TestContext, url: string, tls: AgentOptions = {}): Ask {
  const isTls = url.startsWith('https:');
  const options = { ...tls, keepAlive: true, maxSockets: 1 };
  const agent = isTls ? new TlsAgent(options) : new PlainAgent(options);
  t.after(() => {
    agent.destroy();
  });
  return (path, headers = {}) =>
    new Promise((resolve, reject) => {
      const request = (isTls ? getTls : getPlain)(url + path, { agent, headers }, (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode: status, headers: told } = response;
          const bytes = Buffer.concat(pieces);
          resolve({ status, headers: told, bytes, isReused: request.reusedSocket });
        });
      });
      request.on('error', reject);
    });
}

test('a key that leaves the keys file is refused on connections that were served with it, plain or TLS', async (t) => {
  const keysFile = temporaryFile(t, `${KEY}\n${OTHER}`);
  const { proxy } = await start(t, {
    args: [
      ...['--sdk-keys-policy', 'pinned', '--sdk-keys-file', keysFile, '--enforce-tls', 'false'],
      ...['--x509-server-cert-path', server.certPath, '--x509-server-key-path', server.keyPath],
      ...['--x509-client-cert-path', authority.caPath],
    ],
  });
  await proxy.app.startedUp;
  const known = { cert: client.cert, key: client.key };
  const clients = {
    plain: keep(t, proxy.url),
    'TLS without a certificate': keep(t, proxy.httpsUrl, { ca: authority.ca }),
    'TLS with a certificate': keep(t, proxy.httpsUrl, { ca: authority.ca, ...known }),
  };
  for (const [name, ask] of Object.entries(clients)) {
    for (const isReused of [false, true, true]) {
      const answer = await ask(SPEC);
      assert.deepEqual([answer.status, answer.isReused], [200, isReused], name);
    }
  }
  writeFileSync(keysFile, OTHER);
  proxy.app.readFilesAgain();
  await proxy.logs.waitFor(({ msg }) => msg === 'SDK keys file read again');
  for (const [name, ask] of Object.entries(clients)) {
    const answer = await ask(SPEC);
    assert.deepEqual([answer.status, answer.isReused], [403, true], name);
    assert.match(answer.bytes.toString(), /key_not_pinned/);
    assert.equal((await ask(`/v1/download_config_specs/${OTHER}.json`)).status, 200, name);
  }
});

test('a client that accepts deltas is answered as such behind ordinary requests on its connection', async (t) => {
  const { proxy } = await start(t, {});
  await keep(t, proxy.url)(PROTOBUF);
  const ask = keep(t, proxy.url);
  assert.equal((await ask(PROTOBUF)).headers['x-statsig-delta-fallback-reason'], undefined);
  assert.equal((await ask(PROTOBUF)).isReused, true);
  for (const parameter of ['accept_deltas=true', 'accept_deltas=1', 'accept_deltas']) {
    const { headers, isReused } = await ask(`${PROTOBUF}&${parameter}&sinceTime=1&checksum=5`);
    assert.equal(isReused, true);
    assert.notEqual(headers['x-statsig-delta-fallback-reason'], undefined, parameter);
  }
  assert.equal((await ask(PROTOBUF)).headers['x-statsig-delta-fallback-reason'], undefined);
});

test('a loop is found, and a proxy in front is named to the origin, behind ordinary requests', async (t) => {
  const { origin, proxy } = await start(t, { args: ['-p', '1'] });
  await keep(t, proxy.url)(SPEC);
  const [looping, inFront] = [keep(t, proxy.url), keep(t, proxy.url)];
  for (const ask of [looping, inFront]) for (let asked = 0; asked < 2; asked += 1) await ask(SPEC);
  const via = String(origin.requests[0]?.headers['via']);
  const refused = await looping(SPEC, { via });
  assert.deepEqual([refused.status, refused.isReused], [508, true]);
  const front = '1.1 spec-forward-proxy-fedcba9876543210';
  const served = await inFront(SPEC, { via: front });
  assert.deepEqual([served.status, served.isReused], [200, true]);
  await eventually('its name at the origin', () =>
    origin.requests.some(({ headers }) => headers['via'] === `${front}, ${via}`),
  );
});

test('each client gets the coding of protobuf that it reads, on every connection and from the first answer on', async (t) => {
  const { origin, proxy } = await start(t, {});
  const whole = brotliDecompressSync(demoProtobuf(origin.project));
  const offers = [
    ['statsig-zstd, statsig-br, gzip', canMakeZstd ? 'statsig-zstd' : 'statsig-br'],
    ['zstd, statsig-br, gzip', 'statsig-br'],
  ] as const;
  // The first connections leave the lane with what is made for them, the next stay in it.
  for (let round = 0; round < 2; round += 1) {
    for (const [accepted, expected] of offers) {
      const ask = keep(t, proxy.url);
      for (const isReused of [false, true, true]) {
        const answer = await ask(PROTOBUF, { 'accept-encoding': accepted });
        assert.equal(answer.isReused, isReused);
        assert.equal(answer.headers['content-encoding'], expected);
        if (expected === 'statsig-br') assert.ok(brotliDecompressSync(answer.bytes).equals(whole));
        else assert.equal(answer.bytes.readUInt32LE(0), ZSTD_MAGIC);
      }
      const current = await ask(`${PROTOBUF}&sinceTime=${origin.project.time}`);
      assert.equal(current.bytes.toString(), '{"has_updates":false}');
    }
  }
});
