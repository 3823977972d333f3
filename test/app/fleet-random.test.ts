// A fleet through random trouble by a hand-turned clock: no version goes back, and afterwards all is as it should be.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { payloadId, type PayloadKey } from '../../src/domain/payload-key.js';
import { failed } from '../../src/domain/failure.js';
import { FleetScene, INTERVAL_MS, KEY, LEASE_TTL_MS, type Replica } from './fleet-scene.js';

const KEYS: readonly PayloadKey[] = [
  KEY,
  ...['one', 'two', 'three'].map((name) => ({ ...KEY, sdkKey: `secret-${name}` })),
];
const REPLICAS_MAX = 5;

const AT_A_REPLICA = [
  'ask',
  'cut',
  'heal',
  'kill',
  'stop',
  'slow',
  'outage here',
  'no reads',
  'no writes',
  'pin',
  'unpin',
] as const;
const AT_LARGE = ['update', 'flush', 'lose messages', 'outage', 'start', 'refuse', 'accept'] as const;

type Happening =
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: (typeof AT_A_REPLICA)[number]; readonly at: number; readonly which: number }
  | { readonly kind: (typeof AT_LARGE)[number]; readonly which: number };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.integer({ min: 100, max: 25_000 }).map((ms): Happening => ({ kind: 'wait', ms })),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom(...AT_A_REPLICA), at: fc.nat(9), which: fc.nat(9) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom(...AT_LARGE), which: fc.nat(9) }) },
);

class Trial {
  readonly #scene: FleetScene;
  readonly #sdkKeysMax: number;
  readonly #seen = new Map<string, number>();
  readonly #refused = new Set<string>();
  readonly #down = new Set<string>();
  #newest = 1;
  #started = 0;

  constructor(scene: FleetScene, sdkKeysMax: number) {
    this.#scene = scene;
    this.#sdkKeysMax = sdkKeysMax;
    for (const { name } of scene.replicas) this.#trouble(name);
  }

  async let(next: Happening): Promise<void> {
    if (next.kind === 'wait') await this.#scene.run(next.ms);
    else if ('at' in next) await this.#letReplica(next.kind, next.at, next.which);
    else await this.#letAll(next.kind, next.which);
  }

  /** No replica holds less than it did, or more keys than it may. */
  look(): void {
    for (const replica of this.#scene.replicas) {
      assert.ok(replica.rooms.store.sdkKeys <= this.#sdkKeysMax, `${replica.name} holds too many keys`);
      for (const key of KEYS) {
        const version = replica.version(key);
        const id = `${replica.name} ${key.sdkKey}`;
        // A payload that left, or was refused, may come back as any version that is stored.
        if (version === undefined) this.#seen.delete(id);
        else {
          assert.ok(version >= (this.#seen.get(id) ?? 0), `${id} went back`);
          this.#seen.set(id, version);
        }
      }
    }
  }

  async heal(): Promise<void> {
    const scene = this.#scene;
    scene.version = this.#newest;
    scene.latenciesMs.clear();
    this.#refused.clear();
    this.#down.clear();
    for (const { link, rooms } of scene.replicas) {
      link.half = undefined;
      link.isReachable = true;
      void rooms.pinned.pin(new Set());
    }
    // A failing origin is asked again after 60 s at the latest; the lease of a replica that died ends after its time.
    await scene.run(LEASE_TTL_MS + 9 * INTERVAL_MS);
    const wanted = KEYS.slice(0, this.#sdkKeysMax);
    for (const replica of scene.replicas) for (const key of wanted) await replica.ask(key);
    await scene.run(6 * INTERVAL_MS);
    this.look();
    assert.equal(scene.leaders.length, 1);
    const startMs = scene.clock.monotonicMs();
    await scene.run(10 * INTERVAL_MS);
    for (const key of wanted) {
      for (const replica of scene.replicas) {
        assert.equal(replica.version(key), this.#newest, `${replica.name} ${key.sdkKey}`);
        assert.equal(replica.rooms.backups.pending.redis, 0, `${replica.name} has something left to write`);
      }
      const polls = scene.pollsSince(startMs).filter((poll) => payloadId(poll.key) === payloadId(key)).length;
      assert.ok(Math.abs(polls - 10) <= 1, `${polls} polls of ${key.sdkKey} in ten intervals`);
    }
  }

  async #letReplica(kind: (typeof AT_A_REPLICA)[number], at: number, which: number): Promise<void> {
    const { replicas, latenciesMs } = this.#scene;
    const replica = replicas[at % replicas.length];
    if (replica === undefined) return;
    const { link, name, rooms } = replica;
    const key = keyOf(which);
    if (kind === 'ask') void replica.ask(key);
    else if (kind === 'cut' || kind === 'heal') link.isReachable = kind === 'heal';
    else if (kind === 'no reads') link.half = 'writes';
    else if (kind === 'no writes') link.half = 'reads';
    else if (kind === 'slow') latenciesMs.set(name, which * 1_500);
    else if (kind === 'outage here') this.#down.add(name);
    else if (kind === 'pin') void rooms.pinned.pin(new Set([key.sdkKey]));
    else if (kind === 'unpin') void rooms.pinned.pin(new Set());
    else if (replicas.length > 2) await end(replica, kind);
  }

  async #letAll(kind: (typeof AT_LARGE)[number], which: number): Promise<void> {
    const scene = this.#scene;
    if (kind === 'update') scene.version = this.#newest += 1;
    else if (kind === 'outage') scene.version = undefined;
    else if (kind === 'flush') scene.place.flush();
    else if (kind === 'lose messages') scene.place.delivers = () => false;
    else if (kind === 'refuse') this.#refused.add(keyOf(which).sdkKey);
    else if (kind === 'accept') this.#refused.clear();
    else if (scene.replicas.length < REPLICAS_MAX) {
      this.#started += 1;
      const name = `new-${this.#started}`;
      this.#trouble(name);
      void scene.start(name).ask(keyOf(which));
    }
  }

  #trouble(name: string): void {
    this.#scene.troubles.set(name, ({ sdkKey }) => {
      if (this.#refused.has(sdkKey)) return { kind: 'unauthorized', status: 401 };
      return this.#down.has(name) ? failed('status_503', 'HTTP status 503', 20_000) : undefined;
    });
  }
}

function keyOf(which: number): PayloadKey {
  return KEYS[which % KEYS.length] ?? KEY;
}

async function end(replica: Replica, kind: 'kill' | 'stop'): Promise<void> {
  if (kind === 'kill') replica.kill();
  else await replica.stop();
}

test('whatever happens, no version goes back, and after it all replicas agree and one polls', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(happening, { maxLength: 16 }),
      fc.integer({ min: 2, max: 6 }),
      fc.boolean(),
      async (happenings, sdkKeysMax, isClearing) => {
        const clearing = isClearing ? ['--clear-datastore-on-unauthorized'] : [];
        const scene = await FleetScene.running(['a', 'b', 'c'], ['-m', String(sdkKeysMax), ...clearing]);
        const trial = new Trial(scene, sdkKeysMax);
        for (const each of happenings) {
          await trial.let(each);
          trial.look();
        }
        await trial.heal();
      },
    ),
    { numRuns: 60 },
  );
});
