// A spec that names remote values is served once they are there, so that SDKs meet no cold one, or after ten seconds.
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { eventually } from '../../../e2e/deadline.js';
import { ManualClock, settle } from '../../../fakes/manual-clock.js';
import { SDK_KEY, type TestProxy } from '../../../fakes/proxy.js';
import { ask, isTakenBySdk, servedVersion, value, ValueScene, type Value } from './value-scene.js';

const INCOMPLETE =
  'spec is served without all remote values that it names: SDKs that read them keep their last spec';

/** Turns the clock while the network does its part, until `look` is true. */
async function turnUntil(
  clock: ManualClock,
  what: string,
  look: () => boolean | Promise<boolean>,
): Promise<void> {
  await eventually(what, async () => {
    clock.advance(100);
    await settle();
    return await look();
  });
}

async function warm(scene: ValueScene, clock: ManualClock, ...values: readonly Value[]): Promise<TestProxy> {
  scene.offer(...values);
  scene.publish(...values);
  const proxy = await scene.startProxy({ clock, args: ['-p', '10'], env: { SFP_SDK_KEYS: SDK_KEY } });
  await proxy.app.startedUp;
  await turnUntil(clock, 'first spec', async () => (await servedVersion(proxy)) !== undefined);
  return proxy;
}

test('values are fetched before their spec is served, with its key, and SDKs get them without the origin', async (t) => {
  const scene = await ValueScene.start(t);
  const clock = new ManualClock();
  const [one, other] = [value('one'), value('other')];
  const proxy = await warm(scene, clock, one);
  const before = await servedVersion(proxy);
  let held: (() => void)[] = [];
  scene.origin.valueFault = (_response, serve) => held.push(serve);
  scene.offer(other);
  const published = scene.publish(one, other);
  await turnUntil(clock, 'question for the value', () => scene.asked(other) > 0);
  assert.equal(scene.asked(one), 1, 'what is held is not asked for again');
  assert.equal(await servedVersion(proxy), before, 'the spec before it is served meanwhile');
  for (const serve of held) serve();
  held = [];
  await eventually('new spec', async () => (await servedVersion(proxy)) === published);
  await scene.origin.close();
  for (const named of [one, other]) {
    assert.equal(isTakenBySdk(await ask(proxy, named.sha256), named), true);
  }
  const request = scene.origin.requests.find(({ url }) => url.endsWith(other.sha256));
  assert.equal(request?.url, `/v1/dynamic_config_value/${other.sha256}`);
  assert.equal(request.headers['statsig-api-key'], SDK_KEY);
  assert.equal(proxy.logs.withMessage(INCOMPLETE).length, 0);
});

test('protobuf specs and v1 wait like v2 does, and stay as they are', async (t) => {
  const scene = await ValueScene.start(t);
  const clock = new ManualClock();
  const named = value('one');
  const proxy = await warm(scene, clock, named);
  assert.equal(scene.asked(named), 1);
  for (const path of [
    '/v1/download_config_specs',
    `/v2/download_config_specs/${SDK_KEY}.json?supports_proto=true`,
  ]) {
    assert.equal(await servedVersion(proxy, path), scene.origin.project.time);
  }
  assert.equal(scene.asked(named), 1);
});

test('after ten seconds it is served all the same, which is told, and the value is fetched as soon as it can be', async (t) => {
  const scene = await ValueScene.start(t);
  const clock = new ManualClock();
  const [held, missing] = [value('held'), value('missing')];
  const proxy = await warm(scene, clock, held);
  const published = scene.publish(held, missing);
  await turnUntil(clock, 'question for the value', () => scene.asked(missing) > 0);
  const askedAtMs = clock.monotonicMs();
  await turnUntil(clock, 'new spec', async () => (await servedVersion(proxy)) === published);
  const waitedMs = clock.monotonicMs() - askedAtMs;
  // The question was under way for a part of the ten seconds.
  assert.ok(waitedMs >= 2_000 && waitedMs <= 11_000, `served after ${waitedMs} ms`);
  assert.ok(scene.asked(missing) >= 2, 'asked for again and again meanwhile');
  const [line, ...more] = proxy.logs.withMessage(INCOMPLETE);
  assert.deepEqual(more, []);
  assert.equal(line?.['reason'], 'status_404');
  assert.equal(line['missing'], 1);
  assert.equal(line['values'], 2);
  const status = await statusOf(proxy);
  assert.equal(status.remoteValues.missing, 1);
  assert.equal(
    status.problems.some(({ reason }) => reason === 'remote_values_missing'),
    true,
  );
  scene.offer(missing);
  await turnUntil(
    clock,
    'end of the problem',
    async () => (await statusOf(proxy)).remoteValues.missing === 0,
  );
  assert.equal(isTakenBySdk(await ask(proxy, missing.sha256), missing), true);
  assert.equal(proxy.logs.withMessage('all remote values that specs name are there').length, 1);
});

