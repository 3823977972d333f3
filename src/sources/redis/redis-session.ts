// One connection from its opening to its end: every command has a deadline, and a missed one ends the connection.
import type { Clock } from '../../domain/clock.js';
import type { CommandPart, RedisClient } from './redis-client.js';
import { RedisFault, toRedisFault } from './redis-fault.js';

/** On their way at one time; far more than a poll of every payload at once sends. */
const PENDING_COMMANDS_MAX = 10_000;

export interface Command {
  readonly name: string;
  readonly parts: readonly CommandPart[];
  /** Texts in the reply come as buffers. */
  readonly wantsBytes?: boolean;
  readonly deadlineMs: number;
}

export class RedisSession {
  readonly #clock: Clock;
  readonly #client: RedisClient;
  readonly #onEnd: (fault: RedisFault) => void;
  readonly #pending = new Set<(fault: RedisFault) => void>();
  #lastError: RedisFault | undefined;
  #ending: RedisFault | undefined;
  #isRetired = false;
  #sentCommands = 0;
  readonly #ended: Promise<void>;
  #resolveEnded: () => void = () => undefined;

  /** `onEnd` is called once, unless we ended it ourselves by `retire` or `drop`. */
  constructor(clock: Clock, client: RedisClient, onEnd: (fault: RedisFault) => void) {
    this.#clock = clock;
    this.#client = client;
    this.#onEnd = onEnd;
    this.#ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    client.onError((error) => {
      this.#lastError = toRedisFault(error);
    });
    client.onEnd(() => {
      this.#end(this.#lastError ?? new RedisFault('connection_lost'), 'lost');
    });
  }

  /** Connects, and does what `prepare` says; rejects with a RedisFault where that takes longer, and is over then. */
  async open(timeoutMs: number, prepare: (session: RedisSession) => Promise<void>): Promise<void> {
    const cancel = this.#clock.schedule(timeoutMs, () => {
      this.drop(new RedisFault('connect_timeout'));
    });
    try {
      await this.#untilEnd(this.#client.connect());
      await prepare(this);
    } catch (error) {
      const fault = this.#ending ?? this.#lastError ?? toRedisFault(error);
      this.drop(fault);
      throw fault;
    } finally {
      cancel();
    }
  }

  /** Commands sent so far; tells whether anything happened since one looked. */
  get sentCommands(): number {
    return this.#sentCommands;
  }

  get ended(): Promise<void> {
    return this.#ended;
  }

  get isIdle(): boolean {
    return this.#pending.size === 0;
  }

  /** Rejects with a RedisFault. */
  send(command: Command): Promise<unknown> {
    if (this.#ending !== undefined) return Promise.reject(this.#ending);
    if (this.#pending.size >= PENDING_COMMANDS_MAX) {
      return Promise.reject(new RedisFault('command_timeout', 'TOO_MANY'));
    }
    this.#sentCommands += 1;
    const { name, parts, wantsBytes = false, deadlineMs } = command;
    const cancel = this.#clock.schedule(deadlineMs, () => {
      this.#end(new RedisFault('command_timeout'), 'lost');
    });
    const reply = wantsBytes ? this.#client.sendForBytes(name, parts) : this.#client.send(name, parts);
    return this.#untilEnd(reply).finally(cancel);
  }

  /** No more commands come: ends when those on their way have ended. */
  retire(): void {
    this.#isRetired = true;
    this.#endIfRetired();
  }

  /** Ends it now. */
  drop(fault: RedisFault): void {
    this.#end(fault, 'dropped');
  }

  #untilEnd<Value>(promise: Promise<Value>): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      this.#pending.add(reject);
      const settle = (): void => {
        this.#pending.delete(reject);
        this.#endIfRetired();
      };
      const fail = (error: unknown): void => {
        reject(toRedisFault(error));
      };
      void promise.then(resolve, fail).finally(settle);
    });
  }

  #endIfRetired(): void {
    if (this.#isRetired && this.#pending.size === 0) this.drop(new RedisFault('closed'));
  }

  #end(fault: RedisFault, how: 'lost' | 'dropped'): void {
    if (this.#ending !== undefined) return;
    this.#ending = fault;
    this.#client.disconnect();
    for (const reject of this.#pending) reject(fault);
    this.#pending.clear();
    this.#resolveEnded();
    if (how === 'lost' && !this.#isRetired) this.#onEnd(fault);
  }
}
