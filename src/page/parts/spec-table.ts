// The table of specs: what every service has, since when, from where, and who has taken it.
import type { Spec } from '../api-answers.js';
import { h, type Child } from '../element.js';
import { bytes, integer } from '../format.js';
import { shortHash } from '../key-names.js';
import type { PageClock } from '../clock.js';
import { badge, stateBadge } from './badge.js';
import { clientBar, sdkList } from './client-bar.js';
import { sparkline } from './sparkline.js';
import { specCell, specKey } from './spec-cell.js';
import { table, type Column } from './table.js';
import { agoS, atIso } from './time.js';

/** A version that clients have had for less than this is news. */
const NEW_S = 300;
/** Polls come every ten seconds where nobody says otherwise. */
const STALE_S = 60;

export function specTable(specs: readonly Spec[], clock: PageClock, empty: string): HTMLElement {
  return table({
    caption: 'Specs: what is held of each, since when, from where, and who has it',
    columns: columns(clock),
    rows: specs,
    key: specKey,
    empty,
  });
}

function columns(clock: PageClock): readonly Column<Spec>[] {
  return [
    {
      title: 'SDK key',
      isHead: true,
      cell: (spec) => [
        specCell(spec, spec.sdkKey, spec.isPinned ? ', pinned' : ''),
        h('code', { class: 'faint', title: 'SHA-256 of the SDK key' }, shortHash(spec.keyHash)),
      ],
    },
    { title: 'State', cell: stateBadge },
    { title: 'Version', cell: (spec) => versionOf(spec, clock) },
    { title: 'Confirmed', cell: (spec) => confirmed(spec, clock) },
    { title: 'From', cell: sourceOf },
    {
      title: 'Size',
      isNumber: true,
      isMinor: true,
      cell: ({ identityBytes }) => (identityBytes === null ? '–' : bytes(identityBytes)),
    },
    { title: 'Clients', cell: ({ clients }) => clientBar(clients) },
    { title: 'Propagation', isMinor: true, cell: ({ updates }) => sparkline(updates) },
    { title: 'Streams', isNumber: true, isMinor: true, cell: ({ streams }) => integer(streams) },
    {
      title: 'Requests/min',
      isNumber: true,
      isMinor: true,
      cell: ({ requestsPerMinute }) => integer(requestsPerMinute),
    },
    { title: 'SDKs', isMinor: true, cell: ({ bySdk }) => (bySdk.length === 0 ? '–' : sdkList(bySdk)) },
  ];
}

function versionOf({ version, versionAt, heldForS }: Spec, clock: PageClock): Child {
  if (version === null) return '–';
  return [
    h(
      'span',
      { class: 'version', title: `version ${version}` },
      atIso(versionAt, clock),
      heldForS !== null && heldForS < NEW_S && [' ', badge('quiet', 'new')],
    ),
    heldForS !== null && h('span', { class: 'faint' }, 'here ', agoS(heldForS, clock)),
  ];
}

function confirmed({ confirmedAgoS, lastPoll }: Spec, clock: PageClock): Child {
  const when = confirmedAgoS === null ? 'never' : agoS(confirmedAgoS, clock);
  const isStale = confirmedAgoS === null || confirmedAgoS > STALE_S;
  return [
    h('span', { class: isStale ? 'stale' : undefined }, when),
    lastPoll?.reason !== null &&
      lastPoll?.reason !== undefined &&
      h('span', { class: 'faint' }, h('bdi', {}, lastPoll.reason)),
  ];
}

function sourceOf({ source, from }: Pick<Spec, 'source' | 'from'>): Child {
  if (source === null) return '–';
  return [source, from !== null && h('span', { class: 'faint' }, h('bdi', {}, from))];
}
