// The fleet's queue in Redis: a stream for each shard, with its bodies, its state and its dead letters in the same slot.
import type {
  Appended,
  Finish,
  LeaseLost,
  NewEntry,
  QueueDurability,
  QueueLimits,
  QueuedEntry,
  ShardCounts,
  ShardFleet,
  ShardLease,
  ShardQueue,
  ShardState,
  ShardWish,
} from '../shard-queue.js';
import { LEASE_LOST } from '../shard-queue.js';
import { parseInfo, readDurability } from './queue-durability.js';
import { QUEUE_SCRIPTS } from './queue-scripts.js';
import { unexpectedAnswer, type RedisCommands } from './redis-commands.js';
import type { CommandPart, RedisClient } from './redis-client.js';
import { RedisFault, toRedisFault } from './redis-fault.js';
import { KEPT_SPACE } from './redis-names.js';
import { neededByQueue } from './redis-permissions.js';
import { deniedByScript } from './redis-rights.js';

/** A lease that its owner does not renew lasts this long: others wait for its end before they send what it was sending. */
export const SHARD_LEASE_MS = 3_000;
/** How long an append waits for replicas of the server. */
const REPLICAS_MS_MAX = 1_000;
const KEYS_PER_SHARD = 5;
const FACTS_BYTES_MAX = 1_000;
/** What a node of a cluster answers for a shard that another node has. */
const MOVED = 'MOVED';

export interface ShardQueueOptions {
  readonly instanceId: string;
  /** In front of every name, as `RedisNames` has it. */
  readonly prefix: string;
  readonly leaseMs: number;
  /** Of the server, which have to have a batch before it counts as kept. */
  readonly replicasMin: number;
}

export interface QueueCommands {
  /** For what is asked of shards and taken out of them. */
  readonly commands: RedisCommands;
  /** For what is put in, which waits for the server's replicas: nothing else is to wait behind that. */
  readonly appends: RedisCommands;
  readonly isReachable: () => boolean;
}

/** Every method rejects with a RedisFault. */
export class RedisShardQueue implements ShardQueue {
  readonly instanceId: string;
  readonly leaseMs: number;
  readonly #commands: RedisCommands;
  readonly #appends: RedisCommands;
  readonly #isReachable: () => boolean;
  readonly #options: ShardQueueOptions;

  constructor({ commands, appends, isReachable }: QueueCommands, options: ShardQueueOptions) {
    this.instanceId = options.instanceId;
    this.leaseMs = options.leaseMs;
    this.#commands = commands;
    this.#appends = appends;
    this.#isReachable = isReachable;
    this.#options = options;
  }

  get isReachable(): boolean {
    return this.#isReachable();
  }

  async durability(): Promise<QueueDurability> {
    const info = parseInfo(await this.#ask('INFO'));
    const fsync = await this.#ask('CONFIG', 'GET', 'appendfsync');
    const needed = neededByQueue(this.#options.prefix, 'log-events');
    const denied = await deniedByScript((...words) => this.#ask('EVAL', ...words), needed);
    return { ...readDurability(info, fsync), denied: denied ?? [] };
  }

  async wasUsed(): Promise<boolean> {
    return (await this.#commands.send('read', (client) => client.exists(this.#fleetName('shards')))) === 1;
  }

  async beat(shards: number): Promise<ShardFleet> {
    const { instanceId, leaseMs } = this;
    const names = [this.#fleetName('replicas'), this.#fleetName('shards')];
    const args = [instanceId, String(leaseMs), String(shards)];
    const answer = await this.#commands.run('lead', { script: 'beatInQueue', names, args });
    if (!Array.isArray(answer)) throw unexpectedAnswer();
    const [shardsUsed, ...instances] = answer as readonly unknown[];
    return { shardsUsed: Number(shardsUsed), instances: instances.map(String) };
  }

  async leave(): Promise<void> {
    await this.beat(0);
  }

  async tend(shard: number, wish: ShardWish): Promise<ShardState> {
    const args = [this.instanceId, String(this.leaseMs), wish];
    const names = this.#names(shard);
    const answer = await this.#commands.run('lead', { script: 'tendShard', names, args });
    if (!Array.isArray(answer)) throw unexpectedAnswer();
    const [owner, token, age, deadLetters, ...counts] = answer as readonly unknown[];
    return {
      owner: String(owner),
      token: String(token),
      oldestAgeMs: age === '' ? undefined : Number(age),
      deadLetters: Number(deadLetters),
      ...toCounts(counts),
    };
  }

  async append(
    shard: number,
    entry: NewEntry,
    limits: QueueLimits,
    elsewhere: ShardCounts,
  ): Promise<Appended> {
    const { id, keyHash, isKnown, bytes, facts, body } = entry;
    const args = [id, keyHash, isKnown ? 'known' : 'unknown', String(bytes), facts, body];
    args.push(...limitArgs(limits, elsewhere));
    const words = [...this.#names(shard), ...args];
    const answer = await this.#appends.transfer('write', facts.length + body.length, (client) =>
      this.#appendAndWait(client, words),
    );
    this.#appends.tookWrite();
    return answer;
  }

  async read(
    { shard, token }: ShardLease,
    position: string | undefined,
    countMax: number,
  ): Promise<readonly QueuedEntry[] | LeaseLost> {
    const args = [this.instanceId, token, position === undefined ? '-' : after(position), String(countMax)];
    const names = this.#names(shard);
    const answer = await this.#commands.transfer('lead', countMax * FACTS_BYTES_MAX, (client) =>
      client.readShardBuffer(names.length, ...names, ...args),
    );
    return Array.isArray(answer) ? answer.map(toEntry) : LEASE_LOST;
  }

  async body(
    { shard, token }: ShardLease,
    id: string,
    bytes: number,
  ): Promise<Buffer | undefined | LeaseLost> {
    const names = this.#names(shard);
    const answer = await this.#commands.transfer('lead', bytes, (client) =>
      client.readShardBodyBuffer(names.length, ...names, this.instanceId, token, id),
    );
    if (!Array.isArray(answer)) return LEASE_LOST;
    const [body] = answer as readonly Buffer[];
    return body === undefined || body.length === 0 ? undefined : body;
  }

  async finish({ shard, token }: ShardLease, finish: Finish): Promise<undefined | LeaseLost> {
    const { position, isTaken, letter = '' } = finish;
    const args = [this.instanceId, token, position, isTaken ? '1' : '0', letter];
    const names = this.#names(shard);
    // Over the same connection as bodies: what is read later was not read before this.
    const answer = await this.#commands.transfer('lead', letter.length, (client) =>
      client.finishInShard(names.length, ...names, ...args),
    );
    return answer === 'lost' ? LEASE_LOST : undefined;
  }

  async #appendAndWait(client: RedisClient, words: readonly CommandPart[]): Promise<Appended> {
    if (this.#options.replicasMin === 0) return await appendAlone(client, words);
    try {
      return await this.#appendPipelined(client, words);
    } catch (error) {
      if (toRedisFault(error).code !== MOVED) throw error;
      // ioredis learns where a shard has moved to from single commands only. Once more for an entry that is there changes nothing.
      await appendAlone(client, words);
      return await this.#appendPipelined(client, words);
    }
  }

  /** `WAIT` tells of the writes of its own connection, and in a cluster has to reach the node that has the shard. */
  async #appendPipelined(client: RedisClient, words: readonly CommandPart[]): Promise<Appended> {
    const { replicasMin } = this.#options;
    const pipeline = client.pipeline();
    pipeline.call('EVAL', QUEUE_SCRIPTS.appendToShard.lua, String(KEYS_PER_SHARD), ...words);
    pipeline.call('WAIT', String(replicasMin), String(REPLICAS_MS_MAX));
    const [appending, waiting] = (await pipeline.exec()) ?? [];
    const appended = toAppended(valueOf(appending));
    const replicas = Number(valueOf(waiting));
    if (appended.kind !== 'kept' || replicas >= replicasMin) return appended;
    return { kind: 'too-few-replicas', replicas };
  }

  /** Undefined where this user may not ask, or a server of this kind does not answer. */
  async #ask(command: string, ...args: readonly string[]): Promise<unknown> {
    return await this.#commands.send('read', (client) =>
      client.call(command, ...args).catch((error: unknown) => {
        const fault = toRedisFault(error);
        if (fault.isOfConnection) throw fault;
        return undefined;
      }),
    );
  }

  #fleetName(what: string): string {
    return `${this.#options.prefix}${queueName('fleet', what)}`;
  }

  #names(shard: number): readonly string[] {
    return shardNames(this.#options.prefix, shard);
  }
}

