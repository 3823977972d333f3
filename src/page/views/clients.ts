// All clients: which SDKs there are, and of which specs clients are behind.
import type { Clients } from '../api-answers.js';
import { h, type Child } from '../element.js';
import { duration, integer, plural } from '../format.js';
import { clientBar, sdkList, versionList } from '../parts/client-bar.js';
import { facts, heading, note, section } from '../parts/section.js';
import { specCell, specKey } from '../parts/spec-cell.js';
import { table } from '../parts/table.js';
import { agoS, at } from '../parts/time.js';
import type { View, ViewContext } from '../view.js';

const SPECS_SHOWN = 100;

export const clients: View = {
  title: 'Clients',
  show: async (context) => {
    const all = await context.api.clients(SPECS_SHOWN, context.signal);
    context.names.note(all.specs);
    return [
      heading('Clients'),
      facts(
        ['Seen lately', integer(all.instances)],
        ['Newest version', integer(all.newest)],
        ['An older one', integer(all.older)],
        ['None yet', integer(all.none)],
        ['Polls without a name', integer(all.unnamedPolls)],
      ),
      section('SDKs', sdkTable(all)),
      section(
        'By spec',
        specTable(all, context),
        all.leftOut > 0 && note(`${plural(all.leftOut, 'more spec')} not shown.`),
      ),
    ];
  },
};

function sdkTable({ bySdk }: Clients): Child {
  return table({
    caption: 'Clients by SDK',
    columns: [
      { title: 'SDK', isHead: true, cell: ({ sdk }) => h('bdi', {}, sdk) },
      { title: 'Version', cell: ({ version }) => h('bdi', {}, version) },
      { title: 'Clients', isNumber: true, cell: ({ instances }) => integer(instances) },
      { title: 'Newest version', cell: clientBar },
    ],
    rows: bySdk,
    key: ({ sdk, version }) => `${sdk} ${version}`,
    empty: 'No client has been seen in the last minutes.',
  });
}

function specTable({ specs }: Clients, { clock }: ViewContext): Child {
  return table({
    caption: 'Clients by spec, those with most clients that are behind first',
    columns: [
      {
        title: 'SDK key',
        isHead: true,
        cell: (spec) => specCell(spec, spec.sdkKey),
      },
      {
        title: 'Version',
        cell: ({ version, heldForS }) => [
          at(version, clock),
          h('span', { class: 'faint' }, 'here since ', agoS(heldForS, clock)),
        ],
      },
      { title: 'Clients', cell: clientBar },
      { title: 'Half took it in', isNumber: true, cell: ({ p50S }) => seconds(p50S) },
      { title: '90 %', isNumber: true, cell: ({ p90S }) => seconds(p90S) },
      { title: '99 %', isNumber: true, cell: ({ p99S }) => seconds(p99S) },
      {
        title: 'Versions held',
        cell: ({ byVersion }) => versionList(byVersion, clock),
      },
      { title: 'SDKs', cell: ({ bySdk }) => sdkList(bySdk) },
    ],
    rows: specs,
    key: specKey,
    empty: 'No client has been seen in the last minutes.',
  });
}

function seconds(value: number | null): string {
  return value === null ? '–' : duration(Math.ceil(value));
}
