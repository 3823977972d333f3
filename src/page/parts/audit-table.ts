// Lines of the audit log as a table: what changed what clients get, the newest first.
import type { Audited } from '../api-answers.js';
import { h, type Child } from '../element.js';
import type { ViewContext } from '../view.js';
import { badge, type Tone } from './badge.js';
import { specCell } from './spec-cell.js';
import { table } from './table.js';
import { ago, at } from './time.js';

const ACTIONS: Readonly<Record<string, readonly [Tone, string]>> = {
  freeze: ['held', 'freeze'],
  rollback: ['held', 'rollback'],
  release: ['good', 'release'],
  refuse: ['held', 'refuse'],
  guard: ['warn', 'held back'],
  hold_over: ['quiet', 'hold over'],
  version: ['quiet', 'new version'],
  removed: ['bad', 'removed'],
};

export function actionBadge(action: string): HTMLElement {
  return badge(...(ACTIONS[action] ?? (['quiet', action] as const)));
}

type Line = Audited & { readonly seq: number; readonly hash?: string };

export function auditTable(
  lines: readonly Line[],
  { clock, names }: Pick<ViewContext, 'clock' | 'names'>,
  empty: string,
): HTMLElement {
  return table({
    caption: 'Changes, the newest first',
    columns: [
      {
        title: 'When',
        isHead: true,
        cell: ({ at: when }) =>
          when === null
            ? '–'
            : [at(Date.parse(when), clock), h('span', { class: 'faint' }, ago(Date.parse(when), clock))],
      },
      { title: 'What', cell: ({ action }) => actionBadge(action) },
      {
        title: 'Spec',
        cell: (line) => specCell(line, names.of(line.keyHash)),
      },
      { title: 'Version', cell: (line) => versionChange(line, clock) },
      {
        title: 'Who',
        cell: ({ who, address }) => [
          h('bdi', {}, who),
          address !== '' && h('span', { class: 'faint' }, address),
        ],
      },
      { title: 'Replica', cell: ({ replica }) => h('bdi', {}, replica) },
      {
        title: 'Reason',
        cell: ({ reason }) => (reason === '' ? '–' : h('bdi', { class: 'reason' }, reason)),
      },
    ],
    rows: lines,
    key: ({ seq, replica, at: when }) => `${replica}/${seq}/${String(when)}`,
    empty,
  });
}

/** Versions are moments, in milliseconds. */
export function versionChange({ old, new: now }: Audited, clock: ViewContext['clock']): Child {
  const version = (value: number | null): Child =>
    value === null ? 'none' : h('span', { class: 'version', title: `version ${value}` }, at(value, clock));
  return h('span', { class: 'change' }, version(old), ' → ', version(now));
}
