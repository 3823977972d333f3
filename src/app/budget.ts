// What clients may hold of this process before anybody knows whether they are strangers: one row for each limit.
import type { Config } from '../config/load-config.js';
import type { World } from './world.js';

export interface BudgetRow {
  /** In `tables` of /status. */
  readonly gauge: string;
  readonly what: string;
  readonly limit: string;
  /** What happens to a client that comes when the limit is reached. */
  readonly beyond: string;
}

/** Rendered in docs/configuration.md. A known key, a probe, or an SDK that was served before is turned away by none of them. */
export const BUDGET: readonly BudgetRow[] = [
  {
    gauge: 'httpConnections',
    what: 'connections to the HTTP port',
    limit: '`--http-connections-max`, within the share of this port',
    beyond:
      'the one unused for longest is closed, strangers first; a quarter of the places is always for new ones',
  },
  {
    gauge: 'grpcConnections',
    what: 'connections to the gRPC port',
    limit: '`-g` and 1,000, within the share of this port',
    beyond: 'the same',
  },
  {
    gauge: 'adminConnections',
    what: 'connections to the admin port',
    limit: '300, within the share of this port',
    beyond: 'the same',
  },
  {
    gauge: 'changeStreams',
    what: 'streams of `/api/v1/events`: pages that are open',
    limit: '100; 512 KiB that a reader has not taken yet',
    beyond: '503 `too_many_streams`; a reader that is too slow is cut off',
  },
  {
    gauge: 'badTokenAddresses',
    what: 'addresses that sent bad access tokens to the admin port in the last minute',
    limit: '1,000; 20 bad tokens of each',
    beyond:
      'the one remembered for longest is forgotten; an address beyond its 20: 429 `too_many_bad_tokens`',
  },
  {
    gauge: 'bodyBytes',
    what: 'bytes of request bodies that arrive',
    limit:
      'four of the largest batches (`--log-event-body-max-in-mib`), at most a quarter of memory, at least one batch',
    beyond: 'the body that has been arriving for longest is refused: 503 `too_many_bodies`',
  },
  {
    gauge: 'grpcCalls',
    what: 'gRPC calls that are open',
    limit: 'streams, calls that wait, and 500',
    beyond: 'the call whose request has been arriving for longest is reset',
  },
  {
    gauge: 'callsWaitingForSpecs',
    what: 'gRPC calls that wait for a first spec',
    limit: '`-g` and 500',
    beyond: 'the stream that has waited for longest, for 10 s or more, gives way; else UNAVAILABLE',
  },
  {
    gauge: 'streams',
    what: 'gRPC streams, of keys with a spec only',
    limit: '`-g`',
    beyond:
      'the key with most gives up its oldest to a key that has at least two fewer; else RESOURCE_EXHAUSTED',
  },
  {
    gauge: 'eventStreams',
    what: 'streams of server-sent events, of keys with a spec only',
    limit: '`--event-streams-max`',
    beyond:
      'the key with most gives up its oldest to a key that has at least two fewer; else 503 `too_many_streams`',
  },
  {
    gauge: 'eventStreamsWaiting',
    what: 'the same that wait for a first spec',
    limit: '`--event-streams-max` and 500',
    beyond: 'the stream that has waited for longest, for 10 s or more, gives way; else 503',
  },
  {
    gauge: 'clients',
    what: 'SDK instances of specs that are held, in the census',
    limit: '20,000',
    beyond: 'they are served, and not counted; the key with most gives up its oldest to another',
  },
  {
    gauge: 'healthWatches',
    what: 'health watches',
    limit: '200',
    beyond:
      'the address with most gives up its oldest to one that has at least two fewer; else RESOURCE_EXHAUSTED',
  },
  {
    gauge: 'coldFetchesWaiting',
    what: 'first fetches of unknown keys that wait for their turn',
    limit:
      '1,000, for 10 s; three quarters of `--cold-fetches-max` are in flight; client addresses take turns',
    beyond:
      'the address with most gives up its oldest to one that has at least two fewer; 503 `too_many_cold_fetches`',
  },
  {
    gauge: 'coldFetchesOfKnownKeysWaiting',
    what: 'the same of known keys',
    limit: '1,000 of their own, for 10 s; all of `--cold-fetches-max` may be in flight',
    beyond: '503 `too_many_cold_fetches`',
  },
  {
    gauge: 'remoteValueFetchesWaiting',
    what: 'fetches of remote values that no spec names, waiting for their turn',
    limit: '1,000, for 10 s; 24 are in flight',
    beyond: '503 `too_many_cold_fetches`',
  },
  {
    gauge: 'namedValueFetchesWaiting',
    what: 'the same of values that specs name',
    limit: '1,000 of their own, for 10 s; 32 may be in flight',
    beyond: 'the same',
  },
  {
    gauge: 'remoteValueBytes',
    what: 'bytes of remote values',
    limit: '`--remote-values-max-in-mib`',
    beyond:
      'those asked for longest ago leave, first those that no spec names; disk, Redis or the origin has them',
  },
  {
    gauge: 'logEventBatches',
    what: 'batches of log events',
    limit:
      '`--log-event-process-queue-size` and `--log-event-queue-max-in-mib`; an eighth for unknown keys together',
    beyond: '503 `log_events_queue_full`; known keys keep their part',
  },
  {
    gauge: 'idListFetchesWaiting',
    what: 'files of ID lists that wait to be fetched',
    limit: '4,000; 1,000 of one host; 64 and 8 are in flight',
    beyond: 'the connection is closed',
  },
  {
    gauge: 'idListStreamsInFlight',
    what: 'files of ID lists that are passed through',
    limit: '16',
    beyond: 'one over a minute old gives way, or the connection is closed',
  },
];

const MIB = 1024 * 1024;
/** As many of the largest bodies may arrive at one time ... */
const BODIES_ARRIVING_MAX = 4;
/** ... in this part of memory. */
const BODIES_MEMORY_PART = 1 / 4;

/** Of all requests to the public port. One of the largest bodies always fits: it would be refused for ever. */
export function toBodyBytesMax(
  { logEventBodyMaxMib }: Pick<Config, 'logEventBodyMaxMib'>,
  { memoryBytesMax }: Pick<World, 'memoryBytesMax'>,
): number {
  const largest = logEventBodyMaxMib * MIB;
  const affordable = Math.floor(memoryBytesMax * BODIES_MEMORY_PART);
  return Math.max(largest, Math.min(largest * BODIES_ARRIVING_MAX, affordable));
}
