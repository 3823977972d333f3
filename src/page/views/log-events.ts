// The queue of log events: what waits, since when, and for which SDK keys.
import type { LogEvents } from '../api-answers.js';
import { h, type Child } from '../element.js';
import { bytes, duration, integer, plural } from '../format.js';
import { badge } from '../parts/badge.js';
import { facts, heading, note, section } from '../parts/section.js';
import { table } from '../parts/table.js';
import type { View } from '../view.js';

export const logEvents: View = {
  title: 'Log events',
  show: async ({ api, signal }) => {
    const all = await api.logEvents(signal);
    const { waiting, byKey, leftOut } = all;
    return [
      heading(
        'Log events',
        all.isDurable ? badge('good', `kept ${PLACES[all.store]}`) : badge('quiet', 'kept in memory only'),
      ),
      facts(
        ['Batches waiting', integer(waiting.batches)],
        ['Bytes waiting', bytes(waiting.bytes)],
        [
          'Oldest waits',
          waiting.oldestAgeS === null ? 'nothing waits' : `for ${duration(waiting.oldestAgeS)}`,
        ],
        ...counts(all),
      ),
      section(
        'By SDK key',
        table({
          caption: 'Log events by SDK key, those with most waiting first',
          columns: [
            { title: 'SDK key', isHead: true, cell: ({ sdkKey }) => h('bdi', {}, sdkKey) },
            { title: 'Waiting', isNumber: true, cell: (row) => integer(row.waiting.batches) },
            { title: 'Bytes', isNumber: true, cell: (row) => bytes(row.waiting.bytes) },
            {
              title: 'Oldest',
              isNumber: true,
              cell: (row) => (row.waiting.oldestAgeS === null ? '–' : duration(row.waiting.oldestAgeS)),
            },
            { title: 'Accepted', isNumber: true, cell: ({ accepted }) => integer(accepted) },
            { title: 'Forwarded', isNumber: true, cell: ({ forwarded }) => integer(forwarded) },
            { title: 'Given up', isNumber: true, cell: ({ dead }) => integer(dead) },
            {
              title: 'Failed in a row',
              isNumber: true,
              cell: ({ failuresInARow }) => integer(failuresInARow),
            },
            { title: 'Why', cell: ({ reason }) => (reason === null ? '–' : h('bdi', {}, reason)) },
          ],
          rows: byKey.map((row, index) => ({ ...row, index })),
          key: ({ sdkKey, index }) => `${sdkKey} ${index}`,
          empty: 'No log event has come yet.',
        }),
        leftOut > 0 && note(`${plural(leftOut, 'more key')} not shown.`),
      ),
      all.queue !== null && shards(all.queue),
    ];
  },
};

const PLACES: Readonly<Record<LogEvents['store'], string>> = {
  memory: 'in memory',
  disk: 'on disk',
  redis: 'in Redis',
};

/** Those with most waiting come first. */
function shards({ shards: all, replicas, onDisk }: NonNullable<LogEvents['queue']>): HTMLElement {
  return section(
    'By shard',
    table({
      caption: 'Shards of the queue in Redis, those with most waiting first',
      columns: [
        { title: 'Shard', isHead: true, cell: ({ shard }) => integer(shard) },
        { title: 'Sent by', cell: ({ owner, isOwned }) => ownerOf(owner, isOwned) },
        { title: 'Waiting', isNumber: true, cell: (row) => integer(row.batches) },
        { title: 'Bytes', isNumber: true, cell: (row) => bytes(row.bytes) },
        {
          title: 'Oldest',
          isNumber: true,
          cell: ({ oldestAgeS }) => (oldestAgeS === null ? '–' : duration(oldestAgeS)),
        },
        { title: 'Given up', isNumber: true, cell: ({ deadLetters }) => integer(deadLetters) },
        { title: 'Without their key', isNumber: true, cell: ({ unreadable }) => integer(unreadable) },
      ],
      rows: [...all].sort((one, other) => other.batches - one.batches || one.shard - other.shard),
      key: ({ shard }) => String(shard),
      empty: 'Nothing is known of the shards yet: Redis does not answer.',
    }),
    note(
      `${plural(replicas.length, 'replica')} ${replicas.length === 1 ? 'shares' : 'share'} the queue.` +
        (onDisk !== null && onDisk.batches > 0
          ? ` ${plural(onDisk.batches, 'batch', 'batches')} (${bytes(onDisk.bytes)}) wait on this replica's disk for Redis.`
          : ''),
    ),
  );
}

function ownerOf(owner: string | null, isThis: boolean): Child {
  if (owner === null) return badge('warn', 'nobody');
  return isThis ? 'this replica' : h('bdi', {}, owner);
}

function counts(all: LogEvents): readonly (readonly [string, Child])[] {
  return [
    ['Accepted', integer(all.accepted)],
    ['Forwarded', integer(all.forwarded)],
    ['Sent again', integer(all.retried)],
    ['Known already', integer(all.deduplicated)],
    ['Turned away', integer(all.turnedAway)],
    ['Given up', integer(all.dead)],
  ];
}
