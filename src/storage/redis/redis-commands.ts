// Commands as the rest of this room sends them: over the right connection, with a deadline, and their outcome noted.
import type { SnapshotFailureReason } from '../snapshots.js';
import type { CommandPart } from './redis-client.js';
import { RedisFault, toRedisFault } from './redis-fault.js';
import type { RedisHealth, RedisUse } from './redis-health.js';
import type { RedisLink } from './redis-link.js';
import type { ScriptName } from './redis-scripts.js';
import type { RedisTask } from './redis-session.js';

const SMALL_DEADLINE_MS = 1_000;
const BODY_DEADLINE_MS = 5_000;
/** The slowest network that is good enough for bodies: 1 MB/s. */
const BODY_BYTES_PER_MS = 1_000;

/** What a command is for: its outcome tells how all commands of its kind fare. */
export type CommandUse = Extract<RedisUse, 'read' | 'write' | 'lead'>;

/** Redis takes no writes, whatever is to be written. */
export const WRITE_REASONS: readonly SnapshotFailureReason[] = ['read_only', 'out_of_memory'];
/** Redis cannot be used at all; it does not merely refuse one kind of command. */
const SERVER_REASONS: readonly SnapshotFailureReason[] = ['loading', 'cluster_down'];

/** The code for names that must not be in one command together. */
export const CROSS_SLOT = 'CROSSSLOT';
/** Codes that a server answers with after a failover, when it is no longer the master. */
const FAILOVER_CODES: readonly string[] = ['READONLY', 'MASTERDOWN'];

export interface ScriptCall {
  readonly script: ScriptName;
  readonly names: readonly string[];
  readonly args: readonly CommandPart[];
}

/** Is told how commands fare. */
export type CommandHealth = Pick<RedisHealth, 'failed' | 'worked'>;

/** Every method rejects with a RedisFault. */
export class RedisCommands {
  readonly #small: RedisLink;
  readonly #bodies: RedisLink;
  readonly #health: CommandHealth;
  #bodyBytesInFlight = 0;

  /** Bodies have a connection of their own: sending 50 MB must not hold up the renewal of a lease. */
  constructor(links: { readonly small: RedisLink; readonly bodies: RedisLink }, health: CommandHealth) {
    this.#small = links.small;
    this.#bodies = links.bodies;
    this.#health = health;
  }

  send<Value>(use: CommandUse, task: RedisTask<Value>, deadlineMs = SMALL_DEADLINE_MS): Promise<Value> {
    return this.#over(this.#small, 'connection', use, task, deadlineMs);
  }

  run(use: CommandUse, call: ScriptCall, deadlineMs?: number): Promise<unknown> {
    return this.send(use, toTask(call), deadlineMs);
  }

  saveBody(call: ScriptCall, bytes: number): Promise<unknown> {
    return this.transfer('write', bytes, toTask(call));
  }

  /** Fields of a hash as buffers, about `bytes` in total. */
  loadBody(name: string, fields: readonly string[], bytes: number): Promise<readonly (Buffer | null)[]> {
    return this.transfer('read', bytes, (client) => client.hmgetBuffer(name, ...fields));
  }

  /** Something was written. */
  wrote(): void {
    this.#health.worked('write');
  }

  /** Redis would have written if there had been anything to write. That does not prove that this user may write everything. */
  tookWrite(): void {
    this.#health.worked('write', WRITE_REASONS);
  }

  /** About `bytes` go over the connection for bodies, one way or the other. */
  async transfer<Value>(use: CommandUse, bytes: number, task: RedisTask<Value>): Promise<Value> {
    this.#bodyBytesInFlight += bytes;
    // The bodies already under way share the connection.
    const deadlineMs = BODY_DEADLINE_MS + this.#bodyBytesInFlight / BODY_BYTES_PER_MS;
    try {
      return await this.#over(this.#bodies, 'bodies', use, task, deadlineMs);
    } finally {
      this.#bodyBytesInFlight -= bytes;
    }
  }

  async #over<Value>(
    link: RedisLink,
    connection: RedisUse,
    use: CommandUse,
    task: RedisTask<Value>,
    deadlineMs: number,
  ): Promise<Value> {
    // The link has reported why it is not open.
    if (!link.isOpen) throw link.fault;
    try {
      const reply = await link.run(deadlineMs, task);
      this.#health.worked(connection);
      // A script that found nothing to write says nothing about writing.
      if (use !== 'write') this.#health.worked(use);
      return reply;
    } catch (error) {
      const fault = toRedisFault(error);
      // A cluster behind one address is then asked for one name at a time.
      if (fault.code !== CROSS_SLOT) this.#health.failed(blame(fault, connection, use), fault);
      if (FAILOVER_CODES.includes(fault.code)) for (const each of [this.#small, this.#bodies]) each.renew();
      throw fault;
    }
  }
}

function toTask({ script, names, args }: ScriptCall): RedisTask<unknown> {
  return (client) => client[script](names.length, ...names, ...args);
}

function blame(fault: RedisFault, connection: RedisUse, use: CommandUse): RedisUse {
  if (SERVER_REASONS.includes(fault.reason)) return 'connection';
  if (WRITE_REASONS.includes(fault.reason)) return 'write';
  return fault.isOfConnection ? connection : use;
}

/** The fault of an answer that no script of ours gives. */
export function unexpectedAnswer(): RedisFault {
  return new RedisFault('redis_error', 'ANSWER');
}
