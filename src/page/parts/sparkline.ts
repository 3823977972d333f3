// How long the last updates took to reach the clients: a bar for each, the newest on the right, and the newest in words.
import type { OneSpec } from '../api-answers.js';
import { h, svg, type Child } from '../element.js';
import { duration, plural } from '../format.js';

const BAR_WIDTH = 5;
const GAP = 2;
const HEIGHT = 18;
const LEAST = 2;

export function sparkline(all: OneSpec['updates']): Child {
  // The first version of a spec finds nobody who could take it.
  const updates = all.filter(({ clients }) => clients > 0);
  const newest = updates.at(-1);
  if (newest === undefined) return h('span', { class: 'faint' }, '–');
  const slowest = Math.max(...updates.map(slowestOf), 1);
  const width = updates.length * (BAR_WIDTH + GAP) - GAP;
  const bars = updates.map((update, index) => {
    const height = Math.max(LEAST, (HEIGHT * slowestOf(update)) / slowest);
    return svg('rect', {
      class: isComplete(update) ? 'done' : 'pending',
      x: index * (BAR_WIDTH + GAP),
      y: (HEIGHT - height).toFixed(1),
      width: BAR_WIDTH,
      height: height.toFixed(1),
    });
  });
  const text = describe(newest);
  return h(
    'span',
    { class: 'spark', title: `The last ${plural(updates.length, 'update')}; the newest: ${text}` },
    svg('svg', { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, 'aria-hidden': 'true' }, bars),
    h('span', {}, text),
  );
}

type Update = OneSpec['updates'][number];

function slowestOf({ p50S, p90S, p99S }: Update): number {
  return p99S ?? p90S ?? p50S ?? 0;
}

function isComplete({ p99S }: Update): boolean {
  return p99S !== null;
}

function describe({ p50S, p90S, p99S }: Update): string {
  if (p99S !== null) return `99 % in ${duration(Math.ceil(p99S))}`;
  if (p90S !== null) return `90 % in ${duration(Math.ceil(p90S))}`;
  return p50S === null ? 'under way' : `half in ${duration(Math.ceil(p50S))}`;
}
