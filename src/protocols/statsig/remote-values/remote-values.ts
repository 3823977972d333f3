// Remote values beside the specs that name them: there before such a spec is served, and kept for as long as it is held.
import type { Backups } from '../../../core/backups.js';
import { logFields } from '../../../core/payload-words.js';
import type { HeldPayload, PayloadStore, StoreListener } from '../../../core/payload-store.js';
import type { Asker, Reader, Reading } from '../../../core/reader.js';
import type { Cancel, Clock } from '../../../domain/clock.js';
import { atMost } from '../../../domain/deadline.js';
import type { PayloadKey } from '../../../domain/payload-key.js';
import type { NamedValue } from '../../../domain/named-value.js';
import type { Payload } from '../../../domain/payload.js';
import { eventFields } from '../../../observability/event-fields.js';
import { inBackground } from '../../../observability/in-background.js';
import type { Logger } from '../../../observability/logger.js';
import type { ProxyEvents } from '../../../observability/proxy-events.js';
import { NAMED_VALUES_MAX } from '../spec-body/value-names.js';
import type { Namings } from './naming.js';
import { VALUE_BYTES_MAX, valueKey } from './value-kind.js';

/** A new version of a spec waits no longer for its values. */
const ARRIVAL_MS_MAX = 10_000;
/** Nor one that is restored for a client that waits: a restart must not wait for an origin that hangs. */
const RESTORED_ARRIVAL_MS_MAX = 2_000;
/** Between two tries for a value that did not come, at least. */
const TRY_AGAIN_MS = 1_000;
/** Between two looks at values that are named and missing. */
const LOOK_EVERY_MS = 10_000;
const SHOWN_CHARACTERS = 8;

/** Why a value that a spec names is not there, where its fetch did not fail. */
export type NamedValueReason =
  /** It has another length than the spec says, so that SDKs refuse it. */
  | 'length_differs'
  /** Larger than SDKs take. */
  | 'too_large'
  /** Beyond the values of one spec that are fetched before it is served. */
  | 'too_many';

/** The store, the reader and the backups of values: as those of specs, and apart from them. */
export interface ValueRooms {
  readonly store: PayloadStore;
  readonly reader: Reader;
  readonly backups: Backups;
}

export interface RemoteValuesOptions {
  /** Of all values that are held. */
  readonly bytesMax: number;
  /** Between two confirmations of a named value in the places that outlive the process. */
  readonly confirmEveryMs: number;
}

export class RemoteValues implements StoreListener {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #events: ProxyEvents;
  readonly #namings: Namings;
  readonly #rooms: ValueRooms;
  readonly #options: RemoteValuesOptions;
  /** Named, and not there when their specs were served. */
  readonly #missing = new Set<string>();
  readonly #stopped: Promise<void>;
  #stop: () => void = () => undefined;
  #isStopped = false;
  #cancelLook: Cancel = () => undefined;
  #confirmAtMs = 0;
  #missingSinceMs = 0;

