// Bounds a server's client connections: a new one is always let in, and where there are too many, one that matters least is closed for it.
import type { Gauge } from '../../observability/gauges.js';

/**
 * The part of all connections that may be protected, and so cannot be closed to make room. The others are what a new
 * client, or a probe, can always have: however many answers are being read slowly, and however many clients are known.
 */
const PROTECTED_PART = 3 / 4;

export interface ConnectionLimitOptions {
  /** As /status names it. */
  readonly server: 'http' | 'grpc' | 'admin';
  readonly connectionsMax: number;
}

/** What a server tells about one of its connections. */
export interface ConnectionPlace {
  /**
   * A request for something that only a client with a known key gets was answered: from now on others give way first. An
   * answer that takes no time, and so has neither `begin` nor `end`, counts as activity by this alone.
   */
  prove(): void;
  /** An answer or a stream has begun; each `begin` has its `end`. */
  begin(): void;
  end(): void;
  /** The connection is closed; to be called once. */
  leave(): void;
}

/**
 * Ports are open to strangers, so a connection counts for little until it has proven something. Whoever gives way is the
 * one that has done nothing for longest, among those not proven yet, or, where these are few, among the proven idle.
 */
export class ConnectionLimit {
  readonly #options: ConnectionLimitOptions;
  /** Each in the order of the last activity: the first gives way first. */
  readonly #groups: Groups = { unproven: new Set(), idle: new Set(), busy: new Set() };
  readonly #busyMax: number;
  readonly #unprovenMin: number;
  #closed = 0;

  constructor(options: ConnectionLimitOptions) {
    this.#options = options;
    this.#busyMax = Math.floor(options.connectionsMax * PROTECTED_PART);
    this.#unprovenMin = options.connectionsMax - this.#busyMax;
  }

  get server(): ConnectionLimitOptions['server'] {
    return this.#options.server;
  }

  get gauge(): Gauge {
    const { unproven, idle, busy } = this.#groups;
    const entries = unproven.size + idle.size + busy.size;
    return { entries, entriesMax: this.#options.connectionsMax, reached: this.#closed };
  }

  /** `close` has to close the connection before it returns, for good; `leave` may follow at once or later. */
  open(close: () => void): ConnectionPlace {
    if (this.gauge.entries >= this.#options.connectionsMax) this.#makeRoom();
    return new Place(this.#groups, this.#busyMax, close);
  }

  #makeRoom(): void {
    const { unproven, idle } = this.#groups;
    const [first] = unproven.size >= this.#unprovenMin || idle.size === 0 ? unproven : idle;
    // There is always one: those that are busy are never all.
    if (first === undefined) return;
    first.leave();
    this.#closed += 1;
    first.close();
  }
}

interface Groups {
  /** Whatever they do. */
  readonly unproven: Set<Place>;
  readonly idle: Set<Place>;
  /** Never closed to make room. */
  readonly busy: Set<Place>;
}

class Place implements ConnectionPlace {
  readonly close: () => void;
  readonly #groups: Groups;
  readonly #busyMax: number;
  /** Undefined once it has left. */
  #group: Set<Place> | undefined;
  #isProven = false;
  #underWay = 0;

  constructor(groups: Groups, busyMax: number, close: () => void) {
    this.close = close;
    this.#groups = groups;
    this.#busyMax = busyMax;
    this.#group = groups.unproven;
    this.#group.add(this);
  }

  prove(): void {
    this.#isProven = true;
    this.#regroup();
  }

  begin(): void {
    this.#underWay += 1;
    this.#regroup();
  }

  end(): void {
    this.#underWay -= 1;
    this.#regroup();
  }

  leave(): void {
    this.#group?.delete(this);
    this.#group = undefined;
  }

  #regroup(): void {
    if (this.#group === undefined) return;
    this.#group.delete(this);
    this.#group = this.#fitting();
    this.#group.add(this);
  }

  #fitting(): Set<Place> {
    const { unproven, idle, busy } = this.#groups;
    if (!this.#isProven) return unproven;
    return this.#underWay > 0 && busy.size < this.#busyMax ? busy : idle;
  }
}
