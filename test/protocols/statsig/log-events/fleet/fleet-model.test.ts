// Random deaths, pauses, partitions, restarts, failovers and full memory: whatever was accepted arrives, per key in order, by whoever survives.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { failed } from '../../../../../src/domain/failure.js';
import type { DeliveryOutcome } from '../../../../../src/protocols/statsig/origin/event-origin.js';
import { eventually } from '../../../../e2e/deadline.js';
import { startRedisServer, type RedisServer } from '../../../../fakes/redis-server.js';
import { startTcpProxy, type TcpProxy } from '../../../../fakes/tcp-proxy.js';
import { LEASE_MS, startReplica, turn, until, type Deliver, type FleetReplica } from './fleet-scene.js';

const RUNS = 8;
const STEPS_MAX = 60;
const REPLICAS = 3;
const KEYS = ['secret-red0123456789', 'secret-green0123456789', 'secret-blue0123456789'];
const DAY_MS = 86_400_000;
/** After five in a row a later batch is tried, which is meant to change the order. */
const FAILURES_IN_A_ROW_MAX = 3;
const TAKEN: DeliveryOutcome = { kind: 'taken' };
const BROKEN: DeliveryOutcome = failed('status_500', 'HTTP status 500');

type Who = number;
type Step =
  | { readonly kind: 'send'; readonly who: Who; readonly key: number }
  | { readonly kind: 'look' | 'wait' | 'wake' | 'kill' | 'cut' | 'heal' | 'expire'; readonly who: Who }
  | { readonly kind: 'answer'; readonly pick: number; readonly isTaken: boolean }
  | { readonly kind: 'full' | 'roomy' | 'crash' | 'fail over' };

const who = fc.nat(REPLICAS - 1);
const of = <Kind extends string>(kind: Kind): fc.Arbitrary<{ kind: Kind; who: number }> =>
  fc.record({ kind: fc.constant(kind), who });
const alone = <Kind extends string>(kind: Kind): fc.Arbitrary<{ kind: Kind }> => fc.constant({ kind });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant('send' as const), who, key: fc.nat(KEYS.length - 1) }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      pick: fc.nat(100),
      isTaken: fc.integer({ min: 0, max: 4 }).map((number) => number > 0),
    }),
  },
  { weight: 8, arbitrary: of('look') },
  { weight: 8, arbitrary: of('wait') },
  { weight: 3, arbitrary: of('expire') },
  { weight: 1, arbitrary: of('wake') },
  { weight: 2, arbitrary: of('kill') },
  { weight: 2, arbitrary: of('cut') },
  { weight: 3, arbitrary: of('heal') },
  { weight: 1, arbitrary: alone('full') },
  { weight: 2, arbitrary: alone('roomy') },
  { weight: 1, arbitrary: alone('crash') },
  { weight: 1, arbitrary: alone('fail over') },
);

/** Two servers, one of which follows the other. */
class Servers {
  readonly #servers: readonly [RedisServer, RedisServer];
  #first: 0 | 1 = 0;

  constructor(servers: readonly [RedisServer, RedisServer]) {
    this.#servers = servers;
  }

  get port(): number {
    return this.#servers[this.#first].port;
  }

  get client(): Redis {
    return this.#servers[this.#first].client();
  }

  async follow(): Promise<void> {
    const client = this.#servers[this.#first === 0 ? 1 : 0].client();
    await client.replicaof('127.0.0.1', String(this.port));
    await eventually('a server that follows', async () =>
      (await client.info('replication')).includes('master_link_status:up'),
    );
    client.disconnect();
  }

  /** The second takes the place of the first, which comes back empty and follows it. */
  async failOver(): Promise<void> {
    const before = this.#servers[this.#first];
    await before.kill();
    this.#first = this.#first === 0 ? 1 : 0;
    await this.client.replicaof('NO', 'ONE');
    await before.startAgain();
    await this.follow();
  }

  /** Dies and comes back with what it wrote to its file. */
  async crash(): Promise<void> {
    await this.#servers[this.#first].kill();
    await this.#servers[this.#first].startAgain();
    await this.follow();
  }
}

interface Pending {
  readonly sdkKey: string;
  readonly name: string;
  readonly answer: (outcome: DeliveryOutcome) => void;
}

