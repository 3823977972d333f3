// One connection to Redis, from opening to end: each task over it has a deadline, and a missed deadline ends it.
import type { Clock } from '../../domain/clock.js';
import type { RedisClient } from './redis-client.js';
import { RedisFault, toRedisFault } from './redis-fault.js';

/** Tasks running at one time: far more than polling every payload at once needs. */
const PENDING_TASKS_MAX = 10_000;

/** One command, or several one after another. */
export type RedisTask<Value> = (client: RedisClient) => Promise<Value>;

export class RedisSession {
  readonly #clock: Clock;
  readonly #client: RedisClient;
  readonly #onLost: (fault: RedisFault) => void;
  /** How to reject each running task. */
  readonly #pending = new Set<(fault: RedisFault) => void>();
  #lastError: RedisFault | undefined;
  #ending: RedisFault | undefined;
  #isRetired = false;

  /** `onLost` is called at most once, and not after `retire` or `drop`. */
  constructor(clock: Clock, client: RedisClient, onLost: (fault: RedisFault) => void) {
    this.#clock = clock;
    this.#client = client;
    this.#onLost = onLost;
    for (const event of ['error', 'node error']) {
      client.on(event, (error: unknown) => {
        this.#lastError = toRedisFault(error);
      });
    }
    client.once('end', () => {
      this.#lose(this.#lastError ?? new RedisFault('connection_lost'));
    });
  }

  /** Connects and runs `prepare`, all within `timeoutMs`. Rejects with a RedisFault; the session has ended then. */
  async open(timeoutMs: number, prepare: RedisTask<unknown>): Promise<void> {
    const connect = async (client: RedisClient): Promise<void> => {
      await client.connect();
      await prepare(client);
    };
    try {
      await this.run(timeoutMs, connect, 'connect_timeout');
    } catch (error) {
      const fault = this.#ending ?? this.#lastError ?? toRedisFault(error);
      this.drop(fault);
      throw fault;
    }
  }

  get isIdle(): boolean {
    return this.#pending.size === 0;
  }

  /** Rejects with a RedisFault: after `deadlineMs` at the latest, with the reason `late`. */
  run<Value>(
    deadlineMs: number,
    task: RedisTask<Value>,
    late: 'command_timeout' | 'connect_timeout' = 'command_timeout',
  ): Promise<Value> {
    if (this.#ending !== undefined) return Promise.reject(this.#ending);
    if (this.#pending.size >= PENDING_TASKS_MAX) {
      return Promise.reject(new RedisFault('command_timeout', 'TOO_MANY'));
    }
    return new Promise<Value>((resolve, reject) => {
      this.#pending.add(reject);
      const cancel = this.#clock.schedule(deadlineMs, () => {
        this.#lose(new RedisFault(late));
      });
      const settled = (): void => {
        cancel();
        this.#pending.delete(reject);
        this.#endIfRetired();
      };
      task(this.#client)
        .finally(settled)
        .then(resolve, (error: unknown) => {
          reject(toRedisFault(error));
        });
    });
  }

  /** Ends the session once the running tasks have ended. */
  retire(): void {
    this.#isRetired = true;
    this.#endIfRetired();
  }

  /** Ends the session now. */
  drop(fault: RedisFault): void {
    if (this.#ending !== undefined) return;
    this.#ending = fault;
    // ioredis rejects the commands in its queues by this, so none of them is sent later.
    this.#client.disconnect();
    for (const reject of this.#pending) reject(fault);
    this.#pending.clear();
  }

  #endIfRetired(): void {
    if (this.#isRetired && this.isIdle) this.drop(new RedisFault('closed'));
  }

  #lose(fault: RedisFault): void {
    if (this.#ending !== undefined) return;
    this.drop(fault);
    if (!this.#isRetired) this.#onLost(fault);
  }
}
