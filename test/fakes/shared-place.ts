// What a fleet shares, without Redis: entries, a lease and messages by a hand-turned clock, for any number of replicas.
import type { Clock } from '../../src/domain/clock.js';
import { payloadId, type PayloadKey } from '../../src/domain/payload-key.js';
import type { Payload } from '../../src/domain/payload.js';
import { isNewer } from '../../src/domain/version.js';
import type { EntryState, FleetLink, FleetListener } from '../../src/storage/fleet-link.js';
import type { Confirming, Failing, Snapshots, Storing } from '../../src/storage/snapshots.js';

interface Entry {
  payload: Payload;
  confirmedAtMs: number;
  confirmedBy: string;
}

const UNREACHABLE: Failing = { kind: 'failed', reason: 'connection_refused' };
const RENEWALS_PER_TTL = 3;

/** The rules are those of the real scripts: only what is newer is written, the lease is one replica's. */
export class SharedPlace {
  readonly clock: Clock;
  readonly leaseTtlMs: number;
  readonly entries = new Map<string, Entry>();
  readonly replicas: SharedPlaceReplica[] = [];
  /** Asked for each message and replica: false loses it. */
  delivers: () => boolean = () => true;
  lease: { holder: string; untilMs: number } | undefined;

  constructor(clock: Clock, leaseTtlMs: number) {
    this.clock = clock;
    this.leaseTtlMs = leaseTtlMs;
  }

  /** As after a restart of Redis. */
  flush(): void {
    this.entries.clear();
    this.lease = undefined;
  }

  join(name: string, attemptIntervalMs: number): SharedPlaceReplica {
    const replica = new SharedPlaceReplica(this, name, attemptIntervalMs);
    this.replicas.push(replica);
    return replica;
  }

  tell(from: SharedPlaceReplica, tell: (listener: FleetListener, replica: SharedPlaceReplica) => void): void {
    for (const replica of this.replicas) {
      const { listener } = replica;
      if (replica === from || listener === undefined || !replica.isReachable || !this.delivers()) continue;
      tell(listener, replica);
    }
  }

  /** The version stored of each payload, by its id. */
  get versions(): ReadonlyMap<string, number> {
    return new Map([...this.entries].map(([id, { payload }]) => [id, payload.version]));
  }
}

export class SharedPlaceReplica implements Snapshots, FleetLink {
  readonly name: string;
  readonly #place: SharedPlace;
  readonly #attemptIntervalMs: number;
  listener: FleetListener | undefined;
  /** The half that works, where the other does not. */
  half: 'reads' | 'writes' | undefined;
  #isReachable = true;
  #hasLeft = false;
  #leaderUntilMs = -Infinity;

  constructor(place: SharedPlace, name: string, attemptIntervalMs: number) {
    this.#place = place;
    this.name = name;
    this.#attemptIntervalMs = attemptIntervalMs;
  }

  get isReachable(): boolean {
    return this.#isReachable && !this.#hasLeft;
  }

  set isReachable(isReachable: boolean) {
    const wasReachable = this.#isReachable;
    this.#isReachable = isReachable;
    if (!isReachable || wasReachable) return;
    this.#attempt();
    this.listener?.reachable();
  }

  get isLeader(): boolean {
    return this.#place.clock.monotonicMs() < this.#leaderUntilMs;
  }

  get leader(): string | undefined {
    return this.#place.lease?.holder;
  }

  entryName(key: PayloadKey): string {
    return payloadId(key);
  }

  async states(keys: readonly PayloadKey[]): Promise<readonly (EntryState | undefined)[] | undefined> {
    if (!this.isReachable || this.half === 'writes') return undefined;
    return keys.map((key) => {
      const entry = this.#place.entries.get(payloadId(key));
      if (entry === undefined) return undefined;
      return {
        version: entry.payload.version,
        confirmedAgoMs: this.#place.clock.monotonicMs() - entry.confirmedAtMs,
        isConfirmedByUs: entry.confirmedBy === this.name,
      };
    });
  }

