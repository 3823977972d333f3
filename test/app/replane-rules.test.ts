// What a relay between Replane and its SDKs must keep to, rule by rule, through the whole app: the wire that clients see.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { PythonReader } from '../fakes/replane/python-reader.js';
import { piecesOf, refusal, HTML_PAGE } from '../fakes/replane/stream-plan.js';
import { sharedScene } from './replane-scene.js';

const scene = await sharedScene({ resyncS: 1 });
const { origin } = scene;

test('M1: streams are at both paths, and browsers may ask for them', async () => {
  const { sdkKey, project } = origin.addKey();
  project.set('a', 1);
  for (const path of ['/api/sdk/v1/replication/stream', '/api/v1/replication/stream']) {
    const stream = await scene.client(sdkKey, { path }).received('"init"');
    assert.equal(stream.status, 200);
    assert.equal(stream.headers['access-control-allow-origin'], '*');
    const headers = {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    };
    const preflight = await scene.client(undefined, { path, method: 'OPTIONS', headers }).answered();
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers['access-control-allow-origin'], '*');
    assert.match(preflight.headers['access-control-allow-headers'] ?? '', /authorization.*content-type/i);
  }
});

test('M1: all clients of a key share one stream of the origin', async () => {
  const { sdkKey, project } = origin.addKey();
  project.set('a', 1);
  const clients = Array.from({ length: 20 }, () => scene.client(sdkKey));
  for (const client of clients) await client.received('"init"');
  // For a moment there are two, while all is read again.
  await eventually('one stream', () => origin.openStreams(sdkKey) === 1);
});

test('M2: bodies are taken whatever they hold, up to 64 MiB', async () => {
  const { sdkKey, project } = origin.addKey();
  project.set('a', 1);
  const held = [{ name: 'large', value: 'x'.repeat(2_000_000), overrides: [] }];
  const bodies = [
    '',
    '{}',
    'not JSON',
    '[]',
    '{"currentConfigs":1}',
    JSON.stringify({ currentConfigs: held }),
  ];
  for (const body of [...bodies, Buffer.alloc(32 * 1024 * 1024, 0x20)]) {
    for (const headers of [{ 'content-type': 'application/json' }, { 'content-type': 'text/plain' }, {}]) {
      const stream = await scene.client(sdkKey, { body, headers }).answered();
      assert.equal(stream.status, 200, `${body.length} bytes of ${JSON.stringify(headers)}`);
      await stream.received('"init"');
      stream.close();
    }
  }
});

test('M3: a stream has the headers of the server, and no compression', async () => {
  const { sdkKey } = origin.addKey();
  const headers = { 'accept-encoding': 'gzip, deflate, br' };
  const stream = await scene.client(sdkKey, { headers }).received('"init"');
  assert.match(stream.headers['content-type'] ?? '', /^text\/event-stream/);
  assert.equal(stream.headers['cache-control'], 'no-cache, no-transform');
  assert.equal(stream.headers['x-accel-buffering'], 'no');
  assert.equal(stream.headers['content-encoding'], undefined);
});

