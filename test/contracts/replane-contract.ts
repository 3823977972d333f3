// What applications with Replane's SDKs rely on, whether they ask Replane itself or a relay: run by each with its own address.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import type { ReplaneOrigin } from '../fakes/replane/replane-origin.js';
import type { ReplaneProject } from '../fakes/replane/replane-project.js';
import { SdkApp, sdkVersions, type SdkOptions, type SdkVersion } from '../fakes/replane/replane-sdk.js';

export interface ReplaneEdge {
  readonly origin: ReplaneOrigin;
  /** What SDKs are given as base URL. */
  readonly url: string;
}

const MIB = 1_048_576;
/** They read large frames alike, and slowly. */
const NEWEST = '1.0.4';

interface Scene {
  readonly sdkKey: string;
  readonly project: ReplaneProject;
  /** One application for each version of the SDK, connected. */
  connect(versions?: readonly SdkVersion[], options?: SdkOptions): Promise<readonly SdkApp[]>;
}

export function replaneContract(name: string, edge: ReplaneEdge): void {
  const promise = (sentence: string, run: (scene: Scene) => Promise<void>): void => {
    test(`${name}: ${sentence}`, async (t) => {
      const { sdkKey, project } = edge.origin.addKey();
      const connect: Scene['connect'] = async (versions = sdkVersions, options = {}) => {
        const apps = versions.map((version) => new SdkApp(edge.url, sdkKey, { version, ...options }));
        t.after(() => {
          for (const app of apps) app.disconnect();
        });
        await Promise.all(apps.map((app) => app.connect()));
        return apps;
      };
      await run({ sdkKey, project, connect });
    });
  };
  const all = async (
    apps: readonly SdkApp[],
    what: string,
    look: (app: SdkApp) => boolean,
  ): Promise<void> => {
    await eventually(what, () => apps.every(look));
    for (const app of apps) assert.deepEqual(app.complaints, []);
  };

  promise('all configs are there once it is connected, and defaults where there are none', async (scene) => {
    scene.project.set('limits', { rps: 100, plans: ['pro', 'ent'] });
    scene.project.set('nothing', null);
    for (const app of await scene.connect(sdkVersions, { defaults: { limits: 0, own: 'default' } })) {
      assert.deepEqual(app.get('limits'), { rps: 100, plans: ['pro', 'ent'] });
      assert.equal(app.get('nothing'), null);
      assert.equal(app.get('own'), 'default');
      assert.equal(app.get('none'), undefined);
    }
  });

  promise('changes come in their order, each of them once', async (scene) => {
    scene.project.set('n', 0);
    const apps = await scene.connect();
    for (const app of apps) app.subscribe('n');
    for (let n = 1; n <= 5; n += 1) {
      scene.project.set('n', n);
      await all(apps, `value ${n}`, (app) => app.get('n') === n);
    }
    for (const app of apps) assert.deepEqual(app.told['n'], [1, 2, 3, 4, 5]);
  });

  promise(
    'configs that are created later come, those that are deleted stay, and come when they are back',
    async (scene) => {
      const apps = await scene.connect();
      for (const app of apps) app.subscribe('late');
      scene.project.set('late', 1);
      await all(apps, 'creation', (app) => app.get('late') === 1);
      scene.project.delete('late');
      scene.project.set('late', 1);
      await all(apps, 'the same again', (app) => app.told['late']?.length === 2);
    },
  );

  promise('a condition whose reference leads nowhere matches nobody', async (scene) => {
    const conditions = [{ operator: 'in', property: 'plan' }] as const;
    scene.project.set('flag', 'base', [{ name: 'lost', conditions, value: 'matched' }]);
    for (const app of await scene.connect()) assert.equal(app.get('flag', { plan: 'pro' }), 'base');
  });

  promise('two keys of one project have the same configs, those of others have others', async (scene) => {
    scene.project.set('mine', 1);
    const second = edge.origin.addKey(scene.project);
    const other = edge.origin.addKey();
    other.project.set('other', 1);
    const apps = [second, other].map(({ sdkKey }) => new SdkApp(edge.url, sdkKey));
    await Promise.all(apps.map((app) => app.connect()));
    const [ofSecond, ofOther] = apps.map((app) => app.snapshot());
    for (const app of apps) app.disconnect();
    assert.deepEqual(ofSecond, { configs: [{ name: 'mine', value: 1, overrides: [] }] });
    assert.deepEqual(ofOther, { configs: [{ name: 'other', value: 1, overrides: [] }] });
  });

  for (const [size, configs] of [
    ['1 MiB', 1],
    ['10 MiB', 10],
  ] as const) {
    promise(
      `a project of ${size} comes, changes, and comes again for a client that holds it`,
      async (scene) => {
        for (let config = 0; config < configs; config += 1) scene.project.set(`c${config}`, 'x'.repeat(MIB));
        const [first] = await scene.connect([NEWEST]);
        assert.ok(first !== undefined);
        scene.project.set('c0', 'y'.repeat(MIB));
        await all([first], 'change', (app) => app.get('c0') === 'y'.repeat(MIB));
        // It says what it holds: a body of the size of the project.
        await first.connect();
        scene.project.set('c0', 'z');
        await all([first], 'change after the second connection', (app) => app.get('c0') === 'z');
      },
    );
  }
}