  join(listener: FleetListener): void {
    this.listener = listener;
    const attempt = (): void => {
      if (this.#hasLeft) return;
      this.#attempt();
      const { clock, leaseTtlMs } = this.#place;
      clock.schedule(this.isLeader ? leaseTtlMs / RENEWALS_PER_TTL : this.#attemptIntervalMs, attempt);
    };
    attempt();
  }

  async leave(): Promise<void> {
    const isHeld = this.isLeader && this.#place.lease?.holder === this.name;
    this.#leaderUntilMs = -Infinity;
    if (isHeld && this.isReachable) {
      this.#place.lease = undefined;
      this.#place.tell(this, (_listener, replica) => {
        replica.#attempt();
      });
    }
    this.#hasLeft = true;
  }

  /** As by SIGKILL: it does nothing any more, and gives nothing back. */
  vanish(): void {
    this.#hasLeft = true;
    this.listener = undefined;
  }

  async load(key: PayloadKey): ReturnType<Snapshots['load']> {
    if (!this.isReachable || this.half === 'writes') return UNREACHABLE;
    const entry = this.#place.entries.get(payloadId(key));
    if (entry === undefined) return { kind: 'missing' };
    const confirmedAgoMs = this.#place.clock.monotonicMs() - entry.confirmedAtMs;
    return { kind: 'found', snapshot: { payload: entry.payload, confirmedAgoMs } };
  }

  async save(key: PayloadKey, payload: Payload, confirmedAgoMs = 0): Promise<Storing> {
    if (!this.#takesWrites) return UNREACHABLE;
    const stored = this.#place.entries.get(payloadId(key));
    if (stored !== undefined && isNewer(stored.payload.version, payload.version, this.#place.clock.nowMs()))
      return this.#newer(stored);
    const confirmedAtMs = this.#place.clock.monotonicMs() - confirmedAgoMs;
    if (stored?.payload.version === payload.version && stored.confirmedAtMs >= confirmedAtMs)
      return { kind: 'stored' };
    this.#place.entries.set(payloadId(key), { payload, confirmedAtMs, confirmedBy: this.name });
    if (stored?.payload.version === payload.version) return { kind: 'stored' };
    this.#place.tell(this, (listener) => {
      listener.stored(payloadId(key), payload.version);
    });
    return { kind: 'stored' };
  }

  async confirm(key: PayloadKey, version: number): Promise<Confirming> {
    if (!this.#takesWrites) return UNREACHABLE;
    const stored = this.#place.entries.get(payloadId(key));
    if (stored === undefined) return { kind: 'behind' };
    if (isNewer(stored.payload.version, version, this.#place.clock.nowMs())) return this.#newer(stored);
    if (stored.payload.version !== version) return { kind: 'behind' };
    const nowMs = this.#place.clock.monotonicMs();
    const othersAgoMs = stored.confirmedBy === this.name ? undefined : nowMs - stored.confirmedAtMs;
    stored.confirmedAtMs = nowMs;
    stored.confirmedBy = this.name;
    return othersAgoMs === undefined ? { kind: 'stored' } : { kind: 'stored', othersAgoMs };
  }

  async remove(key: PayloadKey): ReturnType<Snapshots['remove']> {
    if (!this.#takesWrites) return UNREACHABLE;
    return { kind: this.#place.entries.delete(payloadId(key)) ? 'removed' : 'missing' };
  }

  async close(): Promise<void> {
    this.#hasLeft = true;
  }

  get #takesWrites(): boolean {
    return this.isReachable && this.half !== 'reads';
  }

  #newer({ payload }: Entry): Storing {
    return { kind: 'newer', version: payload.version };
  }

  #attempt(): void {
    if (!this.#takesWrites) return;
    const { clock, leaseTtlMs } = this.#place;
    const nowMs = clock.monotonicMs();
    const { lease } = this.#place;
    if (lease !== undefined && lease.untilMs > nowMs && lease.holder !== this.name) {
      this.#leaderUntilMs = -Infinity;
      return;
    }
    const wasLeader = this.isLeader;
    this.#place.lease = { holder: this.name, untilMs: nowMs + leaseTtlMs };
    this.#leaderUntilMs = nowMs + leaseTtlMs;
    if (!wasLeader) this.listener?.lead();
  }
}