test('M4: a stream begins with a comment and one init, and changes follow', async () => {
  const { sdkKey, project } = origin.addKey();
  project.set('a', 1);
  const stream = await scene.client(sdkKey).received('"init"');
  project.set('a', 2);
  await stream.received('config_change');
  assert.match(stream.text, /^: connected\n\ndata: {"type":"init"/);
  assert.deepEqual(
    stream.frames.map(({ type }) => type),
    ['init', 'config_change'],
  );
});

test('M5: each frame is one chunk, so that the SDK for Python reads it', async () => {
  const { sdkKey, project } = origin.addKey();
  const large = 'x'.repeat(300_000);
  project.set('large', large);
  origin.plan = (request) => (request.sdkKey === sdkKey ? { pieces: piecesOf(1_000) } : {});
  const reader = await PythonReader.open(scene.proxy.url, sdkKey);
  await eventually('init', () => reader.frames.length === 1);
  for (const end of ['1', '2', '3']) project.set('large', large + end);
  await eventually('last change', () => JSON.stringify(reader.frames.at(-1)).includes(`${large}3"`));
  assert.ok(reader.frames.every((frame) => frame !== undefined));
  reader.close();
});

test('M8: 401 is said only where the origin says it of this key', async () => {
  const { sdkKey: good } = origin.addKey();
  const { sdkKey: bad } = origin.addKey();
  origin.revoke(bad);
  assert.equal((await scene.client(undefined).over()).status, 401);
  assert.equal((await scene.client(bad).over()).status, 401);
  assert.equal((await scene.client('rp_unknown').over()).status, 401);
  assert.equal((await scene.client(good).answered()).status, 200);
  const failures = [400, 403, 404, 429, 500, 502, 503].map((status) =>
    refusal(status, 'Invalid SDK key: 401'),
  );
  for (const plan of [HTML_PAGE, ...failures, { then: 'end' as const, cutAtByte: 30 }]) {
    const { sdkKey } = origin.addKey();
    origin.plan = (request) => (request.sdkKey === sdkKey ? plan : {});
    const answer = await scene.client(sdkKey).over();
    assert.equal(answer.status, 503, JSON.stringify(plan));
    assert.ok(answer.headers['retry-after'] !== undefined);
  }
});

test('M9: while the server is away, clients that stay and clients that come have what was there last', async () => {
  const { sdkKey, project } = origin.addKey();
  project.set('a', 1);
  const staying = await scene.client(sdkKey).received('"init"');
  await origin.down();
  const coming = await scene.client(sdkKey).received('"init"');
  assert.deepEqual(coming.valuesOf('a'), [1]);
  project.set('a', 2);
  await origin.up();
  for (const client of [staying, coming])
    await eventually('what changed meanwhile', () => client.valuesOf('a').at(-1) === 2);
  assert.ok(!staying.isOver && !coming.isOver);
});

test('M10: configs are passed on byte for byte, and always have a list of overrides', async () => {
  const { sdkKey, project } = origin.addKey();
  const overrides =
    '[{"conditions":[{"property":"plan","operator":"in"},{"operator":"segmentation","seed":"s","toPercentage":1e1,"fromPercentage":0.0,"property":"u"}],"value":{"b":1,"a":2},"name":"o"}]';
  project.setText('exact', '{"z":1.50,"a":1e3,"u":"\\u00e4ä","n":12345678901234567890}', overrides);
  const stream = await scene.client(sdkKey).received('"init"');
  const slice = (head: string, tail: string): string => `{"name":"exact",${head},${tail}}`;
  const value = '"value":{"z":1.50,"a":1e3,"u":"\\u00e4ä","n":12345678901234567890}';
  assert.ok(stream.text.includes(slice(value, `"overrides":${overrides}`)), stream.text);
  // Again and again: no list of the origin has it, so one that is read at this moment would take it away unseen.
  await eventually('the config that came without a list', () => {
    origin.write(sdkKey, 'data: {"type":"config_change","config":{"name":"bare","value":1.0}}\n\n');
    return stream.text.includes('"name":"bare"');
  });
  assert.match(stream.text, /{"name":"bare","value":1\.0,"overrides":\[]}/);
  project.setText('exact', '2.50', overrides);
  await stream.received('2.50');
  assert.ok(stream.text.includes(`{"name":"exact","overrides":${overrides},"value":2.50}`));
});

test('M11: whoever opens a stream while configs change misses none of them', async () => {
  const { sdkKey, project } = origin.addKey();
  project.set('n', 0);
  await scene.client(sdkKey).received('"init"');
  const clients: ReturnType<typeof scene.client>[] = [];
  for (let n = 1; n <= 100; n += 1) {
    project.set('n', n);
    if (n % 4 === 0) clients.push(scene.client(sdkKey));
    if (n % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  for (const client of clients) {
    await eventually('the last value', () => client.valuesOf('n').at(-1) === 100);
    const values = client.valuesOf('n');
    assert.deepEqual(
      values,
      [...new Set(values)].sort((left, right) => Number(left) - Number(right)),
    );
    client.close();
  }
});

test('M12: what clients hold goes neither to the origin nor to other clients', async () => {
  const { sdkKey, project } = origin.addKey();
  project.set('a', 1);
  const body = { currentConfigs: [{ name: 'mine', value: 1, overrides: [] }], requiredConfigs: [] };
  await scene.client(sdkKey, { body: JSON.stringify(body) }).received('"init"');
  const other = await scene.client(sdkKey).received('"init"');
  assert.doesNotMatch(other.text, /mine/);
  for (const request of origin.requests.filter((seen) => seen.sdkKey === sdkKey)) {
    const { currentConfigs = [] } = JSON.parse(request.body) as {
      readonly currentConfigs?: readonly unknown[];
    };
    assert.deepEqual(currentConfigs, []);
  }
});

test('M13: after a stream broke, only what is new or changed is told, and what is gone is left out', async () => {
  const { sdkKey, project } = origin.addKey();
  for (const name of ['same', 'live', 'changed', 'gone']) project.set(name, 1);
  const stream = await scene.client(sdkKey).received('"init"');
  // A change has its members in another order than the next `init` will have them.
  project.set('live', 2);
  await stream.received('"value":2');
  origin.cut(sdkKey);
  project.set('changed', 3);
  project.delete('gone');
  project.set('new', 3);
  await stream.received('"name":"new"');
  await eventually('changed', () => stream.valuesOf('changed').at(-1) === 3);
  // A later read of all tells nothing either.
  const seen = origin.requests.length;
  await eventually('two more streams', () => origin.requests.length > seen + 2);
  assert.deepEqual(stream.valuesOf('same'), [1]);
  assert.deepEqual(stream.valuesOf('live'), [1, 2]);
  assert.deepEqual(stream.valuesOf('changed'), [1, 3]);
  assert.deepEqual(stream.valuesOf('new'), [3]);
  assert.equal(stream.isOver, false);
  const later = await scene.client(sdkKey).received('"init"');
  assert.deepEqual(later.frames[0]?.configs?.map(({ name }) => name).sort(), [
    'changed',
    'live',
    'new',
    'same',
  ]);
});

test('M14: a config that was deleted and made again with the same value is told', async () => {
  const { sdkKey, project } = origin.addKey();
  project.set('a', 1);
  const stream = await scene.client(sdkKey).received('"init"');
  project.delete('a');
  project.set('a', 1);
  await eventually('change', () => stream.valuesOf('a').length === 2);
  assert.deepEqual(stream.valuesOf('a'), [1, 1]);
});

test('M14: all is read again beside the stream that tells of changes, and no value goes back', async () => {
  const { sdkKey, project } = origin.addKey();
  project.set('n', 0);
  // What a stream says first is as old as its head, and takes longer than changes on the stream before.
  origin.plan = (request) => (request.sdkKey === sdkKey ? { initAfterMs: 300 } : {});
  const stream = await scene.client(sdkKey).received('"init"');
  let n = 0;
  const timer = setInterval(() => {
    n += 1;
    project.set('n', n);
  }, 20);
  const streams = (): number => origin.requests.filter((seen) => seen.sdkKey === sdkKey).length;
  try {
    await eventually('four streams', () => streams() >= 4);
  } finally {
    clearInterval(timer);
  }
  await eventually('the last value', () => stream.valuesOf('n').at(-1) === n);
  const values = stream.valuesOf('n').map(Number);
  const backward = values.filter((value, index) => value < (values[index - 1] ?? 0));
  assert.deepEqual(backward, []);
});

test('M14: where all cannot be read again, the stream that tells of changes goes on', async () => {
  const { sdkKey, project } = origin.addKey();
  project.set('n', 0);
  origin.plan = () => ({});
  const stream = await scene.client(sdkKey).received('"init"');
  origin.plan = (request) => (request.sdkKey === sdkKey ? refusal(503, 'not now') : {});
  const asked = (): number => origin.requests.filter((seen) => seen.sdkKey === sdkKey).length;
  await eventually('a refusal', () => asked() >= 2);
  project.set('n', 1);
  await eventually('the change', () => stream.valuesOf('n').at(-1) === 1);
  await eventually('one stream', () => origin.openStreams(sdkKey) === 1);
});

test('M15: deleted configs leave later streams within one interval', async () => {
  const { sdkKey, project } = origin.addKey();
  project.set('kept', 1);
  project.set('gone', 1);
  await scene.client(sdkKey).received('"init"');
  project.delete('gone');
  await eventually('an init without it', async () => {
    const later = await scene.client(sdkKey).received('"init"');
    later.close();
    return later.valuesOf('gone').length === 0 && later.valuesOf('kept').length === 1;
  });
});

test('M15: without being told otherwise, a revoked key goes on being served', async () => {
  const { sdkKey, project } = origin.addKey();
  project.set('a', 1);
  const stream = await scene.client(sdkKey).received('"init"');
  origin.revoke(sdkKey);
  const refused = (): number => origin.requests.filter((seen) => seen.sdkKey === sdkKey).length;
  await eventually('refusal', () => refused() >= 2);
  assert.equal((await scene.client(sdkKey).received('"init"')).status, 200);
  assert.equal(stream.isOver, false);
});

test('M16: keys see nothing of each other, and what the origin refused is not asked for again at once', async () => {
  const one = origin.addKey();
  const two = origin.addKey();
  one.project.set('one', 1);
  two.project.set('two', 2);
  const ofOne = await scene.client(one.sdkKey).received('"init"');
  const ofTwo = await scene.client(two.sdkKey).received('"init"');
  one.project.set('one', 'changed');
  await ofOne.received('changed');
  two.project.set('two', 'altered');
  await ofTwo.received('altered');
  assert.doesNotMatch(ofOne.text, /"two"|altered/);
  assert.doesNotMatch(ofTwo.text, /"one"|changed/);
  const before = origin.requests.length;
  for (let request = 0; request < 10; request += 1) {
    assert.equal((await scene.client('rp_nobody').over()).status, 401);
  }
  assert.equal(origin.requests.filter((seen, at) => at >= before && seen.sdkKey === 'rp_nobody').length, 1);
});

test('M18: a client that requires what is not there gets no stream, and no refusal for good', async () => {
  const { sdkKey, project } = origin.addKey();
  project.set('a', 1);
  const body = (names: readonly string[]): string => JSON.stringify({ requiredConfigs: names });
  const missing = await scene.client(sdkKey, { body: body(['a', 'none']) }).over();
  assert.ok(missing.status === 503 || (missing.status === 200 && !missing.text.includes('init')));
  const there = await scene.client(sdkKey, { body: body(['a']) }).received('"init"');
  assert.equal(there.status, 200);
});
