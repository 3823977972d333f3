// What changes in a running proxy reaches those who listen: versions, holds, audit lines, problems, and the fleet.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashSdkKey } from '../../src/domain/sdk-key.js';
import { EVENT_DATA } from '../../src/servers/admin/openapi/event-schemas.js';
import { eventually } from '../e2e/deadline.js';
import { EventClient } from '../fakes/event-client.js';
import { FAILING } from '../fakes/origin-faults.js';
import { SDK_KEY } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { start } from './started-proxy.js';

const OF_SPEC = { keyHash: hashSdkKey(SDK_KEY), api: 'v1', format: 'json' };

type Data = Readonly<Record<string, unknown>>;

test('whoever listens is told of a version, an order, its line in the audit, a problem and its end, and of the stop', async (t) => {
  const { origin, proxy } = await start(t, {
    cache: 'local',
    args: ['-p', '1', '--data-dir', makeTemporaryFolder('changes')],
  });
  const specUrl = `${proxy.url}/v1/download_config_specs/${SDK_KEY}.json`;
  assert.equal((await rawRequest(specUrl)).status, 200);
  const client = new EventClient(`${proxy.adminUrl}/api/v1/events`);
  t.after(() => {
    client.close();
  });
  assert.equal((await client.received(1)).event, 'reset');
  const seen = (event: string): readonly Data[] =>
    client.events.filter((each) => each.event === event).map(({ data }) => JSON.parse(data) as Data);
  const told = async (event: string, is: (data: Data) => boolean): Promise<Data> => {
    await eventually(`${event} in ${JSON.stringify(client.events)}`, () => seen(event).some(is));
    return seen(event).find(is) ?? assert.fail(event);
  };

  const first = origin.project.time;
  origin.project = { ...origin.project, time: first + 1_000 };
  const spec = await told('spec', ({ version }) => version === first + 1_000);
  assert.deepEqual(
    { ...spec, at: null },
    {
      sdkKey: 'secret-test***',
      ...OF_SPEC,
      at: null,
      old: first,
      version: first + 1_000,
      source: 'origin',
      from: null,
    },
  );
  await told('audit', (data) => data['action'] === 'version' && data['new'] === first + 1_000);

  const path = `${proxy.adminUrl}/api/v1/specs/${OF_SPEC.keyHash}/v1/json`;
  const headers = { 'content-type': 'application/json' };
  const frozen = await rawRequest(`${path}/freeze`, { method: 'POST', headers, body: '{"reason":"x"}' });
  assert.equal(frozen.status, 200, frozen.text);
  await told('hold', (data) => data['action'] === 'freeze' && data['state'] === 'held');
  await told('audit', (data) => data['action'] === 'freeze' && data['who'] === 'anonymous');
  await told('problem', (data) => data['reason'] === 'specs_held' && data['isOver'] === false);
  assert.equal((await rawRequest(`${path}/release`, { method: 'POST', headers, body: '{}' })).status, 200);
  await told('hold', (data) => data['state'] === 'over');
  await told('problem', (data) => data['reason'] === 'specs_held' && data['isOver'] === true);

  origin.fault = FAILING.status_500;
  const failing = await told('problem', (data) => data['reason'] === 'origin_failing');
  assert.equal(failing['isOver'], false);
  assert.equal(client.events.filter(({ event }) => event === 'reset').length, 1);
  const names = new Set(client.events.map(({ event }) => event));
  for (const name of names) assert.ok(Object.hasOwn(EVENT_DATA, name), name);

  await proxy.app.stop();
  assert.match((await client.end())?.data ?? '', /"reason":"stopping"/);
});

test('what changed while nobody listened is told to whoever goes on where it was cut', async (t) => {
  const { origin, proxy } = await start(t, { args: ['-p', '1'] });
  assert.equal((await rawRequest(`${proxy.url}/v1/download_config_specs/${SDK_KEY}.json`)).status, 200);
  const url = `${proxy.adminUrl}/api/v1/events`;
  const first = new EventClient(url);
  const { id } = await first.received(1);
  first.close();
  origin.fault = FAILING.status_500;
  await proxy.logs.waitFor((line) => line['reason'] === 'status_500');
  const again = new EventClient(url, { 'last-event-id': id });
  t.after(() => {
    again.close();
  });
  const next = await again.received(1);
  assert.equal(next.event, 'problem');
  assert.match(next.data, /origin_failing/);
});
