// Which of the forms in Redis the core SDK reads, by each of the two data stores.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PassiveSdk } from './passive-app.js';
import {
  FORMS,
  LATER_GREETING,
  LATER_PROJECT,
  PROJECT,
  startPassiveScene,
  type Form,
} from './passive-scene.js';

interface Case {
  readonly sdk: PassiveSdk;
  /** Filled with projects that differ in their greeting. */
  readonly forms: readonly Form[];
  /** The form that is evaluated, or undefined for none. */
  readonly read: Form | undefined;
}

const { v1, v2, v2Protobuf } = FORMS;
const CASES: Readonly<Record<string, Case>> = {
  'protobuf only, by protobuf': { sdk: 'core by protobuf', forms: [v2Protobuf], read: v2Protobuf },
  'JSON only, by protobuf': { sdk: 'core by protobuf', forms: [v2], read: v2 },
  'both, by protobuf': { sdk: 'core by protobuf', forms: [v2, v2Protobuf], read: v2Protobuf },
  'protobuf only, by JSON': { sdk: 'core by JSON', forms: [v2Protobuf], read: undefined },
  'both, by JSON': { sdk: 'core by JSON', forms: [v2, v2Protobuf], read: v2 },
  'the spec of legacy SDKs only': { sdk: 'core by protobuf', forms: [v1], read: undefined },
};

describe('the passive core SDK with', { concurrency: 2 }, () => {
  for (const [name, { sdk, forms, read }] of Object.entries(CASES)) {
    it(name, async (t) => {
      const scene = await startPassiveScene(t);
      for (const form of forms) await scene.fill({ ...PROJECT, greeting: form }, [form]);
      const { init, greeting } = await (await scene.startApp(sdk)).look();
      assert.equal(init.isSuccess, read !== undefined);
      assert.equal(greeting, read);
    });
  }

  for (const sdk of ['core by JSON', 'core by protobuf'] as const) {
    it(`key schema v3 reads what --redis-key-schema prefix writes, ${sdk}`, async (t) => {
      const scene = await startPassiveScene(t);
      await scene.fill({ ...PROJECT, greeting: 'by another name' });
      await scene.fill(PROJECT, [v2, v2Protobuf], 'prefix');
      const app = await scene.startApp(sdk, { keySchema: 'v3' });
      assert.equal((await app.look()).greeting, PROJECT.greeting);
      await scene.fill(LATER_PROJECT, [v2, v2Protobuf], 'prefix');
      await app.waitFor('update at the SDK', ({ greeting }) => greeting === LATER_GREETING);
    });
  }
});
