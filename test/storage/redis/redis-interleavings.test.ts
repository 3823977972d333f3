// Two writers, a reader and an SFP at once, in any order, with losses: the version in Redis never goes down, and what stands there belongs together.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import type { Payload } from '../../../src/domain/payload.js';
import type { PayloadKey } from '../../../src/domain/payload-key.js';
import type { RedisEntries } from '../../../src/storage/redis/redis-entries.js';
import { toBodyFields } from '../../../src/storage/redis/redis-body.js';
import { RedisNames, type EntryNames } from '../../../src/storage/redis/redis-names.js';
import type { Snapshots } from '../../../src/storage/snapshots.js';
import { holds } from '../../contracts/snapshots-place.js';
import { eventually } from '../../e2e/deadline.js';
import { DEMO_PAYLOADS, type DemoPayloads } from '../../fakes/demo-payloads.js';
import { plainSeal } from '../../fakes/backup-seals.js';
import { startRedisServer } from '../../fakes/redis-server.js';
import { openReplica, openRoom, redisOptions } from './redis-scene.js';

const RUNS = 60;
const STEPS_MAX = 25;
/** Few, so that they often meet. */
const VERSIONS_MAX = 5;
const BODY_BYTES_MAX = 1_000_000;

/** A writer's version may be old: what it last heard of the origin, or read in Redis, or had before a pause. */
type Step =
  | {
      readonly kind: 'save' | 'confirm';
      readonly writer: 0 | 1;
      readonly version: number;
      /** How long ago it was confirmed, where it is saved. */
      readonly agoMs: number;
      readonly isAwaited: boolean;
    }
  /** It asks whether to write. */
  | { readonly kind: 'ask'; readonly writer: 0 | 1; readonly version: number }
  /** It writes what it decided on, whatever has come between. */
  | { readonly kind: 'write'; readonly writer: 0 | 1 }
  | { readonly kind: 'sfp'; readonly version: number }
  /** Redis forgets the scripts. */
  | { readonly kind: 'flush' }
  | { readonly kind: 'read'; readonly writer: 0 | 1 };

type Writing = Extract<Step, { readonly kind: 'save' | 'confirm' }>;

const writer = fc.constantFrom<0 | 1>(0, 1);
const version = fc.integer({ min: 1, max: VERSIONS_MAX });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom<'save' | 'confirm'>('save', 'save', 'confirm'),
      writer,
      version,
      agoMs: fc.constantFrom(0, 20_000, 60_000),
      isAwaited: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('ask' as const), writer, version }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const), writer }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sfp' as const), version }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('flush' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('read' as const), writer }) },
);

/** As SFP does it: asks, then writes what is newer; here in one step, as two SFPs are not what is tested. */
const SFP_WRITES = `
local stored = redis.call('HGET', KEYS[1], 'lcut')
if stored and tonumber(stored) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'encoding', 'plain_text', 'lcut', ARGV[1], 'config', ARGV[2])
return 1
`;

interface Writers {
  readonly client: Redis;
  readonly snapshots: readonly [Snapshots, Snapshots];
  /** The same scripts, one by one. */
  readonly entries: RedisEntries;
}

type Field = Buffer | null | undefined;

class Run {
  readonly #client: Redis;
  readonly #writers: readonly [Snapshots, Snapshots];
  readonly #entries: RedisEntries;
  readonly #demo: DemoPayloads;
  readonly #key: PayloadKey;
  readonly #names: EntryNames;
  readonly #name: string;
  /** What each has decided to write. */
  readonly #decided: [Payload | undefined, Payload | undefined] = [undefined, undefined];
  readonly #unawaited: Promise<unknown>[] = [];
  #seen = 0;
  #seenConfirmedMs = -Infinity;

  constructor({ client, snapshots, entries }: Writers, demo: DemoPayloads, sdkKey: string) {
    this.#client = client;
    this.#writers = snapshots;
    this.#entries = entries;
    this.#demo = demo;
    this.#key = demo.keyOf(sdkKey);
    this.#names = new RedisNames(redisOptions(0)).of(this.#key);
    this.#name = this.#names.entry;
  }

