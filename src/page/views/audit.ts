// The audit log: what operators did, and what changed what clients get.
import { h } from '../element.js';
import { plural } from '../format.js';
import { auditTable } from '../parts/audit-table.js';
import { heading } from '../parts/section.js';
import { searchBox } from '../parts/search-box.js';
import type { View } from '../view.js';
import { hasWords } from '../words.js';

const LINES = [100, 300, 1_000] as const;

export const audit: View = {
  title: 'Audit',
  show: async (context) => {
    const { api, clock, names, route, signal, turnTo } = context;
    const { search = '' } = route.query;
    const wanted = LINES.find((count) => String(count) === route.query['lines']) ?? LINES[0];
    const { lines } = await api.audit(wanted, signal);
    await names.learn(
      lines.map(({ keyHash }) => keyHash),
      signal,
    );
    const shown = lines.toReversed().filter(({ action, replica, who, address, reason, keyHash, ...of }) => {
      const ofSpec = [keyHash, names.of(keyHash), of.api, of.format];
      return hasWords([action, replica, who, address, reason, ...ofSpec], search);
    });
    return [
      heading('Audit'),
      h(
        'div',
        { class: 'tools' },
        searchBox({
          label: 'Search by who, what, why or key',
          value: search,
          clock,
          search: (text) => {
            turnTo({ search: text });
          },
        }),
        h(
          'label',
          {},
          'The newest ',
          h(
            'select',
            {
              onchange: (event) => {
                turnTo({ lines: (event.target as HTMLSelectElement).value });
              },
            },
            LINES.map((count) =>
              h('option', { value: count, selected: count === wanted }, plural(count, 'line')),
            ),
          ),
        ),
        h('span', { class: 'faint', role: 'status' }, `${shown.length} of ${plural(lines.length, 'line')}`),
      ),
      auditTable(
        shown,
        context,
        search === '' ? 'Nothing has happened since the log began.' : 'No line has these words.',
      ),
    ];
  },
};