/** Of one shard, all in one slot of a cluster: what stands in braces decides about that. */
export function shardNames(prefix: string, shard: number): readonly string[] {
  const whats = ['waits', 'bodies', 'state', 'dead', 'known'];
  return whats.map((what) => `${prefix}${queueName(String(shard), what)}`);
}

function queueName(part: string, what: string): string {
  return `${KEPT_SPACE}|{log-events|${part}}|${what}`;
}

function limitArgs(limits: QueueLimits, elsewhere: ShardCounts): readonly string[] {
  const { known, unknown, batchesMax, bytesMax, reservedShare, littleShare } = limits;
  const { knownBatches, knownBytes, unknownBatches, unknownBytes } = elsewhere;
  const shares = [batchesMax, bytesMax, reservedShare, littleShare];
  const parts = [known.batchesMax, known.bytesMax, unknown.batchesMax, unknown.bytesMax];
  return [...shares, ...parts, knownBatches, knownBytes, unknownBatches, unknownBytes].map(String);
}

async function appendAlone(client: RedisClient, words: readonly CommandPart[]): Promise<Appended> {
  return toAppended(await client.appendToShard(KEYS_PER_SHARD, ...words));
}

function toAppended(answer: unknown): Appended {
  if (!Array.isArray(answer)) throw unexpectedAnswer();
  const [word, position, ...rest] = answer as readonly unknown[];
  const counts = toCounts(rest);
  if (word === 'kept') return { kind: 'kept', position: String(position), counts };
  return { kind: 'full', isFirst: word === 'full_first', counts };
}

function toCounts(numbers: readonly unknown[]): ShardCounts {
  const [knownBatches = 0, knownBytes = 0, unknownBatches = 0, unknownBytes = 0] = numbers.map(Number);
  return { knownBatches, knownBytes, unknownBatches, unknownBytes };
}

type Answer = readonly [Error | null, unknown];

function valueOf(answer: Answer | undefined): unknown {
  if (answer === undefined) throw new RedisFault('connection_lost');
  const [error, value] = answer;
  if (error !== null) throw error;
  return value;
}

/** Positions are `<milliseconds>-<number>`. Redis knows a sign for "after", but only from 6.2 on. */
function after(position: string): string {
  const [time = '0', number = '0'] = position.split('-');
  return `${time}-${BigInt(number) + 1n}`;
}

function toEntry(entry: unknown): QueuedEntry {
  const [position, list] = entry as readonly [Buffer, readonly Buffer[]];
  const field = (name: string): Buffer => list[list.findIndex((each) => String(each) === name) + 1] as Buffer;
  return {
    position: String(position),
    id: String(field('id')),
    bytes: Number(String(field('bytes'))),
    facts: field('facts'),
  };
}
