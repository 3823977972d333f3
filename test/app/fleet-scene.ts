// Replicas of a fleet by a hand-turned clock: the real rooms, in front of an origin that counts and a place they share.
import { buildCore, type Core } from '../../src/app/core.js';
import { readCommandLine } from '../../src/cli/read-command-line.js';
import { loadConfig } from '../../src/config/load-config.js';
import type { PayloadKey } from '../../src/domain/payload-key.js';
import type { Payload } from '../../src/domain/payload.js';
import { createLogger } from '../../src/observability/logger.js';
import { noProxyEvents } from '../fakes/proxy-events.js';
import { failed } from '../../src/domain/failure.js';
import type { FetchOutcome, Origin } from '../../src/core/origin.js';
import { HoldKeeper } from '../../src/core/holds/hold-keeper.js';
import { HoldOperations } from '../../src/core/holds/hold-operations.js';
import { VersionHistory } from '../../src/core/versions/version-history.js';
import { MemoryShelf, MemorySnapshots } from '../../src/storage/memory/memory-snapshots.js';
import { CutOff } from '../fakes/cut-off-place.js';
import { LogSink } from '../fakes/log-sink.js';
import { ManualClock, settle } from '../fakes/manual-clock.js';
import { SharedPlace, type SharedPlaceReplica } from '../fakes/shared-place.js';
import { ID_LISTS, SPEC_V2 } from '../../src/protocols/statsig/resource-kinds.js';

export const INTERVAL_MS = 10_000;
export const LEASE_TTL_MS = 70_000;
export const KEY: PayloadKey = { sdkKey: 'secret-fleet-key-0123456789', kind: SPEC_V2, format: 'json' };
const STEP_MS = 100;

export interface Poll {
  readonly replica: string;
  readonly atMs: number;
  readonly key: PayloadKey;
}

export interface Replica {
  readonly name: string;
  readonly rooms: Core;
  readonly link: SharedPlaceReplica;
  readonly operations: HoldOperations;
  readonly keeper: HoldKeeper;
  readonly history: VersionHistory;
  /** The version held of KEY. */
  version(key?: PayloadKey): number | undefined;
  ask(key?: PayloadKey): Promise<void>;
  /** Asks, and needs the newest from then on, as a client that streams does. */
  follow(key?: PayloadKey): Promise<void>;
  /** As by SIGKILL. */
  kill(): void;
  /** As by SIGTERM. */
  stop(): Promise<void>;
}

/** What becomes of one replica's question, where it is not the origin's ordinary answer. */
export type Trouble = (key: PayloadKey) => FetchOutcome | undefined;

export class FleetScene {
  readonly clock = new ManualClock();
  readonly place = new SharedPlace(this.clock, LEASE_TTL_MS);
  /** Versions and holds, which all replicas share. */
  readonly kept = new MemoryShelf();
  readonly polls: Poll[] = [];
  readonly replicas: Replica[] = [];
  /** By the names of replicas. */
  readonly troubles = new Map<string, Trouble>();
  /** How long the origin takes to answer a replica. */
  readonly latenciesMs = new Map<string, number>();
  readonly logs = new Map<string, LogSink>();
  readonly #args: readonly string[];
  /** What the origin has; undefined where it answers nobody. */
  version: number | undefined = 1;

  /** `args`: options of every replica. */
  constructor(args: readonly string[] = []) {
    this.#args = args;
  }

