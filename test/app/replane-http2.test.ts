// Replane's streams over TLS and HTTP/2: the same frames, and an end that is none.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, constants } from 'node:http2';
import { after, before, test } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { startRelay, startReplane } from '../fakes/replane/relay-scene.js';
import { TestAuthority, type Issued } from '../fakes/test-authority.js';

let authority: TestAuthority;
let server: Issued;

before(() => {
  authority = new TestAuthority();
  server = authority.issue('server');
});
after(() => {
  authority.close();
});

test('a stream of HTTP/2 has the same frames, and is reset at a stop', async (t) => {
  const origin = await startReplane(t);
  const { sdkKey, project } = origin.addKey();
  project.set('a', 'x'.repeat(100_000));
  const pair = ['--x509-server-cert-path', server.certPath, '--x509-server-key-path', server.keyPath];
  const relay = await startRelay(t, origin, { args: pair });
  const session = connect(relay.httpsUrl, { ca: authority.ca });
  session.on('error', () => undefined);
  t.after(() => {
    session.destroy();
  });
  const stream = session.request({
    ':method': 'POST',
    ':path': '/api/sdk/v1/replication/stream',
    authorization: `Bearer ${sdkKey}`,
  });
  let text = '';
  stream.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  stream.on('error', () => undefined);
  stream.end('{"currentConfigs":[{"name":"a","value":1,"overrides":[]}]}');
  await eventually('init', () => text.endsWith('\n\n') && text.includes('"init"'));
  assert.equal(text, `: connected\n\ndata: ${project.init([])}\n\n`);
  project.set('a', 2);
  await eventually('change', () => text.includes('"config_change"'));
  const stopped = relay.app.stop();
  await once(stream, 'close');
  assert.equal(stream.rstCode, constants.NGHTTP2_CANCEL);
  await stopped;
});
