// Commands as the rest of this room sends them: over the connection that fits, with a deadline, and their success noted.
import type { SnapshotFailureReason } from '../snapshots.js';
import type { CommandPart } from './redis-client.js';
import { RedisFault, toRedisFault } from './redis-fault.js';
import type { RedisHealth, RedisUse } from './redis-health.js';
import type { RedisLink } from './redis-link.js';
import type { RedisScript } from './redis-scripts.js';
import type { Command } from './redis-session.js';

const SMALL_DEADLINE_MS = 1_000;
const BODY_DEADLINE_MS = 5_000;
/** The slowest network a body is carried over: 1 MB/s. */
const BODY_BYTES_PER_MS = 1_000;

/** What a command is for, as its success or failure speaks for all of its kind. */
export type CommandUse = Extract<RedisUse, 'read' | 'write' | 'lead'>;

/** They say that Redis takes no writes, whatever is to be written. */
export const WRITE_REASONS: readonly SnapshotFailureReason[] = ['read_only', 'out_of_memory'];
/** They say that Redis cannot be used at all, not that it refuses one kind of command. */
const SERVER_REASONS: readonly SnapshotFailureReason[] = ['loading', 'cluster_down'];

/** The code for names that one command may not name together. */
export const CROSS_SLOT = 'CROSSSLOT';
/** They are answered by asking in another way. */
const QUESTION_CODES: readonly string[] = ['NOSCRIPT', CROSS_SLOT];
/** They may be all that a failover leaves us with: a server that is no master any more. */
const FAILOVER_CODES: readonly string[] = ['READONLY', 'MASTERDOWN'];

export interface ScriptCall {
  readonly script: RedisScript;
  readonly names: readonly string[];
  readonly args: readonly CommandPart[];
}

/** Every method rejects with a RedisFault. */
export class RedisCommands {
  readonly #small: RedisLink;
  readonly #bodies: RedisLink;
  readonly #health: RedisHealth;
  #bodyBytesInFlight = 0;

  /** Bodies have a connection of their own: 50 MB on their way must not hold up the renewal of a lease. */
  constructor(links: { readonly small: RedisLink; readonly bodies: RedisLink }, health: RedisHealth) {
    this.#small = links.small;
    this.#bodies = links.bodies;
    this.#health = health;
  }

  send(use: CommandUse, name: string, parts: readonly CommandPart[]): Promise<unknown> {
    return this.#on(this.#small, 'connection', use, { name, parts, deadlineMs: SMALL_DEADLINE_MS });
  }

  /** Something was written. */
  wrote(): void {
    this.#health.worked('write');
  }

  /** Redis would have written, had there been reason to: not to every name, perhaps, and not as this user everything. */
  tookWrite(): void {
    this.#health.worked('write', WRITE_REASONS);
  }

  /** By the script's hash, and by its text where Redis does not know it. */
  async run(use: CommandUse, call: ScriptCall, deadlineMs = SMALL_DEADLINE_MS): Promise<unknown> {
    const parts = [String(call.names.length), ...call.names, ...call.args];
    try {
      const { sha } = call.script;
      return await this.#on(this.#small, 'connection', use, {
        name: 'evalsha',
        parts: [sha, ...parts],
        deadlineMs,
      });
    } catch (error) {
      if (toRedisFault(error).code !== 'NOSCRIPT') throw error;
      return await this.#on(this.#small, 'connection', use, {
        name: 'eval',
        parts: [call.script.lua, ...parts],
        deadlineMs,
      });
    }
  }

  /** By its text, which is small beside a body, and spares a body's second way where Redis does not know the hash. */
  saveBody({ script, names, args }: ScriptCall, bytes: number): Promise<unknown> {
    return this.#transfer('write', bytes, {
      name: 'eval',
      parts: [script.lua, String(names.length), ...names, ...args],
    });
  }

  /** Fields of a hash as buffers, `bytes` in all or about that. */
  loadBody(name: string, fields: readonly string[], bytes: number): Promise<unknown> {
    return this.#transfer('read', bytes, { name: 'hmget', parts: [name, ...fields], wantsBytes: true });
  }

  async #transfer(use: CommandUse, bytes: number, command: Omit<Command, 'deadlineMs'>): Promise<unknown> {
    this.#bodyBytesInFlight += bytes;
    // What is on its way before it shares its connection.
    const deadlineMs = BODY_DEADLINE_MS + this.#bodyBytesInFlight / BODY_BYTES_PER_MS;
    try {
      return await this.#on(this.#bodies, 'bodies', use, { ...command, deadlineMs });
    } finally {
      this.#bodyBytesInFlight -= bytes;
    }
  }

  async #on(link: RedisLink, connection: RedisUse, use: CommandUse, command: Command): Promise<unknown> {
    // Not connected: the link has told, and says why.
    if (!link.isOpen) throw link.fault;
    try {
      const reply = await link.send(command);
      this.#health.worked(connection);
      // A script that found nothing to write says nothing about writing.
      if (use !== 'write') this.#health.worked(use);
      return reply;
    } catch (error) {
      const fault = toRedisFault(error);
      if (!QUESTION_CODES.includes(fault.code)) this.#health.failed(blame(fault, connection, use), fault);
      if (FAILOVER_CODES.includes(fault.code)) this.#renew();
      throw fault;
    }
  }

  #renew(): void {
    this.#small.renew();
    this.#bodies.renew();
  }
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
