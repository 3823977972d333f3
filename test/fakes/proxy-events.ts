// Sinks of events for tests: one that keeps what it is given, and one that nobody reads.
import type { ProxyEventName } from '../../src/observability/catalogue.js';
import type { ProxyEventFields } from '../../src/observability/event-fields.js';
import type { ProxyEvents } from '../../src/observability/proxy-events.js';

export const noProxyEvents: ProxyEvents = { record: () => undefined };

export type RecordedEvent = ProxyEventFields & { readonly name: ProxyEventName };

/** Keeps the fields as they are at the moment of the event. */
export class RecordedEvents implements ProxyEvents {
  readonly all: RecordedEvent[] = [];

  record(name: ProxyEventName, fields: ProxyEventFields): void {
    this.all.push({ name, ...fields });
  }

  get names(): readonly ProxyEventName[] {
    return this.all.map(({ name }) => name);
  }
}
