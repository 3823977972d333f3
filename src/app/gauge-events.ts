// The gauge that SFP sends once a minute: how many streams are open.
import type { Cancel, Clock } from '../domain/clock.js';
import type { ProxyEvents } from '../observability/proxy-events.js';

const EVERY_MS = 60_000;

/** Gives what ends them. */
export function startGaugeEvents(clock: Clock, events: ProxyEvents, streams: () => number): Cancel {
  let cancel: Cancel = () => undefined;
  const schedule = (): void => {
    cancel = clock.schedule(EVERY_MS, () => {
      events.record('GrpcEstimatedActiveStreams', { value: streams() });
      schedule();
    });
  };
  schedule();
  return () => {
    cancel();
  };
}
