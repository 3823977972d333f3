// Data adapters for SDKs of other languages, each in an application of its own: what it evaluates follows Redis, and it writes nothing.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, it, type TestContext } from 'node:test';
import { LANGUAGES, missingTool, type Language } from '../../scripts/adapters.js';
import { eventually } from '../e2e/deadline.js';
import {
  changesOf,
  GREETING,
  LATER_GREETING,
  LATER_PROJECT,
  PROJECT,
  startPassiveScene,
  startTrap,
} from '../e2e/passive-scene.js';

/** SDKs look every second or every ten, on a machine that may be busy. */
const PATIENCE_MS = 60_000;

function whyNot(language: Language): string | false {
  const missing = missingTool(language);
  if (missing !== undefined) return `there is no ${missing}`;
  return !language.isThere() && 'its SDK is not there: `npm run adapters` brings it';
}

interface App {
  /** What it evaluated, each time that this changed. */
  readonly told: readonly string[];
  readonly hasEnded: boolean;
  readonly errors: string;
}

function startApp(t: TestContext, language: Language, env: Readonly<Record<string, string>>): App {
  const [command = '', ...args] = language.build();
  const child = spawn(command, args, {
    env: { ...process.env, ...language.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  const told: string[] = [];
  let text = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    const lines = (text + piece).split('\n');
    text = lines.pop() ?? '';
    // SDKs write lines of their own.
    told.push(...lines.filter((line) => line.startsWith('{"gate"')).map((line) => line.replaceAll(' ', '')));
  });
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (errors += piece));
  return {
    told,
    get hasEnded() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    get errors() {
      return errors;
    },
  };
}

function line(isGateOpen: boolean, greeting: string): string {
  return JSON.stringify({ gate: isGateOpen, greeting }).replaceAll(' ', '');
}

for (const [name, language] of Object.entries(LANGUAGES)) {
  describe(`the data adapter of ${name}`, { skip: whyNot(language) }, () => {
    it('gives the SDK what the proxy keeps in Redis, now and later, and nothing to write', async (t) => {
      const scene = await startPassiveScene(t);
      await scene.fill(PROJECT);
      const changes = await changesOf(scene.client);
      const trap = await startTrap(t);
      const app = startApp(t, language, {
        REDIS_URL: scene.redis.url,
        SDK_KEY: scene.sdkKey,
        NETWORK_URL: trap.url,
      });
      const tells = async (expected: string): Promise<void> => {
        await eventually(
          expected,
          () => {
            assert.ok(!app.hasEnded, app.errors);
            return app.told.at(-1) === expected;
          },
          PATIENCE_MS,
        );
      };
      await tells(line(true, GREETING));
      assert.equal(await changesOf(scene.client), changes);
      // Without Redis it goes on with what it has; `told` has all that it ever said.
      await scene.redis.kill();
      await scene.redis.startAgain();
      await scene.fill(LATER_PROJECT);
      const laterChanges = await changesOf(scene.client);
      await tells(line(false, LATER_GREETING));
      assert.equal(await changesOf(scene.client), laterChanges);
      assert.deepEqual(app.told.slice(-2), [line(true, GREETING), line(false, LATER_GREETING)]);
    });
  });
}
