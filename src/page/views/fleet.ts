// The fleet: which replicas there are, who leads, and whether all of them hold the same version of each spec.
import type { Replicas } from '../api-answers.js';
import { h, type Child } from '../element.js';
import { integer, plural } from '../format.js';
import { badge } from '../parts/badge.js';
import { heading, note, section } from '../parts/section.js';
import { searchBox } from '../parts/search-box.js';
import { specCell, specKey } from '../parts/spec-cell.js';
import { table } from '../parts/table.js';
import { agoIso, agoS, at } from '../parts/time.js';
import type { View, ViewContext } from '../view.js';

const SPECS_SHOWN = 100;

export const fleet: View = {
  title: 'Fleet',
  show: async (context) => {
    const { api, clock, route, signal, turnTo } = context;
    const { search = '' } = route.query;
    const all = await api.replicas({ limit: SPECS_SHOWN, search }, signal);
    context.names.note(all.specs);
    return [
      heading(
        'Fleet',
        all.differing === 0
          ? badge('good', 'all replicas have the same versions')
          : badge('warn', `${plural(all.differing, 'spec')} differ`),
      ),
      !all.isShared && note('No Redis is shared with other replicas: this one polls and decides for itself.'),
      section('Replicas', replicaTable(all, context)),
      section(
        'Versions side by side',
        h(
          'div',
          { class: 'tools' },
          searchBox({
            label: 'Search by key or API',
            value: search,
            clock,
            search: (text) => {
              turnTo({ search: text });
            },
          }),
        ),
        versionTable(all, context),
        all.leftOut > 0 && note(`${plural(all.leftOut, 'more spec')} not shown: search for them.`),
      ),
    ];
  },
};

function replicaTable({ replicas }: Replicas, { clock }: ViewContext): Child {
  return table({
    caption: 'Replicas',
    columns: [
      {
        title: 'Replica',
        isHead: true,
        cell: ({ name, isThis }) => [h('bdi', {}, name), isThis && h('span', { class: 'faint' }, 'this one')],
      },
      { title: 'Leads', cell: ({ isLeader }) => (isLeader ? badge('good', 'leader') : '–') },
      { title: 'Release', cell: ({ release }) => h('bdi', {}, release) },
      { title: 'Specs', isNumber: true, cell: ({ specs }) => integer(specs) },
      { title: 'Started', cell: ({ startedAt }) => agoIso(startedAt, clock) },
      { title: 'Heard of', cell: ({ saidAgoS }) => agoS(saidAgoS, clock) },
    ],
    rows: replicas,
    key: ({ id }) => id,
    empty: 'No replica has told the others of itself yet.',
  });
}

function versionTable({ specs, replicas }: Replicas, { clock }: ViewContext): Child {
  return table({
    caption: 'Versions of each spec by replica, those that differ first',
    columns: [
      {
        title: 'SDK key',
        isHead: true,
        cell: (spec) => specCell(spec, spec.sdkKey),
      },
      { title: 'Same', cell: ({ isSame }) => (isSame ? badge('good', 'same') : badge('warn', 'differs')) },
      ...replicas.map(({ name }, index) => ({
        title: name,
        cell: ({ versions }: Replicas['specs'][number]): Child => {
          const version = versions[index] ?? null;
          return version === null ? '–' : at(version, clock);
        },
      })),
    ],
    rows: specs,
    key: specKey,
    empty: 'No spec has these words.',
  });
}
