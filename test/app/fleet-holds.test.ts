// Freezes and rollbacks in a fleet by a hand-turned clock: whatever happens in whatever order, clients end with what operators decided.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Guard } from '../../src/core/holds/guard.js';
import type { Operated } from '../../src/core/holds/hold-operations.js';
import { ruleOf } from '../../src/core/holds/hold.js';
import { failed } from '../../src/domain/failure.js';
import type { PayloadKey } from '../../src/domain/payload-key.js';
import { createLogger } from '../../src/observability/logger.js';
import { LogSink } from '../fakes/log-sink.js';
import { FleetScene, INTERVAL_MS, KEY as PLAIN_KEY, LEASE_TTL_MS, type Replica } from './fleet-scene.js';

/** Whether a body lets itself be restated. */
const restating = { works: true };

/** Restated at once, and recognized by its ETag, which is the version that the origin gave it. */
const KEY: PayloadKey = {
  ...PLAIN_KEY,
  kind: {
    ...PLAIN_KEY.kind,
    restate: async (_clock, payload, version) => (restating.works ? { ...payload, version } : undefined),
  },
};
const ORDER = { who: 'somebody', reason: 'a test', forMs: 3_600_000 };
const REPLICAS_MAX = 4;
const LOGGING = { level: 'info', instanceName: 'guarded', version: '0' } as const;

/** An SDK that runs: it takes what is newer than what it has, from whichever replica it asks. */
class Client {
  version = -1;
  content = '';

  see(replica: Replica): void {
    const payload = replica.rooms.store.peek(KEY)?.payload;
    if (payload === undefined || payload.version <= this.version) return;
    this.version = payload.version;
    this.content = payload.originForm.etag;
  }
}

class Trial {
  /** One stays at each replica that it was started with; the last one reads Redis alone, as passive readers do. */
  readonly clients = new Map<Replica, Client>();
  readonly passive = new Client();
  readonly scene: FleetScene;
  #started = 0;

  constructor(scene: FleetScene) {
    this.scene = scene;
  }

  static async start(args: readonly string[] = []): Promise<Trial> {
    const trial = new Trial(new FleetScene(args));
    for (let count = 0; count < 3; count += 1) await trial.add();
    await trial.run(3 * INTERVAL_MS);
    return trial;
  }

  async add(): Promise<void> {
    const replica = this.scene.start(`r${(this.#started += 1)}`);
    await this.scene.run(100);
    await replica.follow(KEY);
    this.clients.set(replica, new Client());
    await this.run(500);
  }

  at(index: number): Replica {
    const { replicas } = this.scene;
    const replica = replicas[index % replicas.length];
    assert.ok(replica !== undefined);
    return replica;
  }

  get versions(): readonly (number | undefined)[] {
    return this.scene.replicas.map((replica) => replica.version(KEY));
  }

  async run(durationMs: number): Promise<void> {
    for (let done = 0; done < durationMs; done += 500) {
      await this.scene.run(Math.min(500, durationMs - done));
      for (const replica of this.scene.replicas) this.clients.get(replica)?.see(replica);
      for (const [id, { payload }] of this.scene.place.entries) {
        if (!id.endsWith(KEY.sdkKey) || payload.version <= this.passive.version) continue;
        this.passive.version = payload.version;
        this.passive.content = payload.originForm.etag;
      }
    }
  }

  /** What every client has to have by now. */
  check(expected: string): void {
    for (const replica of this.scene.replicas) {
      assert.equal(replica.rooms.store.peek(KEY)?.payload.originForm.etag, expected, replica.name);
      assert.equal(this.clients.get(replica)?.content, expected, `a client of ${replica.name}`);
    }
    assert.equal(this.passive.content, expected, 'a passive reader');
  }
}

test('a freeze holds the version in force everywhere, whatever comes, and when it ends the newest goes out', async () => {
  const trial = await Trial.start();
  const { scene } = trial;
  const operated = await trial.at(0).operations.freeze(KEY, ORDER);
  assert.ok(operated.kind === 'done' && operated.isEverywhere);
  await trial.run(1_000);
  scene.version = 50;
  await trial.run(5 * INTERVAL_MS);
  trial.check('"1"');
  await trial.add();
  await trial.run(2 * INTERVAL_MS);
  trial.check('"1"');
  assert.equal((await trial.at(2).operations.release(KEY, 'other')).kind, 'done');
  await trial.run(3 * INTERVAL_MS);
  trial.check('"50"');
  assert.equal((await trial.at(1).operations.release(KEY, 'other')).kind, 'refused');
});

