// Operators who freeze, roll back and release a project while several replicas serve its SDKs: all of them do the same, whichever was asked.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { hashSdkKey } from '../../src/domain/sdk-key.js';
import { eventually } from '../e2e/deadline.js';
import { EventClient } from '../fakes/event-client.js';
import { rawRequest } from '../fakes/raw-request.js';
import { startRedisServer } from '../fakes/redis-server.js';
import { startReplane, startReplica } from '../fakes/replane/relay-scene.js';
import type { ReplaneProject } from '../fakes/replane/replane-project.js';
import { SdkApp, sdkVersions } from '../fakes/replane/replane-sdk.js';
import type { TestProxy } from '../fakes/proxy.js';

/** Nothing here comes by a poll or by reading all again: no test waits as long. */
const NO_POLLS = ['--polling-interval-in-s', '3600'];
const REASON = { reason: 'limits misbehave' };

type Data = Readonly<Record<string, unknown>>;

interface Replica {
  readonly proxy: TestProxy;
  /** One application for each version of the SDK. */
  readonly apps: readonly SdkApp[];
  readonly events: EventClient;
  /** What `/api/v1/events` told of this project, oldest first. */
  readonly told: (event: 'spec' | 'hold' | 'audit') => readonly Data[];
}

interface Fleet {
  readonly project: ReplaneProject;
  readonly replicas: Replica[];
  /** With applications that connect to it. */
  readonly join: () => Promise<Replica>;
  readonly order: (at: Replica, action: string, body: object) => Promise<void>;
  /** Every application of every replica. */
  readonly reads: (what: string, name: string, value: unknown) => Promise<void>;
  /** How often the replica that joined first was told something new by the server. */
  readonly heard: () => Promise<number>;
  /** The oldest first. */
  readonly versions: (count: number) => Promise<readonly number[]>;
}

async function startFleet(t: TestContext): Promise<Fleet> {
  const replicas: Replica[] = [];
  // Before their proxies stop: an SDK that is cut off waits to come back.
  t.after(() => {
    for (const { apps, events } of replicas) {
      events.close();
      for (const app of apps) app.disconnect();
    }
  });
  const [redis, origin] = [await startRedisServer(t), await startReplane(t)];
  const { sdkKey, project } = origin.addKey();
  const keyHash = hashSdkKey(sdkKey);
  const path = `/api/v1/specs/${keyHash}/replane/json`;
  const join: Fleet['join'] = async () => {
    const proxy = await startReplica(t, origin, redis, `replica-${replicas.length}`, { args: NO_POLLS });
    const events = new EventClient(`${proxy.adminUrl}/api/v1/events`);
    await events.received(1);
    const apps = sdkVersions.map((version) => new SdkApp(proxy.url, sdkKey, { version }));
    await Promise.all(apps.map((app) => app.connect()));
    for (const app of apps) app.subscribe('limits');
    const told: Replica['told'] = (event) =>
      events.events
        .filter((each) => each.event === event)
        .map(({ data }) => JSON.parse(data) as Data)
        .filter((data) => data['keyHash'] === keyHash);
    const replica = { proxy, apps, events, told };
    replicas.push(replica);
    return replica;
  };
  const order: Fleet['order'] = async ({ proxy }, action, body) => {
    const headers = { 'content-type': 'application/json' };
    const url = `${proxy.adminUrl}${path}/${action}`;
    const answer = await rawRequest(url, { method: 'POST', headers, body: JSON.stringify(body) });
    assert.equal(answer.status, 200, answer.text);
    assert.equal((JSON.parse(answer.text) as { isEverywhere: boolean }).isEverywhere, true);
  };
  const reads: Fleet['reads'] = async (what, name, value) => {
    const apps = replicas.flatMap((replica) => replica.apps);
    await eventually(`${what} in every application`, () => apps.every((app) => app.get(name) === value));
  };
  const heard: Fleet['heard'] = async () => {
    const { text } = await rawRequest(`${String(replicas[0]?.proxy.adminUrl)}${path}`);
    const { polls } = JSON.parse(text) as { polls: { outcomes: { kind: string; count: number }[] } };
    return polls.outcomes.reduce((sum, { kind, count }) => sum + (kind === 'updated' ? count : 0), 0);
  };
  const versions: Fleet['versions'] = async (count) => {
    let found: readonly number[] = [];
    await eventually(`${count} versions`, async () => {
      const { text } = await rawRequest(`${String(replicas[0]?.proxy.adminUrl)}${path}/versions`);
      found = (JSON.parse(text) as { versions: { version: number }[] }).versions.map(
        ({ version }) => version,
      );
      return found.length === count;
    });
    return found.toReversed();
  };
  return { project, replicas, join, order, reads, heard, versions };
}

