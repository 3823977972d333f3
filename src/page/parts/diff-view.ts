// What differs between two versions: names first, then fields and rules with what they were before and after.
import type { Diff } from '../api-answers.js';
import { h, type Child } from '../element.js';
import { plural } from '../format.js';
import { lineDiff, type Line } from '../line-diff.js';
import { badge, type Tone } from './badge.js';

type GroupName = keyof Diff['groups'];
type Group = Diff['groups'][GroupName];
type Detail = Group['details'][number];
type Change = Detail['fields'][number];

const TITLES: Readonly<Record<GroupName, string>> = {
  gates: 'Gates',
  configs: 'Dynamic configs',
  experiments: 'Experiments',
  layers: 'Layers',
  segments: 'Segments',
  paramStores: 'Parameter stores',
};
const KINDS = [
  ['removed', 'bad'],
  ['added', 'good'],
  ['changed', 'warn'],
] as const satisfies readonly (readonly [keyof Group, Tone])[];

export function diffView({ groups }: Diff): Child {
  const shown = (Object.keys(TITLES) as GroupName[]).flatMap(
    (name) => groupView(TITLES[name], groups[name]) ?? [],
  );
  if (shown.length > 0) return shown;
  return h('p', { class: 'empty' }, 'Nothing that has a name differs between these two versions.');
}

/** Undefined where nothing differs. */
function groupView(title: string, group: Group): HTMLElement | undefined {
  const kinds = KINDS.filter(([kind]) => group[kind].count > 0);
  if (kinds.length === 0) return undefined;
  return h(
    'div',
    { class: 'diff', 'data-key': title },
    h('h3', {}, title),
    kinds.map(([kind, tone]) => {
      const { count, names } = group[kind];
      const left = count - names.length;
      return h(
        'div',
        { class: 'names', 'data-key': kind },
        badge(tone, `${count} ${kind}`),
        h(
          'p',
          {},
          names.map((name, index) => [index > 0 && ', ', h('bdi', {}, name)]),
          left > 0 && ` and ${plural(left, 'more', 'more')}`,
        ),
      );
    }),
    group.details.map(detailView),
  );
}

function detailView({ name, fields, rules, areRulesReordered, hasMore }: Detail): HTMLElement {
  return h(
    'details',
    { 'data-key': `of ${name}`, open: true },
    h('summary', {}, h('bdi', {}, name)),
    fields.map((field) => changeView('field', field)),
    rules.map((rule) => changeView('rule', rule)),
    areRulesReordered && h('p', { class: 'faint' }, 'Its rules are in another order.'),
    hasMore && h('p', { class: 'faint' }, 'More differs than is shown here.'),
  );
}

function changeView(what: string, { name, before, after }: Change): HTMLElement {
  return h(
    'div',
    { class: 'before-after' },
    h(
      'p',
      {},
      `${what} `,
      h('bdi', { class: 'code' }, name),
      after === undefined && ' removed',
      before === undefined && ' added',
    ),
    h(
      'pre',
      { tabindex: 0, 'aria-label': `${what} ${name}: lines removed and added` },
      linesOf(before, after).map(({ kind, text }) =>
        h('span', { class: `line ${kind}` }, h('span', { class: 'mark' }, MARKS[kind]), text, '\n'),
      ),
    ),
  );
}

/** In the text too: whoever copies it, or does not see colours, has them as well. */
const MARKS: Readonly<Record<Line['kind'], string>> = { same: '  ', removed: '- ', added: '+ ' };

function linesOf(before: unknown, after: unknown): readonly Line[] {
  const whole = (kind: Line['kind'], value: unknown): readonly Line[] =>
    textOf(value)
      .split('\n')
      .map((text) => ({ kind, text }));
  if (before === undefined) return whole('added', after);
  if (after === undefined) return whole('removed', before);
  return lineDiff(textOf(before), textOf(after));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}
