// The double of a Replane server, asked as its SDKs ask: the bytes on the wire, and each way in which it can fail.
import assert from 'node:assert/strict';
import { request, type IncomingMessage } from 'node:http';
import { test, type TestContext } from 'node:test';
import { eventually } from '../../e2e/deadline.js';
import { PythonReader } from '../../fakes/replane/python-reader.js';
import { ReplaneOrigin } from '../../fakes/replane/replane-origin.js';
import { HTML_PAGE, piecesOf, refusal } from '../../fakes/replane/stream-plan.js';

const STREAM = '/api/sdk/v1/replication/stream';

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly isWhole: boolean;
}

/** As far as the answer goes, or until `isEnough` of it came. */
async function ask(
  url: string,
  {
    method = 'POST',
    headers = {},
    body = method === 'POST' ? '{}' : '',
  }: { method?: string; headers?: Record<string, string>; body?: string },
  isEnough: (text: string) => boolean = () => false,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (answer) => {
      let text = '';
      const done = (): void => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text, isWhole: answer.complete });
        asked.destroy();
      };
      answer.on('data', (piece: Buffer) => {
        text += piece.toString();
        if (isEnough(text)) done();
      });
      answer.on('error', () => undefined);
      answer.once('close', done);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

async function start(t: TestContext): Promise<{
  readonly origin: ReplaneOrigin;
  readonly sdkKey: string;
  readonly project: ReturnType<ReplaneOrigin['addKey']>['project'];
  readonly ask: (body?: string, isEnough?: (text: string) => boolean) => Promise<Answer>;
}> {
  const origin = await ReplaneOrigin.start();
  t.after(() => origin.down());
  const { sdkKey, project } = origin.addKey();
  const headers = { authorization: `Bearer ${sdkKey}` };
  return {
    origin,
    sdkKey,
    project,
    ask: (body = '{}', isEnough = (text) => text.includes('"init"') && text.endsWith('\n\n')) =>
      ask(origin.url + STREAM, { headers, body }, isEnough),
  };
}

test('a stream begins with a comment and the configs, in the bytes of the server', async (t) => {
  const { project, ask: askStream } = await start(t);
  project.setText(
    'a',
    '1.50',
    '[{"conditions":[{"operator":"in","property":"plan"}],"name":"o","value":null}]',
  );
  project.set('b', 'x');
  const { status, headers, text } = await askStream();
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'text/event-stream');
  assert.equal(headers['cache-control'], 'no-cache, no-transform');
  assert.equal(headers['x-accel-buffering'], 'no');
  const override = '{"conditions":[{"operator":"in","property":"plan"}],"name":"o","value":null}';
  const configs = `{"name":"a","value":1.50,"overrides":[${override}]},{"name":"b","value":"x","overrides":[]}`;
  assert.equal(text, `: connected\n\ndata: {"type":"init","configs":[${configs}]}\n\n`);
});

test('what a client says it holds comes back, overlaid', async (t) => {
  const { project, ask: askStream } = await start(t);
  project.set('held', 2);
  const body = { currentConfigs: ['deleted', 'held'].map((name) => ({ name, value: 1, overrides: [] })) };
  const { text } = await askStream(JSON.stringify(body));
  assert.match(
    text,
    /\[{"name":"deleted","value":1,"overrides":\[]},{"name":"held","value":2,"overrides":\[]}\]/,
  );
});

test('changes and creations are told, deletions are not', async (t) => {
  const { project, ask: askStream, origin } = await start(t);
  project.set('a', 1);
  const whole = askStream('{}', (text) => text.includes('"again"'));
  await eventually('stream', () => origin.openStreams() === 1);
  project.set('a', 2);
  project.delete('a');
  project.set('a', 'again');
  const changes = (await whole).text.split('\n\n').slice(2, -1);
  const change = (value: string): string =>
    `data: {"type":"config_change","config":{"name":"a","overrides":[],"value":${value}}}`;
  assert.deepEqual(changes, [change('2'), change('"again"')]);
});

