// Replane's SDKs before the whole app: what a stream says, when it ends, and what becomes of it when the origin fails.
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { hashSdkKey } from '../../src/domain/sdk-key.js';
import { eventually } from '../e2e/deadline.js';
import { scrape } from '../fakes/metrics-page.js';
import { inRealTime, ManualClock, settle } from '../fakes/manual-clock.js';
import { stopWhenSaved, type TestProxy } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import type { PythonReader } from '../fakes/replane/python-reader.js';
import type { ReplaneOrigin } from '../fakes/replane/replane-origin.js';
import type { ReplaneProject } from '../fakes/replane/replane-project.js';
import { openReader, startRelay, startReplane } from '../fakes/replane/relay-scene.js';
import { refusal } from '../fakes/replane/stream-plan.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';

const PATH = '/api/sdk/v1/replication/stream';

interface Config {
  readonly name: string;
  readonly value: unknown;
  readonly overrides: readonly unknown[];
}
type Frame = { readonly type: string; readonly configs?: readonly Config[]; readonly config?: Config };

function valuesIn(frames: readonly unknown[]): readonly (readonly [string, unknown])[] {
  return (frames as readonly Frame[]).flatMap(({ configs, config }) =>
    (configs ?? [config]).map((each) => [each?.name ?? '', each?.value] as const),
  );
}

async function ask(url: string, sdkKey: string, body = '{}'): Promise<{ status: number; text: string }> {
  const response = await rawRequest(url + PATH, {
    method: 'POST',
    headers: { authorization: `Bearer ${sdkKey}`, 'content-type': 'application/json' },
    body,
  });
  return { status: response.status, text: response.text };
}

/** A client that has its `init`, by a clock that a test turns. */
async function serveByHand(t: TestContext): Promise<{
  readonly clock: ManualClock;
  readonly origin: ReplaneOrigin;
  readonly project: ReplaneProject;
  readonly relay: TestProxy;
  readonly reader: PythonReader;
}> {
  const clock = new ManualClock();
  const origin = await startReplane(t);
  const { sdkKey, project } = origin.addKey();
  project.set('a', 1);
  const relay = await startRelay(t, origin, { clock });
  const reader = await openReader(t, relay, sdkKey);
  await eventually('init', () => reader.frames.length === 1);
  return { clock, origin, project, relay, reader };
}

