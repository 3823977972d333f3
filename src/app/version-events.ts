// The event ConfigSpecCurrentLcut: which version is held of each spec, told at regular intervals.
import type { PayloadStore } from '../core/payload-store.js';
import type { Cancel, Clock } from '../domain/clock.js';
import { eventFields } from '../observability/event-fields.js';
import type { ProxyEvents } from '../observability/proxy-events.js';
import type { Feature } from './feature.js';

/** Specs told of in one turn of the event loop. */
const SPECS_AT_ONCE = 200;

/** `everyMs`: 0 for never. */
export function versionEventFeature(
  clock: Clock,
  events: ProxyEvents,
  store: PayloadStore,
  everyMs: number,
): Feature {
  let cancel: Cancel = () => undefined;
  const after = (delayMs: number, task: () => void): void => {
    cancel = clock.schedule(delayMs, task);
  };
  const tell = (specs: ReturnType<PayloadStore['all']>): void => {
    for (let told = 0; told < SPECS_AT_ONCE; told += 1) {
      const next = specs.next();
      if (next.done === true) {
        after(everyMs, start);
        return;
      }
      const { key, payload } = next.value;
      if (key.kind.versions !== 'stated') continue;
      const fields = { ...eventFields(key), acceptEncoding: 'none', value: payload.version };
      events.record('ConfigSpecCurrentLcut', fields);
    }
    after(0, () => {
      tell(specs);
    });
  };
  const start = (): void => {
    tell(store.all());
  };
  return {
    name: 'versions held',
    open: () => {
      if (everyMs > 0) after(everyMs, start);
    },
    drain: () => {
      cancel();
    },
  };
}
