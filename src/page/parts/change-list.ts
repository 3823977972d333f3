// What changed last, in a few lines: when, what, of which spec, by whom and why.
import type { Audited } from '../api-answers.js';
import { h, link } from '../element.js';
import { routeOf } from '../key-names.js';
import type { ViewContext } from '../view.js';
import { actionBadge, versionChange } from './audit-table.js';
import { specLabel } from './hold-actions.js';
import { ago } from './time.js';

type Line = Audited & { readonly seq: number };

export function changeList(
  lines: readonly Line[],
  { clock, names }: Pick<ViewContext, 'clock' | 'names'>,
): HTMLElement {
  return h(
    'ul',
    { class: 'changes' },
    lines.map((line) =>
      h(
        'li',
        { 'data-key': `${line.replica}/${line.seq}/${String(line.at)}` },
        h('span', { class: 'when' }, line.at === null ? '–' : ago(Date.parse(line.at), clock)),
        h(
          'span',
          {},
          actionBadge(line.action),
          ' ',
          link(routeOf(line), {}, h('bdi', {}, specLabel(names.of(line.keyHash), line))),
          ' ',
          versionChange(line, clock),
          h('span', { class: 'faint' }, ' by ', h('bdi', {}, line.who)),
          line.reason !== '' && [': ', h('bdi', { class: 'reason' }, line.reason)],
        ),
      ),
    ),
  );
}