/** The replica that joined first has the stream to the server, and hears of it. */
async function changeHeldBack({ project, heard }: Fleet, value: number): Promise<void> {
  const before = await heard();
  project.set('limits', value);
  await eventually('the change that is held back', async () => (await heard()) > before);
}

test('a rollback is with the SDKs of every replica, later ones too, and the newest after its release', async (t) => {
  const fleet = await startFleet(t);
  const { project, replicas, reads } = fleet;
  project.set('limits', 1);
  project.set('flag', 'as it was');
  const [one, two] = [await fleet.join(), await fleet.join()];
  const [first = 0] = await fleet.versions(1);
  project.set('limits', 666);
  await reads('the bad value', 'limits', 666);
  const [, bad = 0] = await fleet.versions(2);
  // Asked of the replica that has no stream to the server.
  await fleet.order(two, 'rollback', { ...REASON, version: first });
  await reads('the former value', 'limits', 1);
  await changeHeldBack(fleet, 667);
  await fleet.join();
  assert.deepEqual(
    replicas.flatMap(({ apps }) => apps.map((app) => [app.get('limits'), app.get('flag')])),
    Array.from({ length: replicas.length * sdkVersions.length }, () => [1, 'as it was']),
  );
  await fleet.order(replicas[2] ?? one, 'release', {});
  await reads('the newest', 'limits', 667);
  project.set('limits', 668);
  await reads('what comes after it', 'limits', 668);

  for (const { apps, told } of [one, two]) {
    for (const app of apps) assert.deepEqual(app.told['limits'], [666, 1, 667, 668]);
    await eventually('end of the rollback', () => told('hold').at(-1)?.['state'] === 'returning');
    assert.deepEqual(
      told('hold').map(({ api, format, action, state, bodyOf }) => [api, format, action, state, bodyOf]),
      [
        ['replane', 'json', 'rollback', 'held', first],
        ['replane', 'json', 'rollback', 'returning', first],
      ],
    );
    // Each version tells which one it takes the place of, and nobody goes back.
    const specs = told('spec');
    assert.ok(specs.every(({ api, format }) => api === 'replane' && format === 'json'));
    const versions = specs.map(({ version }) => Number(version));
    assert.deepEqual(
      specs.map(({ old }) => old),
      [null, ...versions.slice(0, -1)],
    );
    assert.deepEqual(versions.slice(0, 2), [first, bad]);
    assert.deepEqual(versions, [...new Set(versions)].sort());
    assert.ok(versions.length >= 5, versions.join());
  }
  const actions = (replica: Replica): unknown[] => replica.told('audit').map(({ action }) => action);
  assert.ok(actions(two).includes('rollback'));
  assert.ok(actions(replicas[2] ?? one).includes('release'));
});

test('a freeze holds the SDKs of every replica where they are, later ones too, until its release', async (t) => {
  const fleet = await startFleet(t);
  const { project, replicas, reads } = fleet;
  project.set('limits', 1);
  const [one, two] = [await fleet.join(), await fleet.join()];
  await fleet.order(two, 'freeze', REASON);
  await eventually('the freeze at the other', () => one.told('hold').some(({ state }) => state === 'held'));
  await changeHeldBack(fleet, 2);
  const late = await fleet.join();
  assert.deepEqual(
    replicas.flatMap(({ apps }) => apps.map((app) => app.get('limits'))),
    Array.from({ length: replicas.length * sdkVersions.length }, () => 1),
  );
  for (const { told } of replicas) assert.deepEqual(told('spec').slice(1), []);
  await fleet.order(late, 'release', {});
  await reads('the newest', 'limits', 2);
  for (const { told } of [one, two]) {
    await eventually('end of the freeze', () => told('hold').length === 2);
    assert.deepEqual(
      told('hold').map(({ action, state }) => [action, state]),
      [
        ['freeze', 'held'],
        ['freeze', 'over'],
      ],
    );
  }
});
