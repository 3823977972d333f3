// Whether Redis works: one log line per change of state, separately for each thing it is used for.
import type { Clock } from '../../domain/clock.js';
import type { Logger } from '../../observability/logger.js';
import type { SnapshotFailureReason } from '../snapshots.js';
import type { RedisFault } from './redis-fault.js';

/** `connection`, `bodies` and `listen` are connections; the others are kinds of commands, which may fail while connected. */
export type RedisUse = 'connection' | 'bodies' | 'read' | 'write' | 'lead' | 'listen';
const USES: readonly RedisUse[] = ['connection', 'bodies', 'read', 'write', 'lead', 'listen'];

/** Trouble with messages alone is logged once it has lasted this long. */
const LISTEN_PATIENCE_MS = 1_000;
/** A large write may fail while small ones work: commands work again once none of their kind has failed for this long. */
const COMMANDS_QUIET_MS = 30_000;

interface Trouble {
  readonly reason: SnapshotFailureReason;
  readonly code: string;
  /** By the monotonic clock, as `lastMs`, the last failure. */
  readonly sinceMs: number;
  readonly lastMs: number;
  isTold: boolean;
}

export interface RedisFailing {
  readonly reason: SnapshotFailureReason;
  readonly forMs: number;
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
    fails: 'redis accepts no writes: specs are served from memory, and the copies in Redis grow old',
    works: 'redis accepts writes again',
  },
  listen: {
    fails: 'redis sends no messages: updates are found once an interval',
    works: 'redis sends messages again',
  },
};

export interface RedisHealthOptions {
  /** Its address, for log lines. */
  readonly server: string;
  /** More than 0 where some nodes may fail while others work. */
  readonly connectionQuietMs: number;
}

export class RedisHealth {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #options: RedisHealthOptions;
  readonly #troubles = new Map<RedisUse, Trouble>();

  /**
   * What failed works again with the first success that comes long enough after the last failure. For connections that
   * is at once, or `connectionQuietMs` later.
   */
  constructor(clock: Clock, log: Logger, options: RedisHealthOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#options = options;
  }

  failed(use: RedisUse, { reason, code }: RedisFault): void {
    // We closed it ourselves.
    if (reason === 'closed') return;
    const lastMs = this.#clock.monotonicMs();
    const { sinceMs = lastMs, isTold = false } = this.#troubles.get(use) ?? {};
    const trouble = { reason, code, sinceMs, lastMs, isTold };
    this.#troubles.set(use, trouble);
    if (isTold || this.#isExplained(use)) return;
    // A server that goes away takes all connections with it; which of them notices first is chance.
    if (use === 'listen' && lastMs - sinceMs < LISTEN_PATIENCE_MS) return;
    trouble.isTold = true;
    this.#log.warn({ server: this.#options.server, reason, detail: code, use }, TEXTS[use].fails);
  }

  /** A command succeeded, or a connection was opened. `curedOf`: the only reasons that this disproves, if not all. */
  worked(use: RedisUse, curedOf?: readonly SnapshotFailureReason[]): void {
    const trouble = this.#troubles.get(use);
    if (trouble === undefined || curedOf?.includes(trouble.reason) === false) return;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - trouble.lastMs < this.#quietMs(use)) return;
    this.#troubles.delete(use);
    if (!trouble.isTold) return;
    const failedForS = Math.round((nowMs - trouble.sinceMs) / 1000);
    this.#log.info({ server: this.#options.server, use, failedForS }, TEXTS[use].works);
  }

  /** Without a connection nothing works; and a line about the connection for bodies says the same of Redis as a whole. */
  #isExplained(use: RedisUse): boolean {
    const explaining = use === 'connection' ? 'bodies' : 'connection';
    return this.#troubles.get(explaining)?.isTold === true;
  }

  #quietMs(use: RedisUse): number {
    if (use === 'bodies' || use === 'listen') return 0;
    return use === 'connection' ? this.#options.connectionQuietMs : COMMANDS_QUIET_MS;
  }

  /**
   * For each use `ok`, or why it fails and for how long. `lost`: why there is no connection; without one nothing works,
   * whatever was last heard of the single uses.
   */
  describe(lost: RedisFault | undefined): Readonly<Record<RedisUse, object | 'ok'>> {
    const nowMs = this.#clock.monotonicMs();
    const all = this.#troubleOfAll(lost);
    return Object.fromEntries(
      USES.map((use) => {
        const trouble = all ?? this.#troubles.get(use);
        if (trouble === undefined) return [use, 'ok'];
        const { reason, code, sinceMs } = trouble;
        return [use, { reason, detail: code, forS: Math.round((nowMs - sinceMs) / 1000) }];
      }),
    ) as Record<RedisUse, object | 'ok'>;
  }

  /** What has been failing for longest, with `lost` as above; undefined where everything works. */
  failing(lost: RedisFault | undefined): RedisFailing | undefined {
    const [first] = [this.#troubleOfAll(lost) ?? [], ...this.#troubles.values()]
      .flat()
      .sort((left, right) => left.sinceMs - right.sinceMs);
    return first && { reason: first.reason, forMs: this.#clock.monotonicMs() - first.sinceMs };
  }

  #troubleOfAll(lost: RedisFault | undefined): Pick<Trouble, 'reason' | 'code' | 'sinceMs'> | undefined {
    const trouble = this.#troubles.get('connection');
    return trouble ?? (lost && { reason: lost.reason, code: lost.code, sinceMs: this.#clock.monotonicMs() });
  }
}
