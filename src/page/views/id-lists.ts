// ID lists: how many files there are, what their copies take, and what could not be fetched.
import { h, type Child } from '../element.js';
import { bytes, integer } from '../format.js';
import { facts, heading, section } from '../parts/section.js';
import { table } from '../parts/table.js';
import type { View } from '../view.js';

export const idLists: View = {
  title: 'ID lists',
  show: async ({ api, signal }) => {
    const all = await api.idLists(signal);
    const failures = Object.entries(all.failures);
    return [
      heading('ID lists'),
      facts(
        ['Files', integer(all.files)],
        ['Copies', integer(all.copies)],
        ['Size of the copies', `${bytes(all.bytes)} of ${bytes(all.bytesMax)}`],
        ['Left to make room', integer(all.evictions)],
        ['Served from copies', integer(all.hits)],
        ['Fetched', integer(all.fetches)],
        ['Passed through', integer(all.streamedThrough)],
        ['Turned away', integer(all.turnedAway)],
        ['Folder', folderOf(all.disk)],
      ),
      section(
        'Failures',
        table({
          caption: 'Why files could not be fetched',
          columns: [
            { title: 'Reason', isHead: true, cell: ([reason]) => h('code', {}, reason) },
            { title: 'Times', isNumber: true, cell: ([, count]) => integer(Number(count)) },
          ],
          rows: failures,
          key: ([reason]) => reason,
          empty: 'None.',
        }),
      ),
    ];
  },
};

function folderOf(disk: Readonly<Record<string, unknown>> | null): Child {
  return disk === null ? 'none: kept in memory' : h('bdi', { class: 'code' }, String(disk['folder']));
}