test('keys, bodies, methods and paths are refused as by the server', async (t) => {
  const { origin, sdkKey, ask: askStream } = await start(t);
  const url = origin.url + STREAM;
  const missing = await ask(url, {});
  assert.deepEqual([missing.status, missing.text], [401, '{"msg":"Missing SDK key"}']);
  const unknown = await ask(url, { headers: { authorization: 'bearer rp_0' } });
  assert.deepEqual([unknown.status, unknown.text], [401, '{"msg":"Invalid SDK key"}']);
  assert.equal((await askStream('not JSON')).status, 200);
  assert.equal((await askStream('{"currentConfigs":1}', () => false)).status, 400);
  assert.equal((await askStream('{"requiredConfigs":["none"]}', () => false)).text, ': connected\n\n');
  const get = await ask(url, { method: 'GET', headers: { authorization: `Bearer ${sdkKey}` } });
  assert.deepEqual([get.status, get.text], [404, '404 Not Found']);
  const asking = { 'access-control-request-headers': 'authorization,content-type' };
  const options = await ask(url, { method: 'OPTIONS', headers: asking });
  assert.equal(options.status, 204);
  assert.equal(options.headers['access-control-allow-headers'], 'authorization,content-type');
  const sync = `${origin.url}/api/sdk/v1/testing/sync`;
  assert.equal((await ask(sync, {})).status, 403);
  origin.isTesting = true;
  assert.equal((await ask(sync, {})).text, '{"status":"synced"}');
});

test('a revoked key keeps its open stream, and opens no other', async (t) => {
  const { origin, sdkKey, project, ask: askStream } = await start(t);
  const open = askStream('{}', (text) => text.includes('"late"'));
  await eventually('stream', () => origin.openStreams() === 1);
  origin.revoke(sdkKey);
  assert.equal((await askStream()).status, 401);
  project.set('late', 1);
  assert.match((await open).text, /"late"/);
});

test('each fault is what it says', async (t) => {
  const { origin, project, ask: askStream } = await start(t);
  project.set('a', 'x'.repeat(100));
  origin.plan = () => HTML_PAGE;
  assert.equal((await askStream()).headers['content-type'], 'text/html; charset=utf-8');
  origin.plan = () => refusal(429, 'slow down', { 'retry-after': '7' });
  const refused = await askStream();
  assert.deepEqual([refused.status, refused.headers['retry-after']], [429, '7']);
  origin.plan = () => ({ cutAtByte: 60 });
  const cut = await askStream();
  assert.deepEqual([cut.isWhole, cut.text.length], [false, 60]);
  origin.plan = () => ({ then: 'end' });
  const ended = await askStream('{}', () => false);
  assert.deepEqual([ended.isWhole, ended.text.includes('"init"')], [true, true]);
  origin.plan = () => ({ then: 'cut', pieces: piecesOf(7) });
  assert.equal((await askStream('{}', () => false)).isWhole, false);
  origin.plan = () => ({ then: 'silent', pingMs: 1 });
  const silent = askStream('{}', (text) => text.includes('ping') || text.includes('late'));
  await eventually('stream', () => origin.openStreams() === 1);
  project.set('late', 1);
  origin.cut();
  assert.doesNotMatch((await silent).text, /ping|late/);
  await origin.down();
  await assert.rejects(askStream(), { code: 'ECONNREFUSED' });
  await origin.up();
  origin.plan = () => ({ headAfterMs: 1, initAfterMs: 1 });
  assert.equal((await askStream()).status, 200);
});

test('a frame in pieces breaks the reader of the Python SDK, a frame in one piece of 1 MiB does not', async (t) => {
  const { origin, sdkKey, project } = await start(t);
  project.set('large', 'x'.repeat(1_048_576));
  const whole = await PythonReader.open(origin.url, sdkKey);
  t.after(() => {
    whole.close();
  });
  await eventually('init', () => whole.frames.length === 1);
  assert.ok(whole.frames[0] !== undefined);
  origin.plan = () => ({ pieces: piecesOf(100_000) });
  const divided = await PythonReader.open(origin.url, sdkKey);
  t.after(() => {
    divided.close();
  });
  await eventually('init', () => divided.frames.length === 1);
  assert.equal(divided.frames[0], undefined);
});
