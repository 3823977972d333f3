// The settings in effect, without secrets: those that somebody set first, by group.
import type { Settings } from '../api-answers.js';
import { h, type Child } from '../element.js';
import { plural } from '../format.js';
import { badge } from '../parts/badge.js';
import { heading, section } from '../parts/section.js';
import { searchBox } from '../parts/search-box.js';
import { table } from '../parts/table.js';
import type { View } from '../view.js';
import { hasWords } from '../words.js';

type Setting = Settings['settings'][number];

export const settings: View = {
  title: 'Settings',
  show: async ({ api, clock, route, signal, turnTo }) => {
    const { search = '' } = route.query;
    const all = (await api.settings(signal)).settings;
    const shown = all.filter(({ group, option, variable, value, help }) =>
      hasWords([group, option, variable, value, help], search),
    );
    const set = shown.filter(({ from }) => from !== 'default');
    const groups = [...new Set(shown.map(({ group }) => group))];
    return [
      heading('Settings'),
      h(
        'div',
        { class: 'tools' },
        searchBox({
          label: 'Search by option, variable or words',
          value: search,
          clock,
          search: (text) => {
            turnTo({ search: text });
          },
        }),
        h('span', { class: 'faint', role: 'status' }, `${shown.length} of ${plural(all.length, 'setting')}`),
      ),
      section('Set by somebody', settingTable('Settings that are not left at their defaults', set)),
      groups.map((name) =>
        h(
          'details',
          { 'data-key': `${name} ${search === '' ? 'all' : 'found'}`, class: 'group', open: search !== '' },
          h('summary', {}, name),
          settingTable(
            `Settings of ${name}`,
            shown.filter(({ group }) => group === name),
          ),
        ),
      ),
      shown.length === 0 && h('p', { class: 'empty' }, 'No setting has these words.'),
    ];
  },
};

function settingTable(caption: string, rows: readonly Setting[]): Child {
  return table({
    caption,
    columns: [
      {
        title: 'Option',
        isHead: true,
        cell: ({ option, variable }) => [h('code', {}, option), h('code', { class: 'faint' }, variable)],
      },
      { title: 'Value', cell: ({ value }) => h('bdi', { class: 'code' }, shownValue(value)) },
      {
        title: 'Set by',
        cell: ({ from, ...setting }) =>
          from === 'default'
            ? h('span', { class: 'faint' }, 'default')
            : [badge('held', from), h('span', { class: 'faint' }, `default: ${shownValue(setting.default)}`)],
      },
      { title: 'What it is', cell: ({ help }) => help },
    ],
    rows,
    key: ({ option }) => option,
    empty: 'None.',
  });
}

function shownValue(value: Setting['value']): string {
  return value === null || value === '' ? '–' : String(value);
}
