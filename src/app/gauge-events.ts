// Gauges that SFP sends once a minute: how many streams are open, and which version of each spec is held.
import type { PayloadStore } from '../core/payload-store.js';
import type { Cancel, Clock } from '../domain/clock.js';
import { eventFields } from '../observability/event-fields.js';
import type { ProxyEvents } from '../observability/proxy-events.js';

const EVERY_MS = 60_000;
/** Specs told of in one turn of the event loop. */
const SPECS_AT_ONCE = 200;

/** Gives what ends them. */
export function startGaugeEvents(
  clock: Clock,
  events: ProxyEvents,
  store: PayloadStore,
  streams: () => number,
): Cancel {
  let cancel: Cancel = () => undefined;
  const after = (delayMs: number, task: () => void): void => {
    cancel = clock.schedule(delayMs, task);
  };
  const tellSpecs = (specs: ReturnType<PayloadStore['all']>): void => {
    for (let told = 0; told < SPECS_AT_ONCE; told += 1) {
      const next = specs.next();
      if (next.done === true) {
        after(EVERY_MS, tell);
        return;
      }
      const { key, payload } = next.value;
      if (key.kind.versions !== 'stated') continue;
      const fields = { ...eventFields(key), acceptEncoding: 'none', value: payload.version };
      events.record('ConfigSpecCurrentLcut', fields);
    }
    after(0, () => {
      tellSpecs(specs);
    });
  };
  const tell = (): void => {
    events.record('GrpcEstimatedActiveStreams', { value: streams() });
    tellSpecs(store.all());
  };
  after(EVERY_MS, tell);
  return () => {
    cancel();
  };
}