// They wait far more than they work.
describe('Replane', { concurrency: true }, () => {
  test('a client gets what the server has, byte for byte, and each change', async (t) => {
    const origin = await startReplane(t);
    const { sdkKey, project } = origin.addKey();
    project.setText(
      'flag',
      '{ "b": 1.10, "a": 1e400 }',
      '[{"name":"é","conditions":[{"operator":"in","property":"plan"}],"value":1}]',
    );
    project.set('limits', { rps: 100 });
    const relay = await startRelay(t, origin);
    const response = await fetch(relay.url + PATH, {
      method: 'POST',
      headers: { authorization: `bearer ${sdkKey}` },
    });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'text/event-stream');
    assert.equal(response.headers.get('cache-control'), 'no-cache, no-transform');
    assert.equal(response.headers.get('x-accel-buffering'), 'no');
    assert.equal(response.headers.get('access-control-allow-origin'), '*');
    let text = '';
    const reading = (async () => {
      for await (const piece of response.body ?? []) text += Buffer.from(piece).toString();
    })().catch(() => undefined);
    const init = `: connected\n\ndata: ${project.init([])}\n\n`;
    await eventually('init', () => text === init);
    project.setText('limits', '{"rps":  2}');
    const change =
      'data: {"type":"config_change","config":{"name":"limits","overrides":[],"value":{"rps":  2}}}\n\n';
    await eventually('change', () => text === init + change);
    const second = await openReader(t, relay, sdkKey);
    await eventually('second init', () => second.frames.length === 1);
    assert.deepEqual(valuesIn(second.frames), [
      ['flag', { b: 1.1, a: Infinity }],
      ['limits', { rps: 2 }],
    ]);
    assert.equal(origin.openStreams(), 1);
    assert.equal(origin.requests[0]?.body, '{"currentConfigs":[],"requiredConfigs":[]}');
    assert.ok(!relay.logs.text.includes(sdkKey));
    await relay.app.stop();
    await reading;
  });

  test('every change that the server tells of is told, also one whose bytes are the same', async (t) => {
    const origin = await startReplane(t);
    const { sdkKey, project } = origin.addKey();
    project.set('a', 1);
    const relay = await startRelay(t, origin);
    const reader = await openReader(t, relay, sdkKey);
    await eventually('init', () => reader.frames.length === 1);
    project.delete('a');
    for (const value of [1, 1, 2, 3]) project.set('a', value);
    await eventually('changes', () => reader.frames.length === 5);
    assert.deepEqual(valuesIn(reader.frames.slice(1)), [
      ['a', 1],
      ['a', 1],
      ['a', 2],
      ['a', 3],
    ]);
  });

  test('all is read again by a stream that takes the place of the one before: only what differs is told, what is gone is gone', async (t) => {
    const origin = await startReplane(t);
    const { sdkKey, project } = origin.addKey();
    project.set('gone', 1);
    project.set('kept', 1);
    const relay = await startRelay(t, origin, { args: ['--replane-resync-interval-in-s', '1'] });
    const reader = await openReader(t, relay, sdkKey);
    await eventually('init', () => reader.frames.length === 1);
    project.delete('gone');
    const asked = origin.requests.length;
    await eventually('two more streams', () => origin.requests.length >= asked + 2);
    const later = await openReader(t, relay, sdkKey);
    await eventually('second init', () => later.frames.length === 1);
    assert.deepEqual(valuesIn(later.frames), [['kept', 1]]);
    assert.equal(reader.frames.length, 1);
    await eventually('one stream', () => origin.openStreams() === 1);
    project.set('gone', 2);
    await eventually('change', () => reader.frames.length === 2 && later.frames.length === 2);
  });

  test('what changed while a stream was broken is told once there is another', async (t) => {
    const origin = await startReplane(t);
    const { sdkKey, project } = origin.addKey();
    project.set('a', 1);
    project.set('b', 1);
    const relay = await startRelay(t, origin);
    const reader = await openReader(t, relay, sdkKey);
    await eventually('init', () => reader.frames.length === 1);
    await origin.down();
    project.set('b', 2);
    const during = await openReader(t, relay, sdkKey);
    await eventually('init in the outage', () => during.frames.length === 1);
    assert.deepEqual(valuesIn(during.frames), [
      ['a', 1],
      ['b', 1],
    ]);
    await origin.up();
    await eventually('difference', () => reader.frames.length === 2);
    assert.deepEqual(valuesIn(reader.frames.slice(1)), [['b', 2]]);
    assert.ok(!reader.hasEnded);
  });

  test('a frozen project goes on being confirmed by its stream, so that no other replica asks for it', async (t) => {
    const { clock, origin, project, relay } = await serveByHand(t);
    const { sdkKey = '' } = origin.requests[0] ?? {};
    const freeze = `${relay.adminUrl}/api/v1/specs/${hashSdkKey(sdkKey)}/replane/json/freeze`;
    const headers = { 'content-type': 'application/json' };
    const { status } = await rawRequest(freeze, { method: 'POST', headers, body: '{"reason":"x"}' });
    assert.equal(status, 200);
    project.set('a', 2);
    for (let count = 0; count < 3; count += 1) {
      clock.advance(11_000);
      origin.write(sdkKey, ': ping\n\n');
      await eventually('confirmation', async () => {
        const { text } = await rawRequest(`${relay.adminUrl}/status`);
        const { specs } = JSON.parse(text) as { specs: { oldestConfirmedAgoS: number } };
        return specs.oldestConfirmedAgoS === 0;
      });
    }
    assert.equal(origin.requests.length, 1);
  });

  test('a stream on which nothing comes for 30 s is dead, and another takes its place', async (t) => {
    const { clock, origin, project, reader } = await serveByHand(t);
    origin.silence();
    clock.advance(29_000);
    await settle();
    project.set('a', 2);
    assert.equal(origin.requests.length, 1);
    await inRealTime(
      clock,
      eventually('another stream', () => origin.requests.length === 2),
    );
    await inRealTime(
      clock,
      eventually('difference', () => reader.frames.length === 2),
    );
    assert.deepEqual(valuesIn(reader.frames.slice(1)), [['a', 2]]);
    // Comments are no frames.
    const quiet = reader.bytes;
    clock.advance(15_000);
    await eventually('ping', () => reader.bytes > quiet);
  });

  test('401 is said of a key that the server refuses, and of no other', async (t) => {
    const origin = await startReplane(t);
    const { sdkKey } = origin.addKey();
    const relay = await startRelay(t, origin);
    assert.equal((await ask(relay.url, 'rp_unknown')).status, 401);
    assert.deepEqual(await ask(relay.url, ''), { status: 401, text: '{"msg":"Missing SDK key"}' });
    assert.equal((await ask(relay.url, 'rp_%20')).status, 400);
    const page = { 'content-type': 'text/html' };
    const answers = [
      ...[403, 404, 429, 500].map((status) => refusal(status, 'Forbidden')),
      { answer: { status: 401, headers: page, body: '<html>' } },
      { answer: { status: 200, headers: page, body: '<html>' } },
      { then: 'end', initAfterMs: Infinity },
    ] as const;
    const plans = new Map(answers.map((answer) => [origin.addKey().sdkKey, answer]));
    origin.plan = ({ sdkKey: asked = '' }) => plans.get(asked) ?? {};
    const statuses = await Promise.all(
      [...plans.keys()].map(async (other) => (await ask(relay.url, other)).status),
    );
    assert.deepEqual(new Set(statuses), new Set([503]));
    await origin.down();
    assert.equal((await ask(relay.url, sdkKey)).status, 503);
  });

  test('M4: a client whose project is not here within 1.5 s tries again, and is served as soon as it is', async (t) => {
    const origin = await startReplane(t);
    const { sdkKey, project } = origin.addKey();
    project.set('a', 1);
    origin.plan = () => ({ headAfterMs: 3_000 });
    const relay = await startRelay(t, origin);
    const startMs = performance.now();
    const first = await ask(relay.url, sdkKey);
    assert.equal(first.status, 503);
    assert.ok(performance.now() - startMs >= 1_400);
    // The server has not said anything yet.
    assert.equal(origin.openStreams(), 0);
    assert.match(first.text, /origin_failing/);
    await eventually('init', async () => {
      const reader = await openReader(t, relay, sdkKey);
      return reader.status === 200;
    });
    assert.equal(origin.requests.length, 1);
  });

  test('bodies of any size and kind are passed over, but for configs that have to be there', async (t) => {
    const origin = await startReplane(t);
    const { sdkKey, project } = origin.addKey();
    project.set('a', 1);
    const relay = await startRelay(t, origin);
    const statusOf = async (body: string | undefined, type = 'application/json'): Promise<number> => {
      const left = new AbortController();
      const headers = { authorization: `Bearer ${sdkKey}`, 'content-type': type };
      const init = { method: 'POST', headers, signal: left.signal, ...(body !== undefined && { body }) };
      const { status } = await fetch(relay.url + PATH, init);
      left.abort();
      return status;
    };
    const big = {
      currentConfigs: [{ name: 'a', overrides: [], value: 'x'.repeat(3_000_000) }],
      requiredConfigs: ['a'],
    };
    assert.equal(await statusOf(undefined), 200);
    for (const body of ['', '{}', 'no JSON', '[1]', '{"requiredConfigs":5}', JSON.stringify(big)])
      assert.equal(await statusOf(body), 200, body.slice(0, 50));
    assert.equal(await statusOf('{}', 'text/plain'), 200);
    assert.equal(await statusOf(JSON.stringify({ ...big, requiredConfigs: ['a', 'b'] })), 503);
    assert.match((await ask(relay.url, sdkKey, '{"requiredConfigs":["b"]}')).text, /config_missing.*b/);
    assert.equal((await rawRequest(relay.url + PATH)).status, 404);
    const preflight = await rawRequest(relay.url + PATH, {
      method: 'OPTIONS',
      headers: { 'access-control-request-headers': 'authorization,content-type' },
    });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers['access-control-allow-headers'], 'authorization,content-type');
  });

  test('a key that is revoked ends its streams and what is kept of it, where that is set', async (t) => {
    const origin = await startReplane(t);
    const { sdkKey, project } = origin.addKey();
    project.set('a', 1);
    const resync = ['--replane-resync-interval-in-s', '1'];
    const strict = await startRelay(t, origin, { args: [...resync, '--clear-datastore-on-unauthorized'] });
    const lenient = await startRelay(t, origin, { args: resync });
    const [ended, going] = [await openReader(t, strict, sdkKey), await openReader(t, lenient, sdkKey)];
    await eventually('init', () => ended.frames.length === 1 && going.frames.length === 1);
    origin.revoke(sdkKey);
    await eventually('end', () => ended.hasEnded);
    assert.equal((await ask(strict.url, sdkKey)).status, 401);
    await eventually('no upstream stream', () => origin.openStreams() === 0);
    assert.ok(!going.hasEnded);
    assert.equal((await openReader(t, lenient, sdkKey)).status, 200);
  });

  test('M9: a process that starts with the server gone serves what is in its directory', async (t) => {
    const origin = await startReplane(t);
    const { sdkKey, project } = origin.addKey();
    project.set('a', 1);
    const args = ['--data-dir', makeTemporaryFolder('replane')];
    const first = await startRelay(t, origin, { cache: 'local', args });
    const reader = await openReader(t, first, sdkKey);
    await eventually('init', () => reader.frames.length === 1);
    project.set('a', 2);
    await eventually('change', () => reader.frames.length === 2);
    await stopWhenSaved(first);
    assert.ok(reader.hasEnded);
    await origin.down();
    const second = await startRelay(t, origin, { cache: 'local', args });
    const later = await openReader(t, second, sdkKey);
    await eventually('init', () => later.frames.length === 1);
    assert.deepEqual(valuesIn(later.frames), [['a', 2]]);
    await origin.up();
    project.set('a', 3);
    await eventually('change', () => later.frames.length === 2);
    assert.deepEqual(valuesIn(later.frames.slice(1)), [['a', 3]]);
  });

  test('streams and keys are seen in metrics and /status, hashed or masked', async (t) => {
    const origin = await startReplane(t);
    const { sdkKey, project } = origin.addKey();
    project.set('a', 1);
    const relay = await startRelay(t, origin);
    const reader = await openReader(t, relay, sdkKey);
    await eventually('init', () => reader.frames.length === 1);
    const page = await scrape(relay.adminUrl);
    assert.equal(page.sum('sfp_replane_upstream_streams'), 1);
    assert.equal(page.sum('sfp_event_streams'), 1);
    const { text } = await rawRequest(`${relay.adminUrl}/status?keys=`);
    const status = JSON.parse(text) as { readonly replane: object };
    assert.deepEqual(status.replane, { upstreamStreams: 1 });
    assert.match(text, /"api": "replane"/);
    assert.ok(!text.includes(sdkKey));
  });

  test('M7: at a stop nobody can come back before the first stream is cut', async (t) => {
    const origin = await startReplane(t);
    const { sdkKey, project } = origin.addKey();
    project.set('a', 1);
    const relay = await startRelay(t, origin);
    const { status, body } = await fetch(relay.url + PATH, {
      method: 'POST',
      headers: { authorization: `Bearer ${sdkKey}` },
    });
    assert.equal(status, 200);
    const stopped = relay.app.stop();
    await assert.rejects(async () => {
      for await (const piece of body ?? []) assert.ok(piece);
    }, 'a clean end, after which SDKs come back without a pause');
    await assert.rejects(rawRequest(relay.url + PATH, { method: 'POST' }), /ECONNREFUSED/);
    await stopped;
  });

  test('pinned keys of Replane are fetched at the start, and others are refused where only pinned ones are served', async (t) => {
    const origin = await startReplane(t);
    const { sdkKey, project } = origin.addKey();
    project.set('a', 1);
    const pinned = ['--sdk-keys', `shop=${sdkKey}`, '--sdk-keys-policy', 'pinned'];
    const relay = await startRelay(t, origin, { args: pinned });
    await relay.app.startedUp;
    assert.equal(origin.requests.length, 1);
    assert.equal((await ask(relay.url, origin.addKey().sdkKey)).status, 403);
    const reader = await openReader(t, relay, sdkKey);
    await eventually('init', () => reader.frames.length === 1);
    assert.equal(origin.requests.length, 1);
  });

  test('streams that end at once are opened less and less often, and none before the time that the server asked for', async (t) => {
    const { clock, origin, project, relay, reader } = await serveByHand(t);
    const pass = async (durationMs: number): Promise<void> => {
      for (let passedMs = 0; passedMs < durationMs; passedMs += 500) {
        clock.advance(500);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    origin.plan = () => ({ then: 'end' });
    origin.end();
    await pass(30_000);
    await eventually('more streams', async () => {
      await pass(1_000);
      return origin.requests.length > 2;
    });
    assert.ok(origin.requests.length < 10, String(origin.requests.length));
    // Each said the same as the one before.
    assert.equal(reader.frames.length, 1);
    origin.plan = () => refusal(503, 'later', { 'retry-after': '120' });
    await eventually('a refusal', async () => {
      await pass(1_000);
      return relay.logs.text.includes('origin failing');
    });
    const asked = origin.requests.length;
    origin.plan = () => ({});
    await pass(100_000);
    assert.equal(origin.requests.length, asked);
    project.set('a', 2);
    await eventually('difference', async () => {
      await pass(1_000);
      return reader.frames.length === 2;
    });
  });
});