  start(name: string): Replica {
    const link = this.place.join(name, INTERVAL_MS);
    const typed = readCommandLine(
      ['http', 'disabled', '-p', String(INTERVAL_MS / 1000), '--instance-name', name, ...this.#args],
      '0',
    );
    if (typed.kind !== 'run') throw new Error('not a daemon');
    const around = {
      env: {},
      hostName: name,
      nowMs: 0,
      fallbackDataDir: '/nonexistent',
      readFile: () => '',
      folderFault: () => undefined,
    };
    const loaded = loadConfig(typed.line, around);
    if (loaded.kind === 'faults') throw new Error(loaded.faults.join());
    const sink = new LogSink();
    this.logs.set(name, sink);
    const log = createLogger(sink, { level: 'info', instanceName: name, version: '0' });
    const limits = { openFilesMax: Infinity, memoryBytesMax: Infinity };
    const world = { clock: this.clock, log, version: '0', user: undefined, ...limits };
    const kept = new CutOff(new MemorySnapshots(this.clock, Infinity, this.kept), link);
    const history = new VersionHistory(this.clock, log, [{ name: 'redis', snapshots: kept }], {
      versionsMax: 10,
      bytesMax: Infinity,
      keeps: () => true,
      instanceName: name,
    });
    const sources = {
      history,
      origin: this.#originOf(name),
      places: [{ name: 'redis', snapshots: link } as const],
      link,
      push: undefined,
      feeds: undefined,
    };
    const rooms = buildCore(loaded.config, world, noProxyEvents, sources);
    rooms.store.subscribe(history);
    const { holds, enforcer, store } = rooms;
    const shared = { snapshots: kept, isShared: true };
    const keeper = new HoldKeeper(this.clock, log, holds, [shared], enforcer);
    const operations = new HoldOperations(this.clock, log, { holds, keeper, store, history });
    enforcer.subscribe(operations);
    void keeper.look();
    keeper.start();
    rooms.fleet?.start();
    const replica: Replica = {
      name,
      rooms,
      link,
      operations,
      keeper,
      history,
      version: (key = KEY) => rooms.store.peek(key)?.payload.version,
      ask: async (key = KEY) => {
        await rooms.reader.read(key);
      },
      follow: async (key = KEY) => {
        rooms.feed.subscribe(key, { updated: () => undefined, removed: () => undefined });
        await rooms.reader.read(key);
      },
      kill: () => {
        rooms.poller.stop();
        keeper.stop();
        link.vanish();
        this.#leave(replica);
      },
      stop: async () => {
        rooms.poller.stop();
        keeper.stop();
        await rooms.fleet?.stop();
        this.#leave(replica);
      },
    };
    this.replicas.push(replica);
    return replica;
  }

  /** Three replicas whose clients need KEY, well past their start. */
  static async running(names = ['a', 'b', 'c'], args: readonly string[] = []): Promise<FleetScene> {
    const scene = new FleetScene(args);
    for (const name of names) {
      await scene.start(name).follow();
      await scene.run(700);
    }
    await scene.run(5 * INTERVAL_MS);
    return scene;
  }

  get leaders(): readonly Replica[] {
    return this.replicas.filter(({ link }) => link.isLeader);
  }

  get leader(): Replica {
    const [leader] = this.leaders;
    if (leader === undefined) throw new Error('nobody leads');
    return leader;
  }

  get followers(): readonly Replica[] {
    return this.replicas.filter(({ link }) => !link.isLeader);
  }

  get versions(): readonly (number | undefined)[] {
    return this.replicas.map((replica) => replica.version());
  }

  pollsSince(atMs: number): readonly Poll[] {
    return this.polls.filter((poll) => poll.atMs >= atMs);
  }

  async run(durationMs: number): Promise<void> {
    await this.clock.advanceInSteps(durationMs, STEP_MS);
    // What the last step began.
    for (let turn = 0; turn < 5; turn += 1) await settle();
  }

  #originOf(replica: string): Origin {
    return {
      fetch: async (key, sinceTime): Promise<FetchOutcome> => {
        this.polls.push({ replica, atMs: this.clock.monotonicMs(), key });
        await settle();
        const latencyMs = this.latenciesMs.get(replica) ?? 0;
        if (latencyMs > 0) await new Promise<void>((resolve) => this.clock.schedule(latencyMs, resolve));
        const trouble = this.troubles.get(replica)?.(key);
        if (trouble !== undefined) return trouble;
        const { version } = this;
        if (version !== undefined && key.kind === ID_LISTS) {
          return this.#manifestOf(version, sinceTime);
        }
        if (version === undefined) return failed('connection_refused', 'ECONNREFUSED');
        return sinceTime >= version
          ? { kind: 'unchanged' }
          : { kind: 'updated', payload: payloadOf(version) };
      },
      close: () => Promise.resolve(),
    };
  }

  /** Whole, and as if it were new, as its origin sends it: only its bytes tell whether it is. */
  #manifestOf(version: number, sinceTime: number): FetchOutcome {
    const bytes = Buffer.from(`{"list":{"url":"https://origin.example/list","size":${version}}}`);
    const payload = payloadOf(Math.max(this.clock.nowMs(), sinceTime + 1), bytes, version);
    return { kind: 'updated', payload };
  }

  #leave(replica: Replica): void {
    this.replicas.splice(this.replicas.indexOf(replica), 1);
  }
}

function payloadOf(
  version: number,
  bytes = Buffer.from(`{"has_updates":true,"time":${version}}`),
  content = version,
): Payload {
  return {
    format: 'json',
    version,
    originForm: { encoding: 'identity', bytes, etag: `"${content}"` },
    identityBytes: bytes.length,
  };
}
