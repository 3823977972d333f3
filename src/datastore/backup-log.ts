// Tells people what backups did: a line for each version that came from one, and for each entry that is of no use.
import type { Clock } from '../domain/clock.js';
import { specPath, type PayloadKey } from '../domain/payload-key.js';
import { maskSdkKey } from '../domain/sdk-key.js';
import type { Logger } from '../observability/logger.js';
import type { ProxyEvents } from '../observability/proxy-events.js';
import { ThrottledLine } from '../observability/throttled-line.js';
import type { SnapshotFault } from '../sources/snapshots.js';
import type { PlaceName, Restored } from './backups.js';

/** Under a name that SDK keys share, strangers can cause this line. */
const UNUSABLE_LINE_PERIOD_MS = 1_000;

export class BackupLog {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #events: ProxyEvents;
  readonly #unusable: ThrottledLine;

  constructor(clock: Clock, log: Logger, events: ProxyEvents) {
    this.#clock = clock;
    this.#log = log;
    this.#events = events;
    this.#unusable = new ThrottledLine(clock, UNUSABLE_LINE_PERIOD_MS);
  }

  restored({ held, place, confirmedAgoMs }: Restored): void {
    const { key, payload } = held;
    const specVersion = payload.version;
    const confirmedAgoS = Math.round(confirmedAgoMs / 1000);
    this.#log.info({ ...describe(key), specVersion, from: place, confirmedAgoS }, 'spec updated');
    if (!this.#events.isWatched) return;
    const fields = { path: specPath(key.api), sdkKey: maskSdkKey(key.sdkKey), lcut: specVersion };
    this.#events.record('ConfigSpecStoreGotData', fields);
    const latencyMs = this.#clock.nowMs() - specVersion;
    this.#events.record('UpdateConfigSpecStorePropagationDelayMs', { ...fields, latencyMs });
  }

  unusable(key: PayloadKey, place: PlaceName, fault: SnapshotFault): void {
    this.#unusable.tell((untold) => {
      this.#log.warn(
        { ...describe(key), place, fault, untold },
        `backup of this spec is of no use: ${ADVICE[fault]}`,
      );
    });
  }
}

const ADVICE: Readonly<Record<SnapshotFault, string>> = {
  wrong_type:
    'something else writes under its name; delete it in Redis, and see that data adapters write nothing',
  foreign_key: 'its name belongs to another SDK key; use --redis-key-schema sha256',
  unknown_format: 'it was written by another program or release, and is set aside',
  torn: 'it was not written to its end, or was changed since, and is set aside',
  no_spec: 'what is stored is no spec',
};

function describe(key: PayloadKey): Record<string, string> {
  return { sdkKey: maskSdkKey(key.sdkKey), api: key.api, format: key.format };
}
