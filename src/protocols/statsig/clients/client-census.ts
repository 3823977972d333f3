// Which SDK instances ask for each spec, and which version each of them holds: a bounded table, kept by polls and streams.
import { ownCopy } from '../../../domain/own-copy.js';
import type { HeldPayload, StoreListener } from '../../../core/payload-store.js';
import type { Clock } from '../../../domain/clock.js';
import { FairPlaces } from '../../../domain/fair-places.js';
import type { PayloadKey } from '../../../domain/payload-key.js';
import type { Gauge } from '../../../observability/gauges.js';
import type { ProxyEvents } from '../../../observability/proxy-events.js';
import { ClientSdks, type ClientSdk } from './client-sdks.js';
import type { Instance, SpecClients } from './spec-clients.js';
import { timesOfUpdate } from './update-times.js';

/** Names the SDK instance. */
export const SESSION_HEADER = 'statsig-server-session-id';
/** Some 400 bytes each. */
export const INSTANCES_MAX = 20_000;
/** What has not asked for so long is gone: SDKs poll every 10 s unless they are told otherwise. */
export const GONE_AFTER_S = 180;
/** Between sweeps. */
export const SWEEP_EVERY_S = 10;
const SWEEPS_PER_MINUTE = 60 / SWEEP_EVERY_S;
/** Of each spec, as a line to look at. */
const PAST_UPDATES_MAX = 15;
/** SDKs send 36. */
const SESSION_CHARACTERS_MAX = 64;
const MS_PER_S = 1000;

/** A stream in the table. */
export interface ListeningClient {
  /** It took this version whole. */
  took(version: number): void;
  left(): void;
}

export class ClientCensus implements StoreListener {
  readonly #clock: Clock;
  readonly #events: ProxyEvents;
  readonly #specs = new Map<string, SpecClients[]>();
  readonly #places: FairPlaces<Instance>;
  readonly #sdks = new ClientSdks();
  /** Instances that found no place, or had to give it to one of another key. */
  #reached = 0;
  /** Polls that named no session: whose they are, nobody can tell. */
  unnamedPolls = 0;

  constructor(clock: Clock, events: ProxyEvents, instancesMax = INSTANCES_MAX) {
    this.#clock = clock;
    this.#events = events;
    this.#places = new FairPlaces(instancesMax);
  }

  updated({ key, payload }: HeldPayload): void {
    if (key.kind.versions !== 'stated') return;
    const spec = this.#find(key) ?? this.#add(key);
    if (spec.version !== 0)
      spec.pastUpdates = [...spec.pastUpdates, timesOfUpdate(spec)].slice(-PAST_UPDATES_MAX);
    spec.version = payload.version;
    spec.heldSinceMs = this.#clock.monotonicMs();
  }

  removed(key: PayloadKey): void {
    const spec = this.#find(key);
    if (spec === undefined) return;
    for (const instance of spec.instances.values()) this.#remove(instance);
    const others = this.#specs.get(key.sdkKey)?.filter((other) => other !== spec) ?? [];
    if (others.length === 0) this.#specs.delete(key.sdkKey);
    else this.#specs.set(key.sdkKey, others);
  }

  /** `sinceTime`: the version that the client says to hold. `isUpdate`: the answer brings it to what is held, whole or as a delta. Makes nothing for a known instance. */
  polled(
    held: HeldPayload,
    sinceTime: number,
    isUpdate: boolean,
    session: unknown,
    sdkType: unknown,
    sdkVersion: unknown,
  ): void {
    const spec = this.#find(held.key);
    if (spec === undefined) return;
    spec.polls += 1;
    if (typeof session !== 'string' || session === '' || session.length > SESSION_CHARACTERS_MAX) {
      this.unnamedPolls += 1;
      return;
    }
    const instance = spec.instances.get(session) ?? this.#enter(spec, session, sdkType, sdkVersion);
    if (instance === undefined) return;
    instance.seenAtS = Math.floor(held.askedAtMs / MS_PER_S);
    if (instance.holds !== sinceTime) instance.holds = sinceTime;
    const { version } = held.payload;
    if (instance.has === version) return;
    // An instance that says to hold it had it from another replica, at a time unknown here.
    if (isUpdate) this.#gets(instance, version);
    else if (sinceTime === version) this.#has(instance, version);
  }

  /** A poll by a call that can name no session. */
  polledUnnamed(key: PayloadKey): void {
    this.unnamedPolls += 1;
    const spec = this.#find(key);
    if (spec !== undefined) spec.polls += 1;
  }

