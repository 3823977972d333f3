// The guard before Replane's projects: what loses too much of its configs or bytes is held back, whether it is read or pushed.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { hashSdkKey } from '../../src/domain/sdk-key.js';
import { eventually } from '../e2e/deadline.js';
import { rawRequest } from '../fakes/raw-request.js';
import type { SdkApp } from '../fakes/replane/replane-sdk.js';
import { refusal } from '../fakes/replane/stream-plan.js';
import { startReplaneScene, type ReplaneScene } from './replane-scene.js';

const CONFIGS = 10;
const LARGE = 'x'.repeat(4_000);

/** Everything is read again each second: deletions show then, and what is held back comes again each time. */
const start = (...args: readonly string[]): Promise<ReplaneScene> =>
  startReplaneScene({ resyncS: 1, args: ['--guard-loss-percent', '50', ...args] });
/** What is held back stays so until somebody decides. */
const patient = await start();
/** The guard lets go after a second. */
const hasty = await start('--guard-hold-in-s', '1');
after(async () => {
  await patient.stop();
  await hasty.stop();
});

interface Told {
  readonly keyHash: string;
  readonly action: string;
  readonly state: string;
  readonly reason: string;
  readonly waiting: number | null;
  readonly since: string;
  readonly until: string;
}

class Guarded {
  readonly sdkKey: string;
  readonly project: ReturnType<ReplaneScene['origin']['addKey']>['project'];
  readonly app: SdkApp;
  readonly #scene: ReplaneScene;

  /** `c0` to `c9`, of which the first takes most of the bytes. */
  static async start(scene: ReplaneScene): Promise<Guarded> {
    const guarded = new Guarded(scene);
    for (let index = 0; index < CONFIGS; index += 1)
      guarded.project.set(`c${index}`, index === 0 ? LARGE : index);
    await guarded.app.connect();
    return guarded;
  }

  private constructor(scene: ReplaneScene) {
    const { sdkKey, project } = scene.origin.addKey();
    this.#scene = scene;
    this.sdkKey = sdkKey;
    this.project = project;
    this.app = scene.app(sdkKey);
  }

  /** The last ones, of which the server tells nobody. */
  delete(count: number): void {
    for (let index = CONFIGS - count; index < CONFIGS; index += 1) this.project.delete(`c${index}`);
  }

  /** As if nothing had been; nobody is told of that either. */
  async restore(count: number): Promise<void> {
    const { origin } = this.#scene;
    origin.plan = ({ sdkKey }) => (sdkKey === this.sdkKey ? refusal(503, 'away') : {});
    await eventually('no stream', () => {
      origin.cut(this.sdkKey);
      return origin.openStreams(this.sdkKey) === 0;
    });
    for (let index = CONFIGS - count; index < CONFIGS; index += 1) this.project.set(`c${index}`, index);
    origin.plan = () => ({});
  }

  /** What a new client gets, by the names of configs. */
  async values(): Promise<ReadonlyMap<string, unknown>> {
    const client = this.#scene.client(this.sdkKey);
    await eventually('init', () => client.frames.length > 0);
    client.close();
    return new Map(client.frames[0]?.configs?.map(({ name, value }) => [name, value]));
  }

  async configs(): Promise<number> {
    return (await this.values()).size;
  }

  async hold(): Promise<Told | undefined> {
    const { text } = await rawRequest(`${this.#scene.proxy.adminUrl}/api/v1/holds`);
    const { holds } = JSON.parse(text) as { holds: readonly Told[] };
    return holds.find(({ keyHash }) => keyHash === hashSdkKey(this.sdkKey));
  }

  /** As it is served. */
  async spec(): Promise<{ readonly version: number; readonly identityBytes: number }> {
    const { text } = await rawRequest(`${this.#scene.proxy.adminUrl}${this.#path}`);
    return JSON.parse(text) as { version: number; identityBytes: number };
  }

  async isHeldBack(reason: string): Promise<Told> {
    let told: Told | undefined;
    await eventually(`hold: ${reason}`, async () => {
      told = await this.hold();
      return told?.state === 'held' && told.reason === reason;
    });
    assert.ok(told !== undefined);
    assert.equal(told.action, 'guard');
    return told;
  }

  /** All is read again twice. */
  async readAgain(): Promise<void> {
    const reads = (): number =>
      this.#scene.origin.requests.filter(({ sdkKey }) => sdkKey === this.sdkKey).length;
    const before = reads();
    await eventually('two more streams', () => reads() >= before + 2);
  }