test('a rollback serves an earlier body above the version in force, and its end serves the newest above that', async () => {
  const trial = await Trial.start();
  const { scene } = trial;
  scene.version = 50;
  await trial.run(3 * INTERVAL_MS);
  trial.check('"50"');
  const operated = await trial.at(1).operations.rollBack(KEY, 1, ORDER);
  assert.ok(operated.kind === 'done');
  assert.deepEqual([operated.hold.version, operated.hold.bodyOf], [51, 1]);
  await trial.run(1_000);
  trial.check('"1"');
  for (const replica of scene.replicas) assert.equal(replica.version(KEY), 51);
  await trial.run(ORDER.forMs);
  await trial.run(3 * INTERVAL_MS);
  // The origin has nothing newer, and its version goes out all the same.
  trial.check('"50"');
  assert.equal(trial.at(0).version(KEY), 52);
  scene.version = 60;
  await trial.run(3 * INTERVAL_MS);
  trial.check('"60"');
  assert.equal(trial.at(0).version(KEY), 60);
});

test('a refused key keeps what is held, and loses it when the hold ends', async () => {
  const trial = await Trial.start(['--clear-datastore-on-unauthorized']);
  const { scene } = trial;
  await trial.at(0).operations.freeze(KEY, { ...ORDER, forMs: 120_000 });
  await trial.run(1_000);
  for (const { name } of scene.replicas)
    scene.troubles.set(name, () => ({ kind: 'unauthorized', status: 401 }));
  await trial.run(5 * INTERVAL_MS);
  trial.check('"1"');
  await trial.run(120_000 + LEASE_TTL_MS);
  for (const replica of scene.replicas) assert.equal(replica.version(KEY), undefined);
});

/** One replica is cut off from Redis and freezes a version that the origin gave to nobody else. */
async function freezeWhereCutOff(trial: Trial): Promise<Replica> {
  const { scene } = trial;
  const alone = trial.at(2);
  alone.link.isReachable = false;
  for (const { name } of scene.replicas)
    if (name !== alone.name) scene.troubles.set(name, () => failed('connection_refused', 'ECONNREFUSED'));
  scene.version = 101;
  await trial.run(LEASE_TTL_MS + 3 * INTERVAL_MS);
  assert.deepEqual(trial.versions, [1, 1, 101]);
  const operated = await alone.operations.freeze(KEY, ORDER);
  assert.ok(operated.kind === 'done' && !operated.isEverywhere);
  scene.troubles.clear();
  return alone;
}

test('what one replica alone had when it froze it, cut off from Redis, is served above all that others got meanwhile', async () => {
  const trial = await Trial.start();
  const { scene } = trial;
  const alone = await freezeWhereCutOff(trial);
  scene.version = 201;
  // Polls that failed come again later.
  await trial.run(LEASE_TTL_MS + 3 * INTERVAL_MS);
  assert.deepEqual(trial.versions, [201, 201, 101]);
  alone.link.isReachable = true;
  await trial.run(3 * INTERVAL_MS);
  trial.check('"101"');
});

test('its body is where all others find it from then on, also when that replica is gone', async () => {
  const trial = await Trial.start();
  const { scene } = trial;
  const alone = await freezeWhereCutOff(trial);
  alone.link.isReachable = true;
  await trial.run(1_000);
  alone.kill();
  scene.version = 201;
  await trial.run(3 * INTERVAL_MS);
  trial.check('"101"');
  assert.equal((await trial.at(0).history.load(KEY, 101))?.originForm.etag, '"101"');
});

test('what cannot be carried out is refused with its reason', async (t) => {
  const trial = await Trial.start();
  const { operations } = trial.at(0);
  const reasonOf = async (doing: ReturnType<typeof operations.freeze>): Promise<string> => {
    const operated = await doing;
    return operated.kind === 'refused' ? operated.reason : operated.kind;
  };
  assert.equal(await reasonOf(operations.freeze({ ...KEY, sdkKey: 'secret-other' }, ORDER)), 'nothing_held');
  assert.equal(await reasonOf(operations.rollBack(KEY, 7, ORDER)), 'version_not_kept');
  assert.equal(await reasonOf(operations.rollBack(KEY, 1, ORDER)), 'version_in_force');
  assert.equal(await reasonOf(operations.release(KEY, 'x')), 'not_on_hold');
  trial.scene.version = 5;
  await trial.run(2 * INTERVAL_MS);
  restating.works = false;
  t.after(() => {
    restating.works = true;
  });
  assert.equal(await reasonOf(operations.rollBack(KEY, 1, ORDER)), 'cannot_restate');
});

test('the guard of a replica that has not heard of a freeze yet leaves that freeze as it is', async () => {
  const trial = await Trial.start();
  const { rooms, history, keeper } = trial.at(1);
  const options = { lossPercentMax: 50, holdMs: 60_000 };
  const log = createLogger(new LogSink(), LOGGING);
  const guard = new Guard(trial.scene.clock, log, { ...rooms, history, keeper }, options);
  const held = rooms.store.peek(KEY)?.payload;
  assert.ok(held !== undefined);
  const lossOf = () => Promise.resolve({ percent: 90, what: 'most of it' });
  const key = { ...KEY, kind: { ...KEY.kind, lossOf } };
  const ordered = await trial.at(0).operations.freeze(KEY, ORDER);
  assert.ok(ordered.kind === 'done' && rooms.holds.of(KEY) === undefined);
  await guard.judge(key, { ...held, version: 50 });
  assert.deepEqual(rooms.holds.of(KEY), ordered.hold);
  await trial.at(0).operations.release(KEY, 'somebody');
  await keeper.look();
  await guard.judge(key, { ...held, version: 50 });
  assert.equal(rooms.holds.of(KEY)?.action, 'guard');
});