test('a value that is not the one it was asked for is never served, and counts as failing', async (t) => {
  const scene = await ValueScene.start(t);
  const clock = new ManualClock();
  const named = value('named');
  const faults: Readonly<Record<string, (response: ServerResponse) => void>> = {
    digest_differs: (response) => response.end('{"text":"another"}'),
    truncated: (response) => {
      response.writeHead(200, { 'content-length': named.byteLength });
      response.write(named.bytes.subarray(0, 10), () => response.destroy());
    },
    empty_body: (response) => response.end(),
    decoded_body_too_large: (response) => response.end(Buffer.alloc(10 * 1024 * 1024 + 1, 0x20)),
    status_500: (response) => response.writeHead(500).end('{}'),
    status_401: (response) => response.writeHead(401).end(),
    unsupported_encoding: (response) =>
      response.writeHead(200, { 'content-encoding': 'zstd' }).end(named.bytes),
    decoding_failed: (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(named.bytes),
  };
  const proxy = await scene.startProxy({ clock });
  scene.offer(named);
  for (const [reason, fault] of Object.entries(faults)) {
    scene.origin.valueFault = fault;
    const answer = await ask(proxy, named.sha256);
    assert.equal(answer.status, 503, reason);
    assert.equal(answer.headers['retry-after'], '1');
    const body = JSON.parse(answer.text) as { reason: string };
    assert.equal(body.reason, 'origin_failing');
    clock.advance(61_000);
  }
  const reasons = proxy.logs.withMessage('remote value was not fetched').map((line) => line['reason']);
  for (const [index, reason] of Object.keys(faults).entries()) {
    const told = String(reasons[index]);
    assert.ok(
      reason === 'truncated' ? ['truncated', 'connection_lost'].includes(told) : told === reason,
      told,
    );
  }
  scene.origin.valueFault = undefined;
  assert.equal(isTakenBySdk(await ask(proxy, named.sha256), named), true);
});

test('strangers who invent hashes that the origin is slow to deny keep no named value waiting', async (t) => {
  const scene = await ValueScene.start(t);
  scene.offer(value('first'));
  scene.publish(value('first'));
  const proxy = await scene.startProxy({ args: ['-p', '1'], env: { SFP_SDK_KEYS: SDK_KEY } });
  await proxy.app.startedUp;
  const named = value('named');
  scene.offer(named);
  scene.origin.valueFault = (_response, serve, sha256) => {
    if (sha256 === named.sha256) serve();
  };
  const invented = Array.from({ length: 100 }, (_none, index) =>
    ask(proxy, value(`invented ${index}`).sha256, {}),
  );
  const entries = (table: string): number => proxy.app.gauges[table]?.entries ?? 0;
  await eventually('strangers in line', () => entries('remoteValueFetchesWaiting') === 76);
  assert.equal(entries('remoteValueFetchesInFlight'), 24);
  const published = scene.publish(named);
  await eventually('new spec', async () => (await servedVersion(proxy)) === published);
  assert.equal(isTakenBySdk(await ask(proxy, named.sha256), named), true);
  assert.equal(proxy.logs.withMessage(INCOMPLETE).length, 0, 'it did not have to wait for them');
  await scene.close();
  await Promise.allSettled(invented);
});

test('a spec whose value has another length than it says is served at once, and told', async (t) => {
  const scene = await ValueScene.start(t);
  const clock = new ManualClock();
  const first = value('first');
  const proxy = await warm(scene, clock, first);
  const wrong = { ...value('wrong'), byteLength: 7 };
  const huge = { ...value('huge'), byteLength: 10 * 1024 * 1024 + 1 };
  scene.offer(wrong, huge);
  const published = scene.publish(wrong, huge);
  await turnUntil(clock, 'new spec', async () => (await servedVersion(proxy)) === published);
  const [line] = proxy.logs.withMessage(INCOMPLETE);
  assert.equal(line?.['reason'], 'length_differs');
  assert.equal(line['missing'], 2);
  assert.equal(scene.asked(huge), 0, 'SDKs refuse it in any case');
});

test('a value that changes at the origin while it is fetched is taken as soon as it is whole', async (t) => {
  const scene = await ValueScene.start(t);
  const clock = new ManualClock();
  const proxy = await warm(scene, clock, value('first'));
  const next = value('next');
  let tries = 0;
  scene.origin.valueFault = (response, serve) => {
    tries += 1;
    if (tries > 2) serve();
    else response.end(Buffer.concat([next.bytes.subarray(0, 20), value('other').bytes.subarray(20)]));
  };
  scene.offer(next);
  const published = scene.publish(next);
  await turnUntil(clock, 'new spec', async () => (await servedVersion(proxy)) === published);
  assert.equal(tries, 3);
  assert.equal(isTakenBySdk(await ask(proxy, next.sha256), next), true);
});

interface Status {
  readonly remoteValues: { readonly missing: number; readonly held: number };
  readonly problems: readonly { readonly reason: string }[];
}

async function statusOf(proxy: TestProxy): Promise<Status> {
  const answer = await fetch(`${proxy.adminUrl}/status`);
  return (await answer.json()) as Status;
}