  get #path(): string {
    return `/api/v1/specs/${hashSdkKey(this.sdkKey)}/replane/json`;
  }

  async order(action: 'release' | 'refuse', body: object = {}): Promise<void> {
    const url = `${this.#scene.proxy.adminUrl}${this.#path}/${action}`;
    const headers = { 'content-type': 'application/json' };
    const { status, text } = await rawRequest(url, { method: 'POST', headers, body: JSON.stringify(body) });
    assert.equal(status, 200, text);
  }
}

test('configs that are gone are held back and told of; accepted, they go, and nothing is held back again', async () => {
  const guarded = await Guarded.start(patient);
  guarded.delete(6);
  const told = await guarded.isHeldBack('lost 6 of 10 configs');
  await guarded.readAgain();
  assert.deepEqual(await guarded.hold(), told, 'what comes again and again is the same');
  assert.equal(await guarded.configs(), CONFIGS);
  const { adminUrl } = patient.proxy;
  assert.match((await rawRequest(`${adminUrl}/status`)).text, /"update_held_back"/);
  assert.match((await rawRequest(`${adminUrl}/metrics`)).text, /reason="update_held_back"[^\n]*\} [1-9]/);
  await guarded.order('release');
  await eventually('the update', async () => (await guarded.configs()) === 4);
  await guarded.readAgain();
  assert.equal((await guarded.hold())?.state, 'over');
  guarded.delete(7);
  await eventually('a loss that is small enough', async () => (await guarded.configs()) === 3);
});

test('a change that is pushed and takes most of the bytes is held back, with all that follows, until a sound one comes', async () => {
  const guarded = await Guarded.start(patient);
  guarded.project.set('c0', '');
  await guarded.isHeldBack(`lost 90 % of ${(await guarded.spec()).identityBytes} bytes`);
  guarded.project.set('c1', 'changed');
  await guarded.readAgain();
  assert.deepEqual([guarded.app.get('c0'), guarded.app.get('c1')], [LARGE, 1]);
  const values = await guarded.values();
  assert.deepEqual([values.get('c0'), values.get('c1')], [LARGE, 1]);
  guarded.project.set('c0', `${LARGE}!`);
  await eventually('the sound version', () => guarded.app.get('c0') === `${LARGE}!`);
  assert.equal(guarded.app.get('c1'), 'changed');
  await eventually('the end of the hold', async () => (await guarded.hold())?.state === 'over');
});

test('a change that is pushed and accepted reaches clients that run', async () => {
  const guarded = await Guarded.start(patient);
  guarded.project.set('c0', '');
  await guarded.isHeldBack(`lost 90 % of ${(await guarded.spec()).identityBytes} bytes`);
  await guarded.order('release');
  await eventually('the update', () => guarded.app.get('c0') === '');
});

test('refused, it stays held back for as long as an operator says; what loses otherwise is judged anew', async () => {
  const guarded = await Guarded.start(patient);
  guarded.project.set('c0', '');
  const { until } = await guarded.isHeldBack(`lost 90 % of ${(await guarded.spec()).identityBytes} bytes`);
  await guarded.order('refuse', { reason: 'a mistake', forS: 6 * 86_400 });
  const refused = await guarded.isHeldBack('a mistake');
  assert.ok(Date.parse(refused.until) > Date.parse(until));
  await guarded.readAgain();
  assert.deepEqual(await guarded.hold(), refused);
  assert.equal(guarded.app.get('c0'), LARGE);
  guarded.delete(9);
  guarded.project.set('c0', LARGE);
  const other = await guarded.isHeldBack('lost 9 of 10 configs');
  assert.ok(Date.parse(other.until) < Date.parse(refused.until));
});

test('what comes back as it was ends a hold, and what is lost once more is held back once more', async () => {
  const guarded = await Guarded.start(patient);
  guarded.delete(6);
  await guarded.isHeldBack('lost 6 of 10 configs');
  const { version } = await guarded.spec();
  await guarded.restore(6);
  await eventually('the end of the hold', async () => (await guarded.hold())?.state === 'over');
  assert.equal((await guarded.spec()).version, version, 'nothing has come that was not there');
  guarded.delete(6);
  await guarded.isHeldBack('lost 6 of 10 configs');
});

test('after its time it is served, though it comes again meanwhile', async () => {
  const guarded = await Guarded.start(hasty);
  guarded.delete(8);
  await eventually('the guard', async () => (await guarded.hold())?.reason === 'lost 8 of 10 configs');
  await eventually('the update', async () => (await guarded.configs()) === 2);
});
