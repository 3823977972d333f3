// A batch as a server received it, and the part of it that is forwarded to the origin.
import type { Batch } from './batch.js';
import type { Inspection } from './inspection/inspection.js';

export interface ReceivedBatch extends Pick<Batch, 'sdkKey' | 'headers' | 'query' | 'body'> {
  /** How the body is compressed, in lower case; empty where it is not. */
  readonly coding: string;
}

/** As it came, or without the exposures that the origin gets by another batch. */
export function whatGoesOn(
  received: ReceivedBatch,
  inspection: Inspection,
): Omit<Batch, 'id' | 'acceptedAtMs'> {
  const { sdkKey, query, headers, body } = received;
  const rest = inspection.kind === 'batch' ? inspection.rest : undefined;
  if (rest === undefined) return { sdkKey, query, headers, body };
  const changed = { ...headers, ...countAnew(received, rest.events), ...nameGzip(received) };
  return { sdkKey, query, headers: changed, body: rest.body };
}

/** Whether every event was an exposure that the origin gets by another batch. */
export function isEmptied(inspection: Inspection): boolean {
  return inspection.kind === 'batch' && inspection.rest?.events === 0;
}

/** Where the query names the coding, which is gzip then, it does so for what is left as well. */
function nameGzip({ coding, headers }: ReceivedBatch): Readonly<Record<string, string>> {
  const isNamedByQuery = coding !== '' && (headers['content-encoding'] ?? '') === '';
  return isNamedByQuery ? {} : { 'content-encoding': 'gzip' };
}

function countAnew({ headers }: ReceivedBatch, events: number): Readonly<Record<string, string>> {
  return headers['statsig-event-count'] === undefined ? {} : { 'statsig-event-count': String(events) };
}