  /** A stream is open. Streams name no SDK: `userAgent` is that of its gRPC library, `tonic/0.12.3`. */
  listens(key: PayloadKey, sinceTime: number, userAgent: string | undefined): ListeningClient {
    const spec = this.#find(key);
    const [type, version] = userAgent?.split(' ', 1)[0]?.split('/', 2) ?? [];
    const instance = spec && this.#take(spec, undefined, this.#sdks.of(type, version, key.sdkKey));
    if (instance === undefined) return NOT_COUNTED;
    instance.holds = sinceTime;
    if (sinceTime === spec?.version) this.#has(instance, sinceTime);
    return {
      took: (taken) => {
        this.#gets(instance, taken);
        instance.holds = taken;
      },
      left: () => {
        this.#remove(instance);
      },
    };
  }

  /** Takes out what has not asked for long; to be called every `SWEEP_EVERY_S`. */
  sweep(): void {
    for (const { polls, pollsBefore } of this.specs) {
      pollsBefore.push(polls);
      // The first one is what there was a minute ago.
      if (pollsBefore.length > SWEEPS_PER_MINUTE + 1) pollsBefore.shift();
    }
    const goneS = this.#clock.monotonicMs() / MS_PER_S - GONE_AFTER_S;
    for (const instance of this.#places.guests) if (instance.seenAtS < goneS) this.#remove(instance);
  }

  /** Undefined where nothing of the kind is held. */
  of(key: PayloadKey): SpecClients | undefined {
    return this.#find(key);
  }

  get specs(): readonly SpecClients[] {
    return [...this.#specs.values()].flat();
  }

  get gauge(): Gauge {
    return { entries: this.#places.size, entriesMax: this.#places.max, reached: this.#reached };
  }

  #find({ sdkKey, kind, format }: PayloadKey): SpecClients | undefined {
    const specs = this.#specs.get(sdkKey);
    // One to four: no closure for them.
    if (specs !== undefined)
      for (const spec of specs) if (spec.key.kind === kind && spec.key.format === format) return spec;
    return undefined;
  }

  #add(key: PayloadKey): SpecClients {
    const pollsBefore = new Array<number>(SWEEPS_PER_MINUTE).fill(0);
    const counts = { polls: 0, pollsBefore, pastUpdates: [] };
    const spec: SpecClients = { key, version: 0, heldSinceMs: 0, ...counts, instances: new Map() };
    this.#specs.set(key.sdkKey, [...(this.#specs.get(key.sdkKey) ?? []), spec]);
    return spec;
  }

  #enter(spec: SpecClients, session: string, type: unknown, version: unknown): Instance | undefined {
    return this.#take(spec, ownCopy(session), this.#sdks.of(type, version, spec.key.sdkKey));
  }

  #take(spec: SpecClients, session: string | undefined, sdk: ClientSdk): Instance | undefined {
    const { sdkKey } = spec.key;
    if (this.#places.isFull) {
      this.#reached += 1;
      const giver = this.#places.giverTo(sdkKey);
      if (giver === undefined) return undefined;
      this.#remove(giver);
    }
    const nowMs = this.#clock.monotonicMs();
    const times = { firstSeenMs: nowMs, seenAtS: Infinity, hasSinceMs: nowMs };
    const instance: Instance = { spec, sdk, session, ...times, holds: 0, has: 0 };
    spec.instances.set(session ?? instance, instance);
    this.#places.add(instance, sdkKey);
    return instance;
  }

  #remove(instance: Instance): void {
    if (!this.#places.remove(instance)) return;
    instance.spec.instances.delete(instance.session ?? instance);
  }

  /** It is sent this version now: an update, if it was here with another one before that was held. */
  #gets(instance: Instance, version: number): void {
    if (instance.has === version) return;
    this.#has(instance, version);
    const { spec, firstSeenMs, holds } = instance;
    if (holds === 0 || firstSeenMs > spec.heldSinceMs || version !== spec.version) return;
    const latencyMs = instance.hasSinceMs - spec.heldSinceMs;
    this.#events.record('ClientGotUpdate', { api: spec.key.kind.name, latencyMs });
  }

  #has(instance: Instance, version: number): void {
    instance.has = version;
    instance.hasSinceMs = this.#clock.monotonicMs();
  }
}

/** The stream of a client that found no place in the table. */
const NOT_COUNTED: ListeningClient = { took: () => undefined, left: () => undefined };
