// One test's stage for log events: the proxy, Statsig's end of it, and an SDK that sends what it is told.
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { within } from '../../../e2e/deadline.js';
import { startEventOrigin, type EventOrigin } from '../../../fakes/event-origin.js';
import { ManualClock } from '../../../fakes/manual-clock.js';
import { SDK_KEY, startProxy, type TestProxy } from '../../../fakes/proxy.js';
import { rawRequest, type RawAnswer } from '../../../fakes/raw-request.js';
import { batchText, customEvent } from './event-bodies.js';

export interface EventScene {
  readonly origin: EventOrigin;
  readonly proxy: TestProxy;
  readonly clock: ManualClock;
  /** Sends a batch with one event of this name, or the text of a whole body. */
  readonly send: (event: string, changes?: Sending) => Promise<RawAnswer>;
  readonly status: () => Promise<EventStatus>;
}

export interface Sending {
  readonly sdkKey?: string;
  /** The body itself, instead of a batch with one event. */
  readonly body?: string | Buffer;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface EventStatus {
  readonly isDurable: boolean;
  readonly accepted: number;
  readonly forwarded: number;
  readonly retried: number;
  readonly deduplicated: number;
  readonly dead: number;
  readonly turnedAway: number;
  readonly waiting: { readonly batches: number; readonly bytes: number; readonly oldestAgeS: number | null };
  readonly byKey: readonly (Omit<EventStatus, 'byKey' | 'isDurable'> & {
    readonly sdkKey: string;
    readonly reason: string | null;
  })[];
}

/** Batches are `gzip`ped like those of legacy node, unless a body is given. The clock stands still. */
export async function startEventScene(t: TestContext, args: readonly string[] = []): Promise<EventScene> {
  const origin = await startEventOrigin();
  t.after(() => origin.close());
  const clock = new ManualClock();
  const proxy = await startProxy({ origin: origin.url, clock, args: ['--debug-logging', ...args] });
  t.after(() => Promise.all([proxy.app.stop(), clock.advanceInSteps(5_000, 100)]));
  return {
    origin,
    proxy,
    clock,
    send: (event, changes = {}) => within(send(proxy.url, event, changes), `answer to ${event}`),
    status: () => eventStatus(proxy.adminUrl),
  };
}

export async function send(url: string, event: string, changes: Sending = {}): Promise<RawAnswer> {
  const { sdkKey = SDK_KEY, body, path = '/v1/log_event', headers = {} } = changes;
  const coding = body === undefined ? { 'content-encoding': 'gzip' } : {};
  return await rawRequest(url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'statsig-api-key': sdkKey,
      'statsig-event-count': '1',
      ...coding,
      ...headers,
    },
    body: body ?? gzipSync(batchText([customEvent(event)])),
  });
}

export async function eventStatus(adminUrl: string): Promise<EventStatus> {
  const { text } = await rawRequest(`${adminUrl}/status?keys=`);
  return (JSON.parse(text) as { readonly logEvents: EventStatus }).logEvents;
}
