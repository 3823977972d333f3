// The payloads of pinned SDK keys: fetched at start and polled for ever, whether a client asks or not.
import type { OutcomeLog } from '../core/outcome-log.js';
import type { PayloadStore } from '../core/payload-store.js';
import type { PayloadKey } from '../domain/payload-key.js';
import { allPayloadKeys, SPEC_V1, SPEC_V2 } from '../protocols/statsig/resource-kinds.js';
import type { Poller } from '../core/poller.js';

/** What SDKs ask for: legacy ones v1, core ones v2 as protobuf or as JSON. */
const VARIANTS = [
  { kind: SPEC_V1, format: 'json' },
  { kind: SPEC_V2, format: 'json' },
  { kind: SPEC_V2, format: 'protobuf' },
] as const;

export class PinnedPayloads {
  readonly #store: PayloadStore;
  readonly #poller: Poller;
  readonly #outcomes: OutcomeLog;
  #sdkKeys: ReadonlySet<string> = new Set();
  #payloads: readonly PayloadKey[] = [];

  constructor(store: PayloadStore, poller: Poller, outcomes: OutcomeLog) {
    this.#store = store;
    this.#poller = poller;
    this.#outcomes = outcomes;
  }

  get payloads(): readonly PayloadKey[] {
    return this.#payloads;
  }

  /**
   * Pins exactly these keys; resolves when every new one was tried once. A key that is pinned no longer is kept as
   * if a client had asked for it, and polled on while it is held.
   */
  async pin(sdkKeys: ReadonlySet<string>): Promise<void> {
    const left = [...this.#sdkKeys].filter((sdkKey) => !sdkKeys.has(sdkKey));
    this.#sdkKeys = sdkKeys;
    this.#store.pin(sdkKeys);
    this.#payloads = [...sdkKeys].flatMap((sdkKey) => VARIANTS.map((variant) => ({ sdkKey, ...variant })));
    // Clients may have asked for more than the variants that are pinned.
    for (const key of left.flatMap((sdkKey) => allPayloadKeys(sdkKey))) {
      if (this.#store.peek(key) !== undefined) continue;
      this.#poller.unwatch(key);
      this.#outcomes.forget(key);
    }
    await Promise.all(this.#payloads.map((key) => this.#poller.watchNow(key)));
  }
}
