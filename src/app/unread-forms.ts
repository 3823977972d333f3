// Lets go of encodings of bodies that no client reads any more: they can be made again, and memory holds what is in use.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Cancel, Clock } from '../domain/clock.js';
import type { PayloadStore } from '../core/payload-store.js';
import type { Feature } from './feature.js';

const LOOK_EVERY_MS = 10_000;
/** What was read a moment before a look stays for a whole minute. */
const LOOKS_MAX = 7;
/**
 * So much that was let go is worth a full collection, of 70 ms or so: V8 keeps it otherwise for as long as the process has
 * little to do. With 500 specs of 1.43 MB that clients had read in every encoding, 501 MB instead of 1,148 were left.
 */
const COLLECTED_BYTES_MIN = 64 * 1024 * 1024;

export function unreadFormsFeature(
  clock: Clock,
  stores: readonly Pick<PayloadStore, 'dropUnreadForms'>[],
  collect: () => void = collectGarbage,
): Feature {
  /** Since the last collection. */
  let droppedBytes = 0;
  let cancel: Cancel = () => undefined;
  const open = (): void => {
    cancel = clock.schedule(LOOK_EVERY_MS, () => {
      const before = droppedBytes;
      for (const store of stores) droppedBytes += store.dropUnreadForms(LOOKS_MAX);
      // What clients read one after another is let go in several looks: once is enough.
      if (droppedBytes === before && droppedBytes >= COLLECTED_BYTES_MIN) {
        droppedBytes = 0;
        collect();
      }
      open();
    });
  };
  return {
    name: 'unread forms',
    open,
    close: () => {
      cancel();
    },
  };
}

/** The flag gives `gc` to contexts that are made after it. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
}
