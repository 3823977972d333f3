// Replane's SDKs behind the proxy while Replane fails in each of its ways: they keep their one stream, and get the next change.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { sdkVersions } from '../fakes/replane/replane-sdk.js';
import { HTML_PAGE, piecesOf, refusal, type StreamPlan } from '../fakes/replane/stream-plan.js';
import { sharedScene } from './replane-scene.js';

const scene = await sharedScene({
  resyncS: 2,
  args: ['--http-read-timeout-in-s', '1', '--http-request-timeout-in-s', '2'],
});
const { origin } = scene;

interface Fault {
  /** How requests for streams are answered while it lasts. */
  readonly plan?: Partial<StreamPlan>;
  /** What happens to the stream that is open. */
  readonly act?: (sdkKey: string) => void;
}

const plans = new Map<string, Partial<StreamPlan>>();
origin.plan = ({ sdkKey = '' }) => plans.get(sdkKey) ?? {};

const FAULTS: Readonly<Record<string, Fault>> = {
  'a stream that ends cleanly': {
    act: (key) => {
      origin.end(key);
    },
  },
  'a stream that is cut': {
    act: (key) => {
      origin.cut(key);
    },
  },
  'streams that end cleanly, each at once': {
    plan: { then: 'end' },
    act: (key) => {
      origin.end(key);
    },
  },
  'streams that are cut, each at once': {
    plan: { then: 'cut' },
    act: (key) => {
      origin.cut(key);
    },
  },
  'streams that are cut within their first frame': {
    plan: { cutAtByte: 40 },
    act: (key) => {
      origin.cut(key);
    },
  },
  'a page of HTML': {
    plan: HTML_PAGE,
    act: (key) => {
      origin.cut(key);
    },
  },
  'no head': {
    plan: { headAfterMs: Infinity },
    act: (key) => {
      origin.cut(key);
    },
  },
  'no first frame': {
    plan: { initAfterMs: Infinity },
    act: (key) => {
      origin.cut(key);
    },
  },
  '401 of an open stream': {
    plan: refusal(401, 'Invalid SDK key'),
    act: (key) => {
      origin.cut(key);
    },
  },
  '403': {
    plan: refusal(403, 'Forbidden'),
    act: (key) => {
      origin.cut(key);
    },
  },
  '429 with Retry-After': {
    plan: refusal(429, 'later', { 'retry-after': '1' }),
    act: (key) => {
      origin.cut(key);
    },
  },
  '503 with Retry-After': {
    plan: refusal(503, 'later', { 'retry-after': '1' }),
    act: (key) => {
      origin.cut(key);
    },
  },
  'a frame of broken JSON': {
    act: (key) => {
      origin.write(key, 'data: {"type":"config_ch\n\n');
    },
  },
  'a frame without a type': {
    act: (key) => {
      origin.write(key, 'data: {"config":1}\n\n');
    },
  },
  'a config without a name': {
    act: (key) => {
      origin.write(key, 'data: {"type":"config_change","config":{"value":1}}\n\n');
    },
  },
  'frames that no server sends': {
    act: (key) => {
      origin.write(key, 'data: {"type":"surprise","x":[]}\r\n\r\nid: 7\nretry: 9\nevent: x\n\n:\n\n');
    },
  },
};

async function keepsServing({ plan, act }: Fault): Promise<void> {
  const { sdkKey, project } = origin.addKey();
  project.set('n', 1);
  const apps = sdkVersions.map((version) => scene.app(sdkKey, { version }));
  for (const app of apps) {
    app.subscribe('n');
    await app.connect();
  }
  if (plan !== undefined) plans.set(sdkKey, plan);
  const before = origin.requests.length;
  act?.(sdkKey);
  if (plan !== undefined) {
    await eventually('a request that fails', () =>
      origin.requests.slice(before).some((seen) => seen.sdkKey === sdkKey),
    );
  }
  project.set('n', 2);
  plans.delete(sdkKey);
  for (const app of apps) await eventually('change', () => app.get('n') === 2);
  for (const app of apps) {
    assert.deepEqual(app.complaints, []);
    assert.deepEqual(app.told['n'], [1, 2]);
    app.disconnect();
  }
}

// Each has a key of its own, and waits most of its time: one after another they would take half a minute.
test('SDKs do not notice', { concurrency: true }, async (t) => {
  await Promise.all(Object.entries(FAULTS).map(([name, fault]) => t.test(name, () => keepsServing(fault))));
});

test('SDKs read configs whose frames come in pieces of any size', async () => {
  for (const bytes of [1, 2, 3, 5, 8, 13, 1_000]) {
    const { sdkKey, project } = origin.addKey();
    plans.set(sdkKey, { pieces: piecesOf(bytes) });
    project.set('text', `€ä𝄞 ${'x'.repeat(200)}`);
    const app = scene.app(sdkKey);
    await app.connect();
    project.set('text', `€ä𝄞 ${'y'.repeat(200)}`);
    await eventually('change', () => app.get('text') === `€ä𝄞 ${'y'.repeat(200)}`);
    assert.deepEqual(app.complaints, []);
    app.disconnect();
  }
});

test('a config without overrides is read without a complaint', async () => {
  const { sdkKey } = origin.addKey();
  const app = scene.app(sdkKey);
  await app.connect();
  origin.write(sdkKey, 'data: {"type":"config_change","config":{"name":"bare","value":3}}\n\n');
  await eventually('change', () => app.get('bare') === 3);
  assert.deepEqual(app.complaints, []);
  app.disconnect();
});

test('a key whose streams break all the time is not asked for without a pause', async () => {
  const { sdkKey, project } = origin.addKey();
  project.set('n', 0);
  plans.set(sdkKey, { then: 'end' });
  const app = scene.app(sdkKey);
  await app.connect();
  const asked = (): number => origin.requests.filter((seen) => seen.sdkKey === sdkKey).length;
  await eventually('three requests', () => asked() >= 3);
  // Without a pause there would be hundreds by now.
  assert.ok(asked() < 20);
  assert.deepEqual(app.complaints, []);
  app.disconnect();
});