interface Step {
  readonly kind: string;
  readonly at: number;
  readonly of: number;
  /** Replicas look at holds twice a second, each at times of its own. */
  readonly thenMs: number;
}

const thenMs = fc.constantFrom(100, 200, 400, 1_000);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait'),
      at: fc.integer({ min: 1, max: 60 }),
      of: fc.nat(3),
      thenMs,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        ...[
          'update',
          'freeze',
          'rollback',
          'rollback',
          'release',
          'release',
          'start',
          'kill',
          'cut',
          'heal',
          'outage',
          'back',
          'deaf',
        ],
      ),
      at: fc.nat(9),
      of: fc.nat(9),
      thenMs,
    }),
  },
);

class Walk {
  readonly #trial: Trial;
  readonly #highest = new Map<Replica, number>();
  #newest = 1;
  /** What the last order says, by the clock; undefined where it did not reach all others, and is lost if its replica dies. */
  #heldUntilMs: number | undefined = 0;

  constructor(trial: Trial) {
    this.#trial = trial;
  }

  async step({ kind, at, of, thenMs }: Step): Promise<void> {
    await (kind === 'wait' ? this.#trial.run(at * 1_000) : this.#take(kind, at, of));
    await this.#trial.run(thenMs);
    this.#neverBack();
  }

  /** All is well again, and stays so. */
  async end(): Promise<void> {
    const { scene } = this.#trial;
    scene.version = this.#newest;
    scene.place.delivers = () => true;
    for (const { link } of scene.replicas) link.isReachable = true;
    await this.#trial.run(LEASE_TTL_MS + 10 * INTERVAL_MS);
    this.#neverBack();
    const { rooms, history } = this.#trial.at(0);
    const hold = rooms.holds.of(KEY);
    const isHeld = hold !== undefined && ruleOf(hold, scene.clock.nowMs())?.kind === 'held';
    if (this.#heldUntilMs !== undefined) assert.equal(isHeld, this.#heldUntilMs > scene.clock.nowMs());
    const demanded = isHeld ? await history.load(KEY, hold.version) : undefined;
    this.#trial.check(isHeld ? (demanded?.originForm.etag ?? 'kept') : `"${this.#newest}"`);
  }

  #neverBack(): void {
    for (const replica of this.#trial.scene.replicas) {
      const version = replica.version(KEY) ?? 0;
      assert.ok(version >= (this.#highest.get(replica) ?? 0), `${replica.name} went back`);
      this.#highest.set(replica, version);
    }
  }

  #ordered(operated: Operated): void {
    if (operated.kind === 'done')
      this.#heldUntilMs = operated.isEverywhere ? operated.hold.untilMs : undefined;
  }

  async #take(kind: string, at: number, of: number): Promise<void> {
    const { scene } = this.#trial;
    const replica = this.#trial.at(at);
    const order = { ...ORDER, forMs: of % 3 === 0 ? 20_000 : ORDER.forMs };
    const steps: Readonly<Record<string, () => unknown>> = {
      update: () => {
        this.#newest += 100;
        if (scene.version !== undefined) scene.version = this.#newest;
      },
      outage: () => (scene.version = undefined),
      back: () => (scene.version = this.#newest),
      freeze: async () => {
        this.#ordered(await replica.operations.freeze(KEY, order));
      },
      rollback: async () => {
        const versions = (await replica.history.list(KEY)) ?? [];
        const chosen = versions[of % Math.max(1, versions.length)];
        if (chosen !== undefined)
          this.#ordered(await replica.operations.rollBack(KEY, chosen.version, order));
      },
      release: async () => {
        this.#ordered(await replica.operations.release(KEY, 'somebody'));
      },
      start: () => (scene.replicas.length < REPLICAS_MAX ? this.#trial.add() : undefined),
      kill: () => {
        if (scene.replicas.length > 1) replica.kill();
      },
      cut: () => (replica.link.isReachable = false),
      heal: () => (replica.link.isReachable = true),
      deaf: () => (scene.place.delivers = () => false),
    };
    await steps[kind]?.();
  }
}

test('random walks: once all is quiet, every client has what the holds say, and no replica ever went back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const walk = new Walk(await Trial.start());
      for (const each of steps) await walk.step(each);
      await walk.end();
    }),
    { numRuns: 60 },
  );
});
