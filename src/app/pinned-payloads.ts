// The payloads of pinned SDK keys: fetched at start and never dropped, whether a client asks or not.
import type { PinnedPayloadName } from '../config/pinned-payload-names.js';
import type { OutcomeLog } from '../core/outcome-log.js';
import type { PayloadStore } from '../core/payload-store.js';
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import { isReplaneKey, projectKey, REPLANE_PROJECT } from '../protocols/replane/project-kind.js';
import { allPayloadKeys, ID_LISTS, SPEC_V1, SPEC_V2 } from '../protocols/statsig/resource-kinds.js';
import type { Poller } from '../core/poller.js';

type Variant = Omit<PayloadKey, 'sdkKey'>;
/** What a key of Replane's has, besides what settings can name of Statsig's keys. */
const REPLANE = 'replane';
type PayloadName = PinnedPayloadName | typeof REPLANE;

const VARIANTS: Readonly<Record<PayloadName, Variant>> = {
  [REPLANE]: { kind: REPLANE_PROJECT, format: 'json' },
  v1: { kind: SPEC_V1, format: 'json' },
  v2: { kind: SPEC_V2, format: 'json' },
  'v2-protobuf': { kind: SPEC_V2, format: 'protobuf' },
  'id-lists': { kind: ID_LISTS, format: 'json' },
};
/** Fetched at start, so that an outage finds something to serve: legacy SDKs ask for v1, core ones for v2 in either format. */
const AT_START: readonly PinnedPayloadName[] = ['v1', 'v2', 'v2-protobuf'];

export interface PayloadNames {
  /** Whether keys that look like Replane's are those, and have nothing else. */
  readonly knowsReplane: boolean;
  /** What of a key of Statsig's is needed, whether clients of this process ask for it or not. */
  readonly of: (sdkKey: string) => readonly PinnedPayloadName[];
}

export class PinnedPayloads {
  readonly #store: PayloadStore;
  readonly #poller: Poller;
  readonly #outcomes: OutcomeLog;
  readonly #named: PayloadNames;
  readonly #own: readonly PayloadKey[];
  #sdkKeys: ReadonlySet<string> = new Set();
  #payloads: readonly PayloadKey[] = [];
  /** By their ids. */
  #needed: ReadonlySet<string> = new Set();

  /**
   * `named`: what is needed of a key, though no client of this process asks for it. `own`: what this process needs for itself,
   * whichever keys are pinned.
   */
  constructor(
    store: PayloadStore,
    poller: Poller,
    outcomes: OutcomeLog,
    named: PayloadNames,
    own: readonly PayloadKey[] = [],
  ) {
    this.#store = store;
    this.#poller = poller;
    this.#outcomes = outcomes;
    this.#named = named;
    this.#own = own;
  }

  get payloads(): readonly PayloadKey[] {
    return this.#payloads;
  }

  /** Whether others than clients of this process need it. */
  needs(key: PayloadKey): boolean {
    return this.#needed.size > 0 && this.#needed.has(payloadId(key));
  }

  /**
   * Pins exactly these keys; resolves when every new one was tried once. A key that is pinned no longer is kept as
   * if a client had asked for it, and polled on while it is held.
   */
  async pin(sdkKeys: ReadonlySet<string>): Promise<void> {
    const left = [...this.#sdkKeys].filter((sdkKey) => !sdkKeys.has(sdkKey));
    this.#sdkKeys = sdkKeys;
    this.#store.pin(new Set([...sdkKeys, ...this.#own.map(({ sdkKey }) => sdkKey)]));
    const all = [...payloadsAtStart(sdkKeys, this.#named), ...this.#own];
    this.#payloads = [...new Map(all.map((key) => [payloadId(key), key])).values()];
    this.#needed = new Set([...payloadsOf(sdkKeys, this.#named), ...this.#own].map(payloadId));
    // Clients may have asked for more than the variants that are pinned.
    for (const key of left.flatMap((sdkKey) => [...allPayloadKeys(sdkKey), projectKey(sdkKey)])) {
      if (this.#store.peek(key) !== undefined) continue;
      this.#poller.unwatch(key);
      this.#outcomes.forget(key);
    }
    await Promise.all(this.#payloads.map((key) => this.#poller.watchNow(key)));
  }
}

/** What is fetched of pinned keys at a start; `named`: what is needed of a key besides. */
export function payloadsAtStart(sdkKeys: Iterable<string>, named: PayloadNames): readonly PayloadKey[] {
  return payloadsOf(sdkKeys, { ...named, of: (sdkKey) => [...AT_START, ...named.of(sdkKey)] });
}

function payloadsOf(sdkKeys: Iterable<string>, named: PayloadNames): readonly PayloadKey[] {
  const namesOf = (sdkKey: string): readonly PayloadName[] =>
    named.knowsReplane && isReplaneKey(sdkKey) ? [REPLANE] : named.of(sdkKey);
  return [...sdkKeys].flatMap((sdkKey) =>
    [...new Set(namesOf(sdkKey))].map((name) => ({ sdkKey, ...VARIANTS[name] })),
  );
}
