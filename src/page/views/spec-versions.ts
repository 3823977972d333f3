// The versions of one spec, each of which can be compared with another and rolled back to.
import { Refused, type SpecName } from '../api.js';
import type { OneSpec, Version, Versions } from '../api-answers.js';
import { h, type Child } from '../element.js';
import { bytes } from '../format.js';
import { diffView } from '../parts/diff-view.js';
import { rollBackButton, specLabel } from '../parts/hold-actions.js';
import { note, section } from '../parts/section.js';
import { table } from '../parts/table.js';
import { ago, at, atIso } from '../parts/time.js';
import { badge } from '../parts/badge.js';
import type { ViewContext } from '../view.js';

export async function versionsSection(
  spec: OneSpec,
  { inForce, versions }: Versions,
  context: ViewContext,
): Promise<Child> {
  return [
    section('Versions', versionTable(spec, inForce, versions, context)),
    versions.length > 1 && section('What changed', await comparison(spec, versions, context)),
  ];
}

function versionTable(
  spec: OneSpec,
  inForce: number | null,
  versions: readonly Version[],
  { clock, holdDialog }: ViewContext,
): Child {
  const label = specLabel(spec.sdkKey, spec);
  return table({
    caption: 'Versions kept, the newest first',
    columns: [
      {
        title: 'Version',
        isHead: true,
        cell: ({ version, versionAt }) => [
          h('span', { class: 'version', title: `version ${version}` }, atIso(versionAt, clock)),
          h('span', { class: 'faint' }, ago(version, clock)),
        ],
      },
      { title: 'Served', cell: ({ version }) => (version === inForce ? badge('good', 'in force') : '–') },
      { title: 'Here since', cell: ({ heldAt }) => atIso(heldAt, clock) },
      {
        title: 'From',
        cell: ({ source, from }) => [
          source,
          from !== null && h('span', { class: 'faint' }, h('bdi', {}, from)),
        ],
      },
      { title: 'Recorded by', cell: ({ replica }) => h('bdi', {}, replica) },
      { title: 'Size', isNumber: true, cell: ({ identityBytes }) => bytes(identityBytes) },
      { title: 'Hash', cell: ({ hash }) => h('code', {}, hash.replaceAll('"', '').slice(0, 10)) },
      {
        title: 'Hold',
        cell: ({ version, versionAt }) =>
          version !== inForce &&
          (inForce === null || version < inForce) &&
          rollBackButton(holdDialog, spec, label, version, atIso(versionAt, clock)),
      },
    ],
    rows: versions,
    key: ({ version }) => String(version),
    empty: 'No version is recorded yet.',
  });
}

/** Of the two newest versions, where the route names no others. */
async function comparison(spec: OneSpec, versions: readonly Version[], context: ViewContext): Promise<Child> {
  const { clock, route, turnTo } = context;
  const [newest, before] = versions;
  const from = chosen(route.query['from'], before?.version ?? 0);
  const to = chosen(route.query['to'], newest?.version ?? 0);
  const choice = (id: string, title: string, value: number): Child =>
    h(
      'label',
      { for: id },
      title,
      h(
        'select',
        {
          id,
          onchange: (event) => {
            turnTo({ from: String(from), to: String(to), [id]: (event.target as HTMLSelectElement).value });
          },
        },
        versions.map(({ version }) =>
          h('option', { value: version, selected: version === value }, at(version, clock).textContent),
        ),
      ),
    );
  return [
    h('div', { class: 'tools' }, choice('from', 'From ', from), choice('to', 'to ', to)),
    await differenceOf(spec, from, to, context),
  ];
}

function chosen(text: string | undefined, otherwise: number): number {
  return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : otherwise;
}

async function differenceOf(spec: SpecName, from: number, to: number, context: ViewContext): Promise<Child> {
  if (from === to) return note('Choose two different versions.');
  try {
    return diffView(await context.diffs.get(spec, from, to, context.signal));
  } catch (error) {
    // A version may have left, and only two pairs are compared at a time: the rest of the view is as good without it.
    if (error instanceof Refused && error.status !== 401) return h('p', { class: 'fault' }, error.message);
    throw error;
  }
}
