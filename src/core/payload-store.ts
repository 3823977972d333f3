// The newest payload of every payload key: versions never go back, and the number of SDK keys is bounded.
import type { ConcurrencyLimit } from '../domain/concurrency-limit.js';
import type { Clock } from '../domain/clock.js';
import { Listeners } from '../domain/listeners.js';
import type { PayloadKey } from '../domain/payload-key.js';
import type { Payload } from '../domain/payload.js';
import { isNewer } from '../domain/version.js';
import type { Holds } from './holds/holds.js';
import { BodyForms } from '../bodies/body-forms.js';
import { bytesOf, type Arrival, type HeldPayload } from './held-payload.js';

export { ageMs, type Arrival, type HeldPayload, type PayloadSource } from './held-payload.js';

/** Told of every payload key that comes or goes, and of every version, as far as it wants to know. */
export interface StoreListener {
  added?(key: PayloadKey): void;
  /** A newer version is held, the first one included, which replaces nothing. */
  updated?(held: HeldPayload, replaced: HeldPayload | undefined): void;
  removed?(key: PayloadKey): void;
  /** A client asks for what was idle. */
  askedAgain?(held: HeldPayload): void;
}

/** What no client has asked for in this time is idle. */
const IDLE_AFTER_MS = 600_000;

export interface PayloadStoreOptions {
  readonly sdkKeysMax: number;
  /** Nothing of other keys is held. */
  readonly pinnedOnly?: boolean;
  /** Of all forms of all payloads; no limit where left out. */
  readonly bytesMax?: number;
  /** What the making of other encodings waits for; nothing where left out. */
  readonly beforeForms?: () => Promise<void>;
  /** What operators decided; nothing where left out. */
  readonly holds?: Holds;
}

interface KeyEntry {
  /** One for each kind and format that is held: a few. */
  readonly payloads: HeldPayload[];
  /** Grows with every reading of any key: the entry with the smallest was asked for longest ago. */
  lastAsked: number;
}

export class PayloadStore {
  readonly #clock: Clock;
  /** Of body forms that are made at one time. */
  readonly #limit: ConcurrencyLimit;
  readonly #listeners = new Listeners<StoreListener>();
  readonly #sdkKeysMax: number;
  readonly #pinnedOnly: boolean;
  readonly #bytesMax: number;
  readonly #beforeForms;
  readonly #holds: Holds | undefined;
  #evictionsForBytes = 0;
  readonly #entries = new Map<string, KeyEntry>();
  #pinned: ReadonlySet<string> = new Set();
  /** How many streams are open of each key. */
  readonly #streamed = new Map<string, number>();
  #readings = 0;

  constructor(clock: Clock, limit: ConcurrencyLimit, options: PayloadStoreOptions) {
    this.#clock = clock;
    this.#limit = limit;
    this.#sdkKeysMax = options.sdkKeysMax;
    this.#pinnedOnly = options.pinnedOnly ?? false;
    this.#bytesMax = options.bytesMax ?? Infinity;
    this.#beforeForms = options.beforeForms;
    this.#holds = options.holds;
  }

  subscribe(listener: StoreListener): void {
    this.#listeners.add(listener);
  }

  /** For a client: counts as having asked for the key. */
  read(key: PayloadKey): HeldPayload | undefined {
    const entry = this.#entries.get(key.sdkKey);
    if (entry === undefined) return undefined;
    this.#readings += 1;
    entry.lastAsked = this.#readings;
    const held = payloadOf(entry, key);
    if (held !== undefined) this.#ask(held);
    return held;
  }

  /** Whether the payload is held, and no client has asked for it lately. */
  isIdle(key: PayloadKey): boolean {
    const held = this.peek(key);
    return held !== undefined && this.#clock.monotonicMs() - held.askedAtMs > IDLE_AFTER_MS;
  }

