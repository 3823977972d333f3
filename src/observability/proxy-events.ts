// The one place where events are stated: each is handed to every sink, which makes of it what it needs.
import type { ProxyEventName } from './catalogue.js';
import type { ProxyEventFields } from './event-fields.js';

export interface ProxyEvents {
  record(name: ProxyEventName, fields: ProxyEventFields): void;
}

/** A sink never throws and never waits: what it cannot take it drops, and counts. */
export type EventSink = ProxyEvents;

export function createProxyEvents(sinks: readonly EventSink[]): ProxyEvents {
  const [only] = sinks;
  if (only !== undefined && sinks.length === 1) return only;
  return {
    record: (name, fields) => {
      for (const sink of sinks) sink.record(name, fields);
    },
  };
}
