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
        all.isDurable ? badge('good', 'kept on disk') : badge('quiet', 'kept in memory only'),
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
    ];
  },
};

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