  /** For ourselves: leaves no trace. */
  peek(key: PayloadKey): HeldPayload | undefined {
    return payloadOf(this.#entries.get(key.sdkKey), key);
  }

  holds(sdkKey: string): boolean {
    return this.#entries.has(sdkKey);
  }

  /** Keeps the payload if it is newer than what is held, no hold forbids it, and there is room; returns whether that changed anything. */
  apply(key: PayloadKey, payload: Payload, arrival: Arrival = {}): boolean {
    const { confirmedAgoMs = 0, relayedMs = 0, source = 'origin', from } = arrival;
    const before = this.peek(key);
    if (before !== undefined && !this.#replaces(key, payload.version, before.payload.version)) return false;
    const entry = this.#entryFor(key.sdkKey);
    if (entry === undefined) return false;
    const held: HeldPayload = {
      key,
      payload,
      forms: new BodyForms(payload, this.#limit, this.#beforeForms),
      confirmedAtMs: this.#clock.monotonicMs() - confirmedAgoMs,
      relayedMs,
      askedAtMs: before?.askedAtMs ?? this.#firstAskedAtMs(key.sdkKey),
      source,
      from,
    };
    if (before === undefined) entry.payloads.push(held);
    else entry.payloads[entry.payloads.indexOf(before)] = held;
    if (before === undefined) this.#listeners.tell((listener) => listener.added?.(key));
    this.#listeners.tell((listener) => listener.updated?.(held, before));
    this.fitBytes();
    return true;
  }

  /**
   * Lets the keys that were asked for longest ago leave until what is held is within its bytes; pinned ones go last. To be
   * called when a form was made, too.
   */
  fitBytes(): void {
    if (this.#bytesMax === Infinity) return;
    for (let bytes = this.bytes; bytes > this.#bytesMax;) {
      const evicted = this.#evictLeastRecentlyAsked() ?? this.#evictLeastRecentlyAsked(true);
      if (evicted === undefined) return;
      this.#evictionsForBytes += 1;
      bytes -= evicted.reduce((sum, held) => sum + bytesOf(held), 0);
    }
  }

  /** Of all forms of all payloads, and about what else a payload takes. */
  get bytes(): number {
    let bytes = 0;
    for (const held of this.all()) bytes += bytesOf(held);
    return bytes;
  }

  /** Lets go of the forms that nobody read since the last `looksMax` calls, and returns their bytes; each payload's own form stays. */
  dropUnreadForms(looksMax: number): number {
    let droppedBytes = 0;
    for (const { forms } of this.all()) droppedBytes += forms.dropUnread(looksMax);
    return droppedBytes;
  }

  /** Keys that left as there were too many bytes. */
  get evictionsForBytes(): number {
    return this.#evictionsForBytes;
  }

  /** What is held was confirmed `agoMs` ago, by a word that was `relayedMs` old. */
  confirm(key: PayloadKey, agoMs = 0, relayedMs = 0): void {
    const held = this.peek(key);
    const atMs = this.#clock.monotonicMs() - agoMs;
    if (held === undefined || atMs < held.confirmedAtMs) return;
    held.confirmedAtMs = atMs;
    held.relayedMs = relayedMs;
  }

  remove(key: PayloadKey): boolean {
    const entry = this.#entries.get(key.sdkKey);
    const held = payloadOf(entry, key);
    if (entry === undefined || held === undefined) return false;
    entry.payloads.splice(entry.payloads.indexOf(held), 1);
    if (entry.payloads.length === 0) this.#entries.delete(key.sdkKey);
    this.#listeners.tell((listener) => listener.removed?.(key));
    return true;
  }

  /** Keys that never leave to make room. Where only these are held, all others leave at once. */
  pin(sdkKeys: ReadonlySet<string>): void {
    this.#pinned = sdkKeys;
    for (const sdkKey of [...this.#entries.keys()]) if (!this.takes(sdkKey)) this.#drop(sdkKey);
  }

  /** Whether anything of the key may be held. */
  takes(sdkKey: string): boolean {
    return !this.#pinnedOnly || this.#pinned.has(sdkKey);
  }

  isPinned(sdkKey: string): boolean {
    return this.#pinned.has(sdkKey);
  }

  /** Keeps the key from leaving while a stream of it is open; returns what ends that. */
  keepWhileStreamed(sdkKey: string): () => void {
    this.#streamed.set(sdkKey, (this.#streamed.get(sdkKey) ?? 0) + 1);
    let isKept = true;
    return () => {
      if (!isKept) return;
      isKept = false;
      const left = (this.#streamed.get(sdkKey) ?? 1) - 1;
      if (left === 0) this.#streamed.delete(sdkKey);
      else this.#streamed.set(sdkKey, left);
    };
  }

  /** Whether the key is held, or could be: false where every place is taken by keys that stay. */
  hasRoomFor(sdkKey: string): boolean {
    if (this.#entries.has(sdkKey) || this.#pinned.has(sdkKey)) return true;
    if (!this.takes(sdkKey)) return false;
    let staying = this.#pinned.size;
    for (const streamed of this.#streamed.keys()) {
      if (!this.#pinned.has(streamed) && this.#entries.has(streamed)) staying += 1;
    }
    return this.#sdkKeysMax > staying;
  }

  get sdkKeys(): number {
    return this.#entries.size;
  }

  *all(): Generator<HeldPayload> {
    for (const entry of this.#entries.values()) yield* [...entry.payloads];
  }

  /** What a hold demands is replaced by no other version, once it is held. */
  #replaces(key: PayloadKey, version: number, held: number): boolean {
    if (this.#holds?.demands(key, held) === true) return false;
    return isNewer(version, held, this.#clock.nowMs());
  }

  /** Undefined where every place is taken by keys that stay, or the key is not to be held. */
  #entryFor(sdkKey: string): KeyEntry | undefined {
    const known = this.#entries.get(sdkKey);
    if (known !== undefined) return known;
    // What was under way when the key was pinned no more is not taken in.
    if (!this.takes(sdkKey)) return undefined;
    if (this.#entries.size >= this.#sdkKeysMax && this.#evictLeastRecentlyAsked() === undefined)
      return undefined;
    this.#readings += 1;
    const entry: KeyEntry = { payloads: [], lastAsked: this.#readings };
    this.#entries.set(sdkKey, entry);
    return entry;
  }

  /** Pinned keys are fetched though nobody asks, others because somebody does. */
  #firstAskedAtMs(sdkKey: string): number {
    return this.isPinned(sdkKey) ? -Infinity : this.#clock.monotonicMs();
  }

  #ask(held: HeldPayload): void {
    const nowMs = this.#clock.monotonicMs();
    const wasIdle = nowMs - held.askedAtMs > IDLE_AFTER_MS;
    held.askedAtMs = nowMs;
    if (wasIdle) this.#listeners.tell((listener) => listener.askedAgain?.(held));
  }

  #stays(sdkKey: string): boolean {
    return this.#pinned.has(sdkKey) || this.#streamed.has(sdkKey) || this.#holds?.keeps(sdkKey) === true;
  }

  /**
   * What was held of the key; undefined where every one stays. Looks at every key, but only when a new one has just been
   * fetched over the network.
   */
  #evictLeastRecentlyAsked(alsoThoseThatStay = false): readonly HeldPayload[] | undefined {
    let oldest: string | undefined;
    let oldestAsked = Infinity;
    for (const [sdkKey, entry] of this.#entries) {
      if (entry.lastAsked < oldestAsked && (alsoThoseThatStay || !this.#stays(sdkKey))) {
        oldest = sdkKey;
        oldestAsked = entry.lastAsked;
      }
    }
    return oldest === undefined ? undefined : this.#drop(oldest);
  }

  #drop(sdkKey: string): readonly HeldPayload[] {
    const dropped = this.#entries.get(sdkKey)?.payloads ?? [];
    this.#entries.delete(sdkKey);
    for (const { key } of dropped) this.#listeners.tell((listener) => listener.removed?.(key));
    return dropped;
  }
}

function payloadOf(entry: KeyEntry | undefined, { kind, format }: PayloadKey): HeldPayload | undefined {
  return entry?.payloads.find(({ key }) => key.kind === kind && key.format === format);
}