  async take(next: Step): Promise<void> {
    switch (next.kind) {
      case 'save':
      case 'confirm':
        await this.#write(next);
        return;
      case 'ask':
        await this.#ask(next.writer, next.version);
        return;
      case 'write':
        await this.#writeDecided(next.writer);
        return;
      case 'sfp':
        await this.#writeLikeSfp(next.version);
        return;
      case 'flush':
        await this.#client.script('FLUSH');
        return;
      case 'read':
        await this.#read(next.writer);
        return;
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#unawaited);
    await this.check();
    await this.#read(0);
  }

  /** What stands in Redis at this moment. */
  async check(): Promise<void> {
    const [lcut, ours, config, body, coding, format, confirmed] = await this.#client.hmgetBuffer(
      this.#name,
      ...['lcut', 'sfp_version', 'config', 'sfp_body', 'sfp_body_encoding', 'sfp_format', 'sfp_confirmed'],
    );
    if (lcut === null || lcut === undefined) {
      assert.equal(this.#seen, 0, 'what was there is gone');
      return;
    }
    const version = Number(lcut.toString());
    const isOurs = ours?.equals(lcut) === true;
    this.#see(version, isOurs ? Number(confirmed?.toString()) : -Infinity);
    if (isOurs) this.#checkOurs(version, body, coding, format);
    if (config) assert.ok(versionOf(config, this.#key) === version, 'the config of another version');
    assert.ok(config ?? body, 'no body at all');
  }

  /** The fields of ours are those of this version. */
  #checkOurs(version: number, body: Field, coding: Field, format: Field): void {
    const { format: expected, originForm: form } = this.#demo.payloadOf(version);
    assert.equal(format?.toString(), expected);
    if (!body) return;
    assert.deepEqual(body, form.bytes);
    assert.equal(coding?.toString(), form.encoding);
  }

  /** Of one version a later confirmation stays; SFP, which confirms nothing, puts only newer ones beside ours. */
  #see(version: number, confirmedMs: number): void {
    assert.ok(version >= this.#seen, `${version} after ${this.#seen}`);
    if (version === this.#seen) assert.ok(confirmedMs >= this.#seenConfirmedMs, 'confirmed later before');
    this.#seen = version;
    this.#seenConfirmedMs = confirmedMs;
  }

  async #write({ kind, writer: who, version, agoMs, isAwaited }: Writing): Promise<void> {
    const snapshots = this.#writers[who];
    const writing =
      kind === 'save'
        ? snapshots.save(this.#key, this.#demo.payloadOf(version), agoMs)
        : snapshots.confirm(this.#key, version);
    // One that nobody waits for may come after whatever is done next.
    if (!isAwaited) this.#unawaited.push(writing);
    else if ((await writing).kind === 'stored') {
      await this.check();
      assert.ok(this.#seen >= version, 'told as stored, and it is not');
    }
  }

  async #ask(who: 0 | 1, version: number): Promise<void> {
    const { kind } = await this.#entries.confirm(this.#names, version, 0);
    this.#decided[who] = kind === 'behind' ? this.#demo.payloadOf(version) : undefined;
  }

  async #writeDecided(who: 0 | 1): Promise<void> {
    const payload = this.#decided[who];
    if (payload === undefined) return;
    const fields = await toBodyFields(this.#key, payload, BODY_BYTES_MAX, plainSeal());
    const before = this.#seen;
    const storing = await this.#entries.save(this.#key, this.#names, payload, fields, 0);
    if (payload.version < before) assert.equal(storing.kind, 'newer');
  }

  async #writeLikeSfp(version: number): Promise<void> {
    const { bytes, encoding } = this.#demo.payloadOf(version).originForm;
    if (this.#key.format === 'protobuf' && this.#demo.payloadOf(1).format === 'json') return;
    const config = this.#key.format === 'json' && encoding === 'br' ? brotliDecompressSync(bytes) : bytes;
    if (this.#key.format === 'json' && encoding === 'gzip') return;
    await this.#client.eval(SFP_WRITES, 1, this.#name, version, config);
  }

  async #read(who: 0 | 1): Promise<void> {
    const before = this.#seen;
    const loading = await this.#writers[who].load(this.#key);
    if (loading.kind === 'missing') {
      assert.equal(before, 0);
      return;
    }
    assert.ok(loading.kind === 'found', JSON.stringify(loading));
    const { version } = loading.snapshot.payload;
    assert.ok(version >= before, `${version} read after ${before}`);
    assert.ok(holds(loading, this.#demo.payloadOf(version)), 'the bytes of another version');
  }
}

function versionOf(config: Buffer, key: PayloadKey): number | undefined {
  const text = (key.format === 'json' ? config : brotliDecompressSync(config)).toString('latin1');
  return Number(/hello (\d+)/.exec(text)?.[1]);
}

async function startWriters(t: TestContext): Promise<Writers> {
  const server = await startRedisServer(t);
  const open = async (): Promise<Snapshots> => (await openReplica(t, redisOptions(server.port))).snapshots;
  return {
    client: server.client(),
    snapshots: [await open(), await open()],
    entries: (await openRoom(t, redisOptions(server.port))).entries,
  };
}

test('in any order of steps of two writers, a reader and an SFP the version never goes down', async (t) => {
  const writers = await startWriters(t);
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...DEMO_PAYLOADS),
      fc.array(step, { maxLength: STEPS_MAX }),
      async (demo, steps) => {
        const run = new Run(writers, demo, `secret-run-${(runs += 1)}`);
        for (const next of steps) {
          await run.take(next);
          await run.check();
        }
        await run.end();
      },
    ),
    { numRuns: RUNS },
  );
});

test('writers whose connections are cut while they write leave nothing half done', async (t) => {
  const writers = await startWriters(t);
  const [demo] = DEMO_PAYLOADS.filter(({ name }) => name === 'v2 JSON as br');
  assert.ok(demo !== undefined);
  const run = new Run(writers, demo, 'secret-cut');
  for (let round = 0; round < 6; round += 1) {
    const steps: Step[] = [round, round + 1, round].map((of, index) => ({
      kind: 'save',
      writer: index === 0 ? 0 : 1,
      version: of + 1,
      agoMs: 0,
      isAwaited: false,
    }));
    for (const next of steps) await run.take(next);
    // Not this one, which asks for it.
    await writers.client.call('CLIENT', ['KILL', 'TYPE', 'normal']);
    await run.check();
    await eventually('two who can write again', async () => {
      const confirmings = await Promise.all(
        writers.snapshots.map((one) => one.confirm(demo.keyOf('secret-other'), 1)),
      );
      return confirmings.every(({ kind }) => kind === 'behind');
    });
    await run.check();
  }
  await run.take({ kind: 'save', writer: 1, version: 7, agoMs: 0, isAwaited: true });
  await run.end();
});
