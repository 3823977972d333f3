// Whether Redis works, told once per change of state, apart for each thing it is used for.
import type { Clock } from '../../domain/clock.js';
import type { Logger } from '../../observability/logger.js';
import type { SnapshotFailureReason } from '../snapshots.js';
import type { RedisFault } from './redis-fault.js';

/** `connection` and `bodies` are connections; the others are kinds of commands, which may fail while a connection stands. */
export type RedisUse = 'connection' | 'bodies' | 'read' | 'write' | 'lead' | 'listen';
const USES: readonly RedisUse[] = ['connection', 'bodies', 'read', 'write', 'lead', 'listen'];

/** Trouble with messages alone is told when it has lasted so long. */
const LISTEN_PATIENCE_MS = 1_000;
/** A large write may fail while small ones work: commands work again when none of their kind has failed for so long. */
const COMMANDS_QUIET_MS = 30_000;

interface Trouble {
  readonly reason: SnapshotFailureReason;
  readonly code: string;
  /** By the monotonic clock, as `lastMs`, the last failure. */
  readonly sinceMs: number;
  readonly lastMs: number;
  isTold: boolean;
}

interface Texts {
  readonly fails: string;
  readonly works: string;
}

const POLLS: Texts = {
  fails: 'redis fails: specs are served from memory, and every replica polls for itself',
  works: 'redis works again',
};
const TEXTS: Readonly<Record<RedisUse, Texts>> = {
  connection: POLLS,
  bodies: POLLS,
  read: POLLS,
  lead: POLLS,
  write: {
    fails: 'redis takes no writes: specs are served from memory, and what it holds grows old',
    works: 'redis takes writes again',
  },
  listen: {
    fails: 'redis sends no messages: updates are found once an interval',
    works: 'redis sends messages again',
  },
};

export class RedisHealth {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #connectionQuietMs: number;
  readonly #troubles = new Map<RedisUse, Trouble>();

  /**
   * What failed works again with the first success that comes long enough after the last failure. For connections that
   * is at once; `connectionQuietMs` is more than 0 where some of several nodes may fail while others work.
   */
  constructor(clock: Clock, log: Logger, connectionQuietMs: number) {
    this.#clock = clock;
    this.#log = log;
    this.#connectionQuietMs = connectionQuietMs;
  }

  failed(use: RedisUse, { reason, code }: RedisFault): void {
    // By our own doing.
    if (reason === 'closed') return;
    const lastMs = this.#clock.monotonicMs();
    const { sinceMs = lastMs, isTold = false } = this.#troubles.get(use) ?? {};
    const trouble = { reason, code, sinceMs, lastMs, isTold };
    this.#troubles.set(use, trouble);
    if (isTold || this.#isExplained(use)) return;
    // A server that goes takes all connections with it, and which of them tells first is chance.
    if (use === 'listen' && lastMs - sinceMs < LISTEN_PATIENCE_MS) return;
    trouble.isTold = true;
    this.#log.warn({ reason, detail: code, use }, TEXTS[use].fails);
  }

  /**
   * A command succeeded, or a connection was made anew. Where that proves less than that all of its kind do, `curedOf`
   * are the reasons it disproves.
   */
  worked(use: RedisUse, curedOf?: readonly SnapshotFailureReason[]): void {
    const trouble = this.#troubles.get(use);
    if (trouble === undefined || curedOf?.includes(trouble.reason) === false) return;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - trouble.lastMs < this.#quietMs(use)) return;
    this.#troubles.delete(use);
    if (!trouble.isTold) return;
    this.#log.info({ use, failedForS: Math.round((nowMs - trouble.sinceMs) / 1000) }, TEXTS[use].works);
  }

  /** Without a connection nothing else works either; and what was told of one for bodies is true of all of Redis then. */
  #isExplained(use: RedisUse): boolean {
    const explaining = use === 'connection' ? 'bodies' : 'connection';
    return this.#troubles.get(explaining)?.isTold === true;
  }

  #quietMs(use: RedisUse): number {
    if (use === 'bodies' || use === 'listen') return 0;
    return use === 'connection' ? this.#connectionQuietMs : COMMANDS_QUIET_MS;
  }

  /** For each use `ok`, or why it fails and for how long. */
  describe(): Readonly<Record<RedisUse, object | 'ok'>> {
    const nowMs = this.#clock.monotonicMs();
    return Object.fromEntries(
      USES.map((use) => {
        const trouble = this.#troubles.get(use);
        if (trouble === undefined) return [use, 'ok'];
        const { reason, code, sinceMs } = trouble;
        return [use, { reason, detail: code, forS: Math.round((nowMs - sinceMs) / 1000) }];
      }),
    ) as Record<RedisUse, object | 'ok'>;
  }
}
