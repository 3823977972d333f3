// How many clients have the newest version, an older one, or none: a bar, and the same in words.
import type { PageClock } from '../clock.js';
import { h, svg, type Child } from '../element.js';
import { integer, plural } from '../format.js';
import { at } from './time.js';

export interface ClientCounts {
  readonly instances: number;
  readonly newest: number;
  readonly older: number;
  readonly none: number;
}

const WIDTH = 72;
const HEIGHT = 6;
const PARTS = ['newest', 'older', 'none'] as const;

export function clientBar(counts: ClientCounts): Child {
  const { instances, newest, older, none } = counts;
  if (instances === 0) return h('span', { class: 'faint' }, 'none seen');
  const behind = [older > 0 && `${integer(older)} behind`, none > 0 && `${integer(none)} without`];
  return h(
    'span',
    {
      class: 'clients',
      title: `${integer(newest)} have the newest, ${integer(older)} an older one, ${integer(none)} none`,
    },
    bar(counts),
    h(
      'span',
      {},
      newest === instances ? `all ${integer(instances)}` : `${integer(newest)} of ${integer(instances)}`,
    ),
    h('span', { class: 'behind' }, behind.filter((part) => part !== false).join(', ')),
  );
}

function bar(counts: ClientCounts): SVGElement {
  let x = 0;
  const parts = PARTS.map((part) => {
    const width = (WIDTH * counts[part]) / counts.instances;
    const rect = svg('rect', { class: part, x: x.toFixed(2), y: 0, width: width.toFixed(2), height: HEIGHT });
    x += width;
    return rect;
  });
  return svg(
    'svg',
    { class: 'bar', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, 'aria-hidden': 'true' },
    parts,
  );
}

interface OfSdk extends ClientCounts {
  readonly sdk: string;
  readonly version: string;
}

const SDKS_SHOWN_MAX = 3;

/** "statsig-node 5.1.0 × 40". */
export function sdkList(bySdk: readonly OfSdk[]): Child {
  const shown = bySdk.slice(0, SDKS_SHOWN_MAX);
  const left = bySdk.length - shown.length;
  return h(
    'ul',
    { class: 'plain' },
    shown.map(({ sdk, version, instances }) =>
      h('li', {}, h('bdi', {}, `${sdk} ${version}`), ` × ${integer(instances)}`),
    ),
    left > 0 && h('li', { class: 'faint' }, `and ${plural(left, 'more SDK')}`),
  );
}

/** "09:14:03 × 40"; 0 is the version of clients that hold none. */
export function versionList(
  byVersion: readonly { readonly version: number; readonly instances: number }[],
  clock: PageClock,
): Child {
  return h(
    'ul',
    { class: 'plain' },
    byVersion.map(({ version, instances }) =>
      h('li', {}, version === 0 ? 'none' : at(version, clock), ` × ${integer(instances)}`),
    ),
  );
}