class Run {
  readonly #t: TestContext;
  readonly #servers: Servers;
  readonly #prefix: string;
  readonly #replicas: FleetReplica[] = [];
  readonly #proxies: TcpProxy[] = [];
  #started = 0;
  #sent = 0;
  readonly #pending: Pending[] = [];
  readonly #failures = new Map<string, number>();
  readonly #accepted: { readonly sdkKey: string; readonly name: string }[] = [];
  readonly taken: { readonly sdkKey: string; readonly name: string }[] = [];
  /** What may each have cut off one delivery of each key. */
  #disturbances = 0;
  #isEnding = false;

  constructor(t: TestContext, servers: Servers, prefix: string) {
    this.#t = t;
    this.#servers = servers;
    this.#prefix = prefix;
  }

  async begin(): Promise<void> {
    for (let slot = 0; slot < REPLICAS; slot += 1) {
      this.#proxies.push(await startTcpProxy(this.#t, () => this.#servers.port));
      await this.#start(slot);
    }
  }

  async take(next: Step): Promise<void> {
    switch (next.kind) {
      case 'send':
        await this.#send(this.#at(next.who), KEYS[next.key] as string);
        return;
      case 'answer':
        this.#answer(next.pick, next.isTaken);
        break;
      case 'look':
        await this.#at(next.who).look();
        break;
      case 'wait':
        this.#at(next.who).clock.advance(1_000);
        break;
      case 'wake':
        this.#disturbances += 1;
        this.#at(next.who).clock.advance(2 * LEASE_MS);
        break;
      case 'expire':
        await this.#expire(this.#at(next.who).name);
        break;
      case 'kill':
        this.#disturbances += 1;
        this.#at(next.who).kill();
        await this.#expire(this.#at(next.who).name);
        await this.#start(next.who);
        break;
      case 'cut':
        this.#disturbances += 1;
        await this.#proxies[next.who]?.cut();
        break;
      case 'heal':
        await this.#heal(next.who);
        break;
      default:
        await this.#serverStep(next.kind);
    }
    await turn();
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#setMemory('0');
    for (const [slot] of this.#proxies.entries()) await this.#heal(slot);
    for (const { answer } of this.#pending.splice(0)) answer(TAKEN);
    await this.#expire(undefined);
    for (const replica of this.#replicas) replica.clock.advance(LEASE_MS);
    const all = new Set(this.#accepted.map(({ name }) => name));
    const arrival = until('everything that was accepted', this.#replicas, async () => {
      for (const { name } of this.taken) all.delete(name);
      return all.size === 0 && (await this.#left()) === 0;
    });
    await arrival.catch(async (error: unknown) => {
      throw new Error(`missing: ${[...all].join(', ')}; ${await this.#describe()}`, { cause: error });
    });
    this.#check();
    for (const replica of this.#replicas) replica.kill();
    for (const proxy of this.#proxies) await proxy.cut();
  }

  #check(): void {
    for (const sdkKey of KEYS) {
      const wanted = this.#accepted.filter((each) => each.sdkKey === sdkKey).map(({ name }) => name);
      const names = this.taken.filter((each) => each.sdkKey === sdkKey).map(({ name }) => name);
      const firstTimes = [...new Set(names)].filter((name) => wanted.includes(name));
      assert.deepEqual(firstTimes, wanted, 'per key in order');
    }
    const duplicates = this.taken.length - new Set(this.taken.map(({ name }) => name)).size;
    const most = this.#disturbances * KEYS.length;
    assert.ok(duplicates <= most, `${duplicates} duplicates, and ${most} may have been in flight`);
  }

  #at(slot: number): FleetReplica {
    return this.#replicas[slot] as FleetReplica;
  }

  async #start(slot: number): Promise<void> {
    const proxy = this.#proxies[slot] as TcpProxy;
    await proxy.heal();
    const deliver: Deliver = (_replica, { sdkKey, body, batchId }) => this.#deliver(sdkKey, batchId, body);
    const skewMs = (this.#started % 3) * 3 * DAY_MS - 4 * DAY_MS;
    const setting = { port: proxy.port, replicasMin: 1, skewMs, options: { keyPrefix: `${this.#prefix}:` } };
    this.#replicas[slot] = await startReplica(this.#t, `replica ${(this.#started += 1)}`, setting, deliver);
  }

  async #send(replica: FleetReplica, sdkKey: string): Promise<void> {
    const name = `${sdkKey} ${(this.#sent += 1)}`;
    const sending = replica.send(sdkKey, name);
    const { kind } = await sending;
    if (kind === 'accepted') this.#accepted.push({ sdkKey, name });
    else assert.equal(kind, 'not-kept');
  }

  #deliver(sdkKey: string, batchId: string, body: Uint8Array): Promise<DeliveryOutcome> {
    const name = Buffer.from(body).toString();
    return new Promise((resolve) => {
      const answer = (outcome: DeliveryOutcome): void => {
        const failures = outcome === TAKEN ? 0 : (this.#failures.get(batchId) ?? 0) + 1;
        this.#failures.set(batchId, failures);
        const isTaken = outcome === TAKEN || failures > FAILURES_IN_A_ROW_MAX;
        if (isTaken) this.taken.push({ sdkKey, name });
        resolve(isTaken ? TAKEN : outcome);
      };
      if (this.#isEnding) answer(TAKEN);
      else this.#pending.push({ sdkKey, name, answer });
    });
  }

  #answer(pick: number, isTaken: boolean): void {
    const [pending] = this.#pending.splice(pick % Math.max(1, this.#pending.length), 1);
    pending?.answer(isTaken ? TAKEN : BROKEN);
  }

  async #heal(slot: number): Promise<void> {
    await this.#proxies[slot]?.heal();
    for (const link of this.#at(slot).links) await link.open();
  }

  async #serverStep(kind: 'full' | 'roomy' | 'crash' | 'fail over'): Promise<void> {
    if (kind === 'full') await this.#setMemory('1');
    else if (kind === 'roomy') await this.#setMemory('0');
    else {
      this.#disturbances += 1;
      await this.#setMemory('0');
      await (kind === 'crash' ? this.#servers.crash() : this.#servers.failOver());
      for (const [slot, proxy] of this.#proxies.entries()) {
        await proxy.cut();
        await this.#heal(slot);
      }
    }
  }

  /** As if the time of this replica's leases, and of its last look, were over; of all replicas without a name. */
  async #expire(name: string | undefined): Promise<void> {
    this.#disturbances += 1;
    const { client } = this.#servers;
    await this.#setMemory('0');
    const members = `${this.#prefix}:spec-forward-proxy|{log-events|fleet}|replicas`;
    await (name === undefined ? client.del(members) : client.zrem(members, name));
    for (const state of await client.keys(`${this.#prefix}:*|state`)) {
      if (name === undefined || (await client.hget(state, 'owner')) === name)
        await client.hset(state, 'until', '1');
    }
    client.disconnect();
  }

  async #setMemory(bytes: string): Promise<void> {
    const { client } = this.#servers;
    await client.config('SET', 'maxmemory', bytes);
    client.disconnect();
  }

  async #describe(): Promise<string> {
    const { client } = this.#servers;
    const states: unknown[] = this.#replicas.map(({ name, owned, store, queue, keeper }) => [
      name,
      { owned, waiting: store.room.batches, isReachable: queue.isReachable, sees: keeper.fleet?.instances },
    ]);
    for (const name of await client.keys(`${this.#prefix}:*|state`))
      states.push([name, await client.hgetall(name)]);
    for (const name of await client.keys(`${this.#prefix}:*|dead`))
      states.push(await client.xrange(name, '-', '+'));
    return JSON.stringify(states);
  }

  /** Entries, bodies, and counts that are not zero. */
  async #left(): Promise<number> {
    const { client } = this.#servers;
    let left = 0;
    for (const name of await client.keys(`${this.#prefix}:*|waits`)) left += await client.xlen(name);
    for (const name of await client.keys(`${this.#prefix}:*|bodies`)) left += await client.hlen(name);
    for (const name of await client.keys(`${this.#prefix}:*|state`)) {
      const fields = await client.hkeys(name);
      left += fields.filter((field) => !['owner', 'token', 'until'].includes(field)).length;
    }
    client.disconnect();
    return left;
  }
}

test('whatever was accepted arrives, per key in order, and only what was in flight comes twice', async (t) => {
  const args = ['--appendonly', 'yes', '--appendfsync', 'always', '--repl-diskless-sync-delay', '0'];
  const servers = new Servers([await startRedisServer(t, args), await startRedisServer(t, args)]);
  await servers.follow();
  let runs = 0;
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: STEPS_MAX }), async (steps) => {
      const run = new Run(t, servers, `run-${(runs += 1)}`);
      await run.begin();
      for (const each of steps) await run.take(each);
      await run.end();
      taken += run.taken.length;
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  assert.ok(taken > RUNS * 3, `only ${taken} batches arrived`);
});
