// Clients that share their connections: one way to each origin for all of them, and each breaks off what is its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/domain/clock.js';
import { SharedConnections } from '../../src/http-client/upstream-pool.js';
import { createEventClient } from '../../src/protocols/statsig/origin/event-client.js';
import { createManifestClient } from '../../src/protocols/statsig/origin/manifest-client.js';
import { createUpstreamClient } from '../../src/protocols/statsig/origin/upstream-client.js';
import { idListsKey } from '../../src/protocols/statsig/resource-kinds.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { Gate } from '../fakes/gate.js';
import { CLIENT_OPTIONS } from './client-options.js';
import { optionsFor, specKey, startH2Origin, told } from './h2-scene.js';

const BATCH = {
  sdkKey: 'secret-testkey0000000000',
  batchId: 'b',
  headers: {},
  query: '',
  body: Buffer.from('{}'),
};

test('specs, manifests and log events of one origin go over one session, and none is left when it is closed', async (t) => {
  const origin = await startH2Origin(t);
  const options = optionsFor(origin, {});
  const connections = new SharedConnections(systemClock, options);
  const shared = { ...options, connections };
  const specs = createUpstreamClient(systemClock, shared);
  const manifests = createManifestClient(systemClock, shared);
  const events = createEventClient(systemClock, shared);
  await Promise.all(Array.from({ length: 24 }, (_none, index) => specs.fetch(specKey(index), 0)));
  assert.equal((await events.deliver(BATCH)).kind, 'taken');
  assert.equal(told(await manifests.fetch(idListsKey('secret-testkey0000000000'), 0)), 'no_id_lists');
  assert.equal(origin.sessions, 1);
  await Promise.all([specs.close(), manifests.close(), events.close()]);
  assert.equal(origin.sessionsOpen, 1, 'it belongs to whoever made it');
  await connections.close();
  await origin.until(() => origin.sessionsOpen === 0);
});

test('over HTTP/1.1 too a client that is closed breaks off its own requests, and leaves those of others alone', async (t) => {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  const options = {
    ...CLIENT_OPTIONS,
    endpoint: new URL(origin.url),
    bodyLimits: { encodedBytesMax: 1_000_000, decodedBytesMax: 1_000_000 },
  };
  const connections = new SharedConnections(systemClock, options);
  t.after(() => connections.close());
  const [leaving, staying] = [1, 2].map(() => createUpstreamClient(systemClock, { ...options, connections }));
  assert.ok(leaving !== undefined && staying !== undefined);
  const release = origin.hold();
  const broken = leaving.fetch(specKey(1), 0);
  const whole = staying.fetch(specKey(2), 0);
  await origin.arrived(2);
  await leaving.close();
  assert.equal(told(await broken), 'closed');
  assert.equal(told(await leaving.fetch(specKey(1), 0)), 'closed');
  release();
  assert.equal(told(await whole), 'updated');
  assert.equal(told(await staying.fetch(specKey(3), 0)), 'updated');
});

test('a client that is closed breaks off its streams only', async (t) => {
  const origin = await startH2Origin(t);
  const options = optionsFor(origin, {});
  const connections = new SharedConnections(systemClock, options);
  t.after(() => connections.close());
  const [leaving, staying] = [1, 2].map(() => createUpstreamClient(systemClock, { ...options, connections }));
  assert.ok(leaving !== undefined && staying !== undefined);
  const gate = new Gate();
  const release = gate.hold();
  const { handler } = origin;
  origin.handler = async (request) => {
    await gate.opened;
    return await handler(request);
  };
  const broken = leaving.fetch(specKey(1), 0);
  const whole = staying.fetch(specKey(2), 0);
  await origin.until(() => origin.streamsOpen === 2);
  await leaving.close();
  assert.equal(told(await broken), 'closed');
  release();
  assert.equal(told(await whole), 'updated');
  assert.equal(origin.sessions, 1);
});
