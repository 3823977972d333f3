// What a replica of SFP 4.1 or 4.5 sends to Redis: its rows, its lock, and from 4.5 on the time that it gives its rows again.
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

export interface SfpOptions {
  readonly release: '4.1' | '4.5';
  /** From 4.5 on, as names have it: with its colon. */
  readonly prefix?: string;
  /** Also writes the names with a hash. */
  readonly doubleWrites?: boolean;
}

const ROW_TTL_S = 86_400;
const LOCK_TTL_S = 70;
const REFRESH =
  "if redis.call('HGET', KEYS[1], 'lcut') == ARGV[1] then return redis.call('EXPIRE', KEYS[1], ARGV[2]) end return 0";

/** One payload's name: an API's path and a format. */
export interface SfpRow {
  readonly sdkKey: string;
  readonly path: string;
  readonly isProtobuf: boolean;
}

export class SfpInRedis {
  readonly #redis: Redis;
  readonly #options: SfpOptions;
  readonly #uuid: string;

  constructor(redis: Redis, uuid: string, options: SfpOptions) {
    this.#redis = redis;
    this.#uuid = uuid;
    this.#options = options;
  }

  get lock(): string {
    return `${this.#options.prefix ?? ''}statsig_forward_proxy::leader`;
  }

  /** The name that SDKs are told of, then the one with a hash. */
  names({ sdkKey, path, isProtobuf }: SfpRow): string[] {
    const hash = createHash('sha256').update(sdkKey).digest('base64');
    const whose = [sdkKey.slice(0, 20), ...(this.#options.doubleWrites === true ? [hash] : [])];
    const encoding = isProtobuf ? 'statsig-br' : 'plain_text';
    return whose.map((each) => `${this.#options.prefix ?? ''}statsig|${path}|${encoding}|${each}`);
  }

  /** The origin gave it a body. Writes where it leads and what stands there is older, or always for ID lists. */
  async update(row: SfpRow, lcut: number, config: Buffer): Promise<void> {
    for (const name of this.names(row))
      await this.#updateName(name, lcut, config, !row.path.includes('lists'));
  }

  /** The origin confirmed the version. */
  async touch(row: SfpRow, lcut: number): Promise<void> {
    if (this.#options.release === '4.1') return;
    for (const name of this.names(row)) await this.#redis.eval(REFRESH, 1, name, lcut, ROW_TTL_S);
  }

  async remove(row: SfpRow): Promise<void> {
    for (const name of this.names(row)) await this.#redis.del(name);
  }

  async #updateName(name: string, lcut: number, config: Buffer, usesVersions: boolean): Promise<void> {
    const looked = await this.#redis
      .multi()
      .ttl(this.lock)
      .setnx(this.lock, this.#uuid)
      .get(this.lock)
      .hget(name, 'lcut')
      .exec();
    const [ttl, , leader, stored] = (looked ?? []).map(([, answer]) => answer);
    if (ttl === -1 && leader !== this.#uuid) await this.#redis.expire(this.lock, LOCK_TTL_S);
    const isNewer = typeof stored !== 'string' || !/^\d+$/.test(stored) || Number(stored) < lcut;
    if (usesVersions && (leader !== this.#uuid || !isNewer)) {
      if (this.#options.release === '4.5') await this.#redis.eval(REFRESH, 1, name, lcut, ROW_TTL_S);
      return;
    }
    await this.#redis
      .multi()
      .hset(name, 'encoding', 'plain_text')
      .hset(name, 'lcut', lcut)
      .hset(name, 'config', config)
      .expire(name, ROW_TTL_S)
      .expire(this.lock, LOCK_TTL_S)
      .exec();
  }
}
