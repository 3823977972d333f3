// Several daemons before one origin and one Redis: started by name, asked, and gone when the test is over.
import { mkdtempSync, rmSync } from 'node:fs';
import type { OutgoingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';
import { rawRequest, type RawAnswer } from '../fakes/raw-request.js';
import { startRedisServer, type RedisServer } from '../fakes/redis-server.js';
import { startTcpProxy, type TcpProxy } from '../fakes/tcp-proxy.js';
import { startDaemon, type Daemon, type Environment, type Operands } from './daemon.js';
import { specTarget, type Spec } from './spec-forms.js';
import { pollsSince } from './upstream-polls.js';

/** Of every replica: what `-p 1` means. */
export const INTERVAL_MS = 1_000;
/** Polls of one replica alone, right after each other, after which a fleet counts as calm. */
const CALM_POLLS = 2;

export interface FleetOptions extends Operands {
  /** After those that every replica gets. */
  readonly args?: readonly string[];
  readonly env?: Environment;
  /** Redis is told by one variable instead of two. */
  readonly hasRedisUrl?: boolean;
  /** Each replica reaches Redis over a network of its own, that can be cut. */
  readonly hasLinks?: boolean;
  /** A `--data-dir` for each replica, of its own, that outlives it. */
  readonly hasFolders?: boolean;
}

export interface Replica extends Daemon {
  readonly name: string;
}

interface Status {
  readonly redis?: { readonly isLeader?: boolean };
}

export class Fleet {
  readonly redis: RedisServer;
  readonly replicas = new Map<string, Replica>();
  /** The networks between replicas and Redis, by the replica's name. */
  readonly links = new Map<string, TcpProxy>();
  origin: FakeOrigin;
  readonly #t: TestContext;
  readonly #options: FleetOptions;
  readonly #folders: string;

  constructor(t: TestContext, origin: FakeOrigin, redis: RedisServer, options: FleetOptions) {
    this.origin = origin;
    this.redis = redis;
    this.#t = t;
    this.#options = options;
    this.#folders = mkdtempSync(join(tmpdir(), 'fleet-'));
    t.after(async () => {
      await Promise.all(this.all.map(({ program }) => program.kill()));
      rmSync(this.#folders, { recursive: true, force: true });
      await this.origin.close();
    });
  }

  get all(): readonly Replica[] {
    return [...this.replicas.values()];
  }

  /** Starts a daemon of this name; one of that name from before must have ended. */
  async start(name: string): Promise<Replica> {
    const { args = [], env = {}, mode = 'http', cache = 'redis', hasLinks, hasFolders } = this.#options;
    const folder = hasFolders === true ? ['--data-dir', this.folderOf(name)] : [];
    if (hasLinks === true && !this.links.has(name)) {
      this.links.set(name, await startTcpProxy(this.#t, this.redis.port));
    }
    const daemon = await startDaemon(this.#t, `${this.origin.url}/${name}`, {
      mode,
      cache,
      args: ['-p', '1', ...folder, ...args],
      env: { HOSTNAME: name, ...this.#redisVariables(name), ...env },
    });
    const replica = { ...daemon, name };
    this.replicas.set(name, replica);
    return replica;
  }

  linkOf({ name }: Replica): TcpProxy {
    const link = this.links.get(name);
    if (link === undefined) throw new Error(`${name} has no link that can be cut`);
    return link;
  }

  folderOf(name: string): string {
    return join(this.#folders, name);
  }

  /** All those that live, but this one. */
  others(than: Replica): readonly Replica[] {
    return this.all.filter((replica) => replica !== than);
  }

  /** Asks every replica for every spec, as clients would; fails where one is not served. */
  async warm(specs: readonly Spec[]): Promise<void> {
    for (const replica of this.all) {
      for (const spec of specs) {
        const { status, text } = await askFor(replica, spec);
        if (status !== 200) throw new Error(`${replica.name} answers ${status}: ${text}`);
      }
    }
  }

  /** The one replica that says of itself that it leads. */
  async leader(among = this.all): Promise<Replica> {
    let leaders: readonly Replica[] = [];
    await eventually('one leader', async () => {
      leaders = await this.leaders(among);
      return leaders.length === 1;
    });
    return leaders[0] as Replica;
  }

  /** All that say so of themselves. */
  async leaders(among = this.all): Promise<readonly Replica[]> {
    const states = await Promise.all(among.map(isLeader));
    return among.filter((_replica, index) => states[index]);
  }

  /** Waits until the leader alone polls each of these specs, and gives the leader. */
  async calm(specs: readonly Spec[]): Promise<Replica> {
    const leader = await this.leader();
    const startMs = performance.now();
    await eventually(`a poll of each spec by ${leader.name} alone`, () =>
      specs.every((spec) => {
        const polls = pollsSince(this.origin, startMs, spec);
        const last = polls.filter(({ replica }) => this.replicas.has(replica)).slice(-CALM_POLLS);
        return last.length === CALM_POLLS && last.every(({ replica }) => replica === leader.name);
      }),
    );
    return leader;
  }

  /** Ends the replica by this signal, and waits for that. */
  async end(replica: Replica, signal: NodeJS.Signals): Promise<void> {
    this.replicas.delete(replica.name);
    replica.program.signal(signal);
    await replica.program.ended;
  }

  /** The origin's next version, from this moment on. */
  publish(): { readonly version: number; readonly atMs: number } {
    const version = this.origin.project.time + 60_000;
    this.origin.project = { ...this.origin.project, time: version, greeting: `hello at ${version}` };
    return { version, atMs: performance.now() };
  }

  /** The same project at the same address, for who asks again. */
  async bringOriginBack(): Promise<void> {
    const { project, url } = this.origin;
    this.origin = await startFakeOrigin(Number(new URL(url).port));
    this.origin.project = project;
  }

  #redisVariables(name: string): Environment {
    const port = String(this.links.get(name)?.port ?? this.redis.port);
    if (this.#options.hasRedisUrl === true) return { REDIS_URL: `redis://127.0.0.1:${port}` };
    return { REDIS_ENTERPRISE_HOST: '127.0.0.1', REDIS_ENTERPRISE_PORT: port };
  }
}

/** `names`: of the replicas to start with, all at the same time. */
export async function startFleet(
  t: TestContext,
  names: readonly string[],
  options: FleetOptions = {},
): Promise<Fleet> {
  const origin = await startFakeOrigin();
  // So that its dump can be searched for words.
  const redis = await startRedisServer(t, ['--rdbcompression', 'no']);
  const fleet = new Fleet(t, origin, redis, options);
  await Promise.all(names.map((name) => fleet.start(name)));
  return fleet;
}

export const THREE: readonly string[] = ['replica-1', 'replica-2', 'replica-3'];

export function askFor(
  replica: Replica,
  spec: Spec,
  sinceTime = 0,
  headers: OutgoingHttpHeaders = {},
): Promise<RawAnswer> {
  return rawRequest(replica.url + specTarget(spec, sinceTime), { headers });
}

export async function statusText(replica: Replica): Promise<string> {
  const { status, text } = await rawRequest(`${replica.adminUrl}/status?keys=`);
  if (status !== 200) throw new Error(`/status of ${replica.name} answers ${status}`);
  return text;
}

async function isLeader(replica: Replica): Promise<boolean> {
  const { redis } = JSON.parse(await statusText(replica)) as Status;
  if (typeof redis?.isLeader !== 'boolean')
    throw new Error(`/status of ${replica.name} tells nothing of Redis`);
  return redis.isLeader;
}