  constructor(
    clock: Clock,
    { log, events }: { readonly log: Logger; readonly events: ProxyEvents },
    namings: Namings,
    rooms: ValueRooms,
    options: RemoteValuesOptions,
  ) {
    this.#clock = clock;
    this.#log = log;
    this.#events = events;
    this.#namings = namings;
    this.#rooms = rooms;
    this.#options = options;
    this.#stopped = new Promise((resolve) => {
      this.#stop = resolve;
    });
  }

  start(): void {
    this.#cancelLook = this.#clock.schedule(LOOK_EVERY_MS, () => {
      this.#look();
      this.start();
    });
  }

  /** Ends all waiting for values. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelLook();
    this.#stop();
  }

  /** `sha256`: 64 digits in lower case. */
  read(sha256: string, asker?: Asker): Reading | Promise<Reading> {
    return this.#rooms.reader.read(valueKey(sha256), asker);
  }

  /** A form of a value was made: others may have to make room. */
  grew(): void {
    this.#rooms.store.fitBytes();
  }

  /** What is held of it; counts as no use. */
  peek(sha256: string): HeldPayload | undefined {
    return this.#rooms.store.peek(valueKey(sha256));
  }

  /**
   * Resolves when all values that the payload names are held, or its time is over. A client that waits for what is
   * restored waits less, and for one try. Never rejects.
   */
  async arrive(key: PayloadKey, payload: Payload, isRestored = false): Promise<void> {
    const { namedValues = [] } = payload;
    if (namedValues.length === 0 || this.#hasStopped()) return;
    const startMs = this.#clock.monotonicMs();
    const maxMs = isRestored ? RESTORED_ARRIVAL_MS_MAX : ARRIVAL_MS_MAX;
    const wanted = this.#fetchable(namedValues);
    const reasons = new Map<string, string>();
    const forget = this.#namings.arriving(key, wanted);
    this.#pin();
    const untilMs = isRestored ? startMs : startMs + maxMs;
    const fetching = Promise.all(wanted.map(({ sha256 }) => this.#fetch(sha256, untilMs, reasons)));
    await atMost(this.#clock, maxMs, Promise.race([this.#stopped, fetching.then(() => undefined)]));
    forget();
    if (!this.#hasStopped()) this.#told(key, payload.version, namedValues, reasons, startMs);
  }

  updated(held: HeldPayload): void {
    if (this.#namings.updated(held)) this.#pin();
  }

  removed(key: PayloadKey): void {
    if (this.#namings.removed(key)) this.#pin();
  }

  /** Values that specs name and that could not be had, and for how long there have been any; undefined where there is none. */
  get missing(): { readonly values: number; readonly forMs: number } | undefined {
    const { size: values } = this.#missing;
    return values === 0 ? undefined : { values, forMs: this.#clock.monotonicMs() - this.#missingSinceMs };
  }

  get bytesMax(): number {
    return this.#options.bytesMax;
  }

  /** For the status page. */
  describe(): object {
    const { store } = this.#rooms;
    return {
      held: store.sdkKeys,
      bytes: store.bytes,
      bytesMax: this.#options.bytesMax,
      named: this.#namings.sha256s.size,
      missing: this.#missing.size,
    };
  }

  /** Not what SDKs refuse, nor more than there is room for: it would push out what came before it. */
  #fetchable(values: readonly NamedValue[]): readonly NamedValue[] {
    let leftBytes = this.#options.bytesMax;
    return values.slice(0, NAMED_VALUES_MAX).filter(({ byteLength }) => {
      if (byteLength > VALUE_BYTES_MAX || byteLength > leftBytes) return false;
      leftBytes -= byteLength;
      return true;
    });
  }

  /** Tries until the value is held, at least once. */
  async #fetch(sha256: string, untilMs: number, reasons: Map<string, string>): Promise<void> {
    for (;;) {
      const reading = await this.read(sha256);
      if (reading.kind === 'held') return;
      const { detail, cause, retryAfterMs } =
        reading.kind === 'unavailable' ? reading : { detail: '', cause: reading.kind, retryAfterMs: 0 };
      reasons.set(sha256, detail === '' ? cause : detail);
      const leftMs = untilMs - this.#clock.monotonicMs();
      if (leftMs <= 0 || this.#hasStopped()) return;
      await atMost(this.#clock, Math.min(leftMs, Math.max(retryAfterMs, TRY_AGAIN_MS)), this.#stopped);
    }
  }

  #told(
    key: PayloadKey,
    specVersion: number,
    values: readonly NamedValue[],
    reasons: ReadonlyMap<string, string>,
    startMs: number,
  ): void {
    const missing = values.filter(({ sha256, byteLength }) => this.#lengthOf(sha256) !== byteLength);
    const [first] = missing;
    const outcome = first === undefined ? 'complete' : 'incomplete';
    const latencyMs = this.#clock.monotonicMs() - startMs;
    this.#events.record('RemoteValuesAwaited', { ...eventFields(key), outcome, latencyMs });
    if (first === undefined) return;
    if (this.#missing.size === 0) this.#missingSinceMs = this.#clock.monotonicMs();
    for (const { sha256 } of missing) if (reasons.has(sha256)) this.#missing.add(sha256);
    const counts = { values: values.length, missing: missing.length };
    const example = { value: first.sha256.slice(0, SHOWN_CHARACTERS), reason: this.#reason(first, reasons) };
    this.#log.warn({ ...logFields(key), specVersion, ...counts, ...example }, INCOMPLETE);
  }

  #reason(
    { sha256, byteLength }: NamedValue,
    reasons: ReadonlyMap<string, string>,
  ): NamedValueReason | (string & {}) {
    if (this.#lengthOf(sha256) !== undefined) return 'length_differs';
    return reasons.get(sha256) ?? (byteLength > VALUE_BYTES_MAX ? 'too_large' : 'too_many');
  }

  #lengthOf(sha256: string): number | undefined {
    return this.peek(sha256)?.payload.identityBytes;
  }

  /** Asked anew after each wait. */
  #hasStopped(): boolean {
    return this.#isStopped;
  }

  /** Named values are for known clients, and leave last. */
  #pin(): void {
    this.#rooms.store.pin(this.#namings.sha256s);
  }

  /** Named values that are held count as used; those that are missing are tried again, before SDKs ask for them. */
  #look(): void {
    const { store, backups } = this.#rooms;
    const named = this.#namings.sha256s;
    const isConfirming = this.#clock.monotonicMs() >= this.#confirmAtMs;
    if (isConfirming) this.#confirmAtMs = this.#clock.monotonicMs() + this.#options.confirmEveryMs;
    for (const sha256 of isConfirming ? named : []) {
      const key = valueKey(sha256);
      if (store.read(key) !== undefined) backups.fetched(key, { kind: 'unchanged' }, 'confirmed');
    }
    const before = this.#missing.size;
    for (const sha256 of this.#missing) {
      if (!named.has(sha256) || this.peek(sha256) !== undefined) this.#missing.delete(sha256);
      else inBackground(Promise.resolve(this.read(sha256)), this.#log);
    }
    if (before > 0 && this.#missing.size === 0) {
      this.#log.info('all remote values that specs name are there');
    }
  }
}

const INCOMPLETE =
  'spec is served without all remote values that it names: SDKs that read them keep their last spec';
