// Lets go of encodings of bodies that no client reads any more: they can be made again, and memory holds what is in use.
import type { Cancel, Clock } from '../domain/clock.js';
import type { PayloadStore } from '../core/payload-store.js';
import type { Feature } from './feature.js';

const LOOK_EVERY_MS = 10_000;
/** What was read a moment before a look stays for a whole minute. */
const LOOKS_MAX = 7;

export function unreadFormsFeature(
  clock: Clock,
  stores: readonly Pick<PayloadStore, 'dropUnreadForms'>[],
): Feature {
  let cancel: Cancel = () => undefined;
  const open = (): void => {
    cancel = clock.schedule(LOOK_EVERY_MS, () => {
      for (const store of stores) store.dropUnreadForms(LOOKS_MAX);
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
