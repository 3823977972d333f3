// Tables: one description of columns for wide screens, and for narrow ones, where each row is a card that names its cells.
import { h, type Child } from '../element.js';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Child;
  /** Numbers are on the right. */
  readonly isNumber?: boolean;
  /** Names its row: for screen readers, and as the head of a card. */
  readonly isHead?: boolean;
  /** Left out on narrow screens: the row's own view says it too. */
  readonly isMinor?: boolean;
}

interface TableOptions<Row> {
  /** Says what the rows are, to people who do not see it. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** The same row has the same key at the next refresh. */
  readonly key: (row: Row) => string;
  readonly empty: string;
}

export function table<Row>({ caption, columns, rows, key, empty }: TableOptions<Row>): HTMLElement {
  if (rows.length === 0) return h('p', { class: 'empty' }, empty);
  const head = columns.map((column) => h('th', { scope: 'col', class: classOf(column) }, column.title));
  const body = rows.map((row) =>
    h(
      'tr',
      { 'data-key': key(row) },
      columns.map((column) => {
        const attributes = { 'data-title': column.title, class: classOf(column) };
        const content = column.cell(row);
        if (column.isHead === true) return h('th', { ...attributes, scope: 'row' }, content);
        return h('td', attributes, content);
      }),
    ),
  );
  return h(
    'table',
    {},
    h('caption', { class: 'unseen' }, caption),
    h('thead', {}, h('tr', {}, head)),
    h('tbody', {}, body),
  );
}

function classOf({ isNumber = false, isMinor = false }: Omit<Column<never>, 'cell'>): string | undefined {
  const names = [isNumber && 'number', isMinor && 'minor'].filter((name) => name !== false);
  return names.length === 0 ? undefined : names.join(' ');
}
