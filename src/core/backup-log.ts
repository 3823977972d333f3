// Logs what backups did: a line for each version loaded from one, and for each entry that cannot be used.
import type { Clock } from '../domain/clock.js';
import type { PayloadKey } from '../domain/payload-key.js';
import type { Logger } from '../observability/logger.js';
import { ThrottledLine } from '../observability/throttled-line.js';
import type { SnapshotFault } from '../storage/snapshots.js';
import type { BackupListener, PlaceName, Restored } from './backups.js';
import { logFields } from './payload-words.js';

/** Under a name that SDK keys share, strangers can cause this line. */
const UNUSABLE_LINE_PERIOD_MS = 1_000;

export class BackupLog implements BackupListener {
  readonly #log: Logger;
  readonly #unusable: ThrottledLine;

  constructor(clock: Clock, log: Logger) {
    this.#log = log;
    this.#unusable = new ThrottledLine(clock, UNUSABLE_LINE_PERIOD_MS);
  }

  restored({ held, place, confirmedAgoMs }: Restored): void {
    const { key, payload } = held;
    const specVersion = payload.version;
    const confirmedAgoS = Math.round(confirmedAgoMs / 1000);
    const fields = { ...logFields(key), specVersion, from: place, confirmedAgoS };
    this.#log.info(fields, `${key.kind.noun} updated`);
  }

  unusable(key: PayloadKey, place: PlaceName, fault: SnapshotFault): void {
    this.#unusable.tell((untold) => {
      this.#log.warn(
        { ...logFields(key), place, fault, untold },
        `ignoring unusable backup of this ${key.kind.noun}: ${ADVICE[fault]}`,
      );
    });
  }
}

const ADVICE: Readonly<Record<SnapshotFault, string>> = {
  wrong_type:
    'something else writes under its name; delete it in Redis, and see that data adapters write nothing',
  foreign_key:
    'it belongs to another SDK key: somebody copied it, or the keys share a name; use --redis-key-schema sha256',
  unknown_format: 'it was written by another program or release, and is set aside',
  torn: 'it was not written to its end, or was changed since, and is set aside',
  data_key_missing:
    'it is sealed with a data key that is not in --data-key-file; put that key back as its second line',
  no_spec: 'what is stored is not a spec of the version it claims to be',
};
