// One spec: what is held of it and by whom, its versions and what changed between two of them, a context to try, its clients, polls and backups.
import type { SpecName } from '../api.js';
import type { OneSpec, Version } from '../api-answers.js';
import { h, link, type Child } from '../element.js';
import { bytes, duration, integer } from '../format.js';
import { stateBadge } from '../parts/badge.js';
import { clientBar, sdkList, versionList } from '../parts/client-bar.js';
import { describeHold, freezeButton, releaseButtons, specLabel } from '../parts/hold-actions.js';
import { facts, heading, note, section } from '../parts/section.js';
import { sparkline } from '../parts/sparkline.js';
import { table } from '../parts/table.js';
import { agoIso, agoS, at, atIso } from '../parts/time.js';
import { shortHash } from '../key-names.js';
import type { View, ViewContext } from '../view.js';
import { trialSection } from './spec-trial.js';
import { versionsSection } from './spec-versions.js';

const CLIENTS_SHOWN = 100;

export const oneSpec: View = {
  title: 'Spec',
  show: async (context) => {
    const { api, route, signal, names } = context;
    const [keyHash = '', apiName = '', format = ''] = route.rest;
    const name: SpecName = { keyHash, api: apiName, format };
    const [spec, versions, clients] = await Promise.all([
      api.spec(name, signal),
      api.versions(name, signal),
      api.specClients(name, CLIENTS_SHOWN, signal),
    ]);
    names.note([spec]);
    return [
      link('/', { class: 'back' }, '← All specs'),
      heading(h('bdi', {}, specLabel(spec.sdkKey, spec)), stateBadge(spec)),
      holdPanel(spec, context),
      summary(spec, versions.versions, context),
      await versionsSection(spec, versions, context),
      await trialSection(spec, context),
      clientsSection(spec, clients, context),
      pollsSection(spec, context),
      backupsSection(spec, context),
    ];
  },
};

function holdPanel(spec: OneSpec, { clock, holdDialog }: ViewContext): Child {
  const label = specLabel(spec.sdkKey, spec);
  const { hold } = spec;
  const isHeld = hold !== null && hold.state !== 'over';
  const inForce = spec.versionAt === null ? '' : at(Date.parse(spec.versionAt), clock);
  return h(
    'div',
    { class: `card ${isHeld ? 'held' : ''}` },
    h(
      'p',
      { class: 'what' },
      isHeld ? describeHold(hold, clock) : 'Nothing holds this spec: what the origin sends is served.',
    ),
    h(
      'p',
      { class: 'buttons' },
      isHeld && releaseButtons(holdDialog, hold, label),
      !isHeld && freezeButton(holdDialog, spec, label, inForce),
    ),
  );
}

function summary(spec: OneSpec, versions: readonly Version[], { clock }: ViewContext): Child {
  const { version, source, from, identityBytes, confirmedAgoS } = spec;
  const hash = versions.find((each) => each.version === version)?.hash;
  return facts(
    [
      'Version',
      version === null
        ? 'none'
        : [atIso(spec.versionAt, clock), ' ', h('span', { class: 'faint' }, agoIso(spec.versionAt, clock))],
    ],
    ['Number', version === null ? undefined : h('code', {}, String(version))],
    ['Here since', spec.heldForS === null ? undefined : agoS(spec.heldForS, clock)],
    ['Confirmed', confirmedAgoS === null ? 'never' : agoS(confirmedAgoS, clock)],
    ['From', source === null ? undefined : [source, from !== null && [' (', h('bdi', {}, from), ')']]],
    ['Size', identityBytes === null ? undefined : bytes(identityBytes)],
    ['Sent as', spec.bytes === null ? undefined : formsOf(spec.formBytes)],
    ['Key hash', h('code', {}, shortHash(spec.keyHash))],
    ['Hash', hash === undefined ? undefined : h('code', {}, hash)],
    ['Streams', integer(spec.streams)],
    ['Requests', `${integer(spec.requestsPerMinute)} a minute`],
    ['Pinned', spec.isPinned ? 'yes' : 'no'],
  );
}

function formsOf(forms: OneSpec['formBytes']): string {
  return Object.entries(forms)
    .map(([encoding, size]) => `${encoding} ${bytes(Number(size))}`)
    .join(', ');
}

type Clients = Awaited<ReturnType<ViewContext['api']['specClients']>>;

function clientsSection(spec: OneSpec, { clients, leftOut }: Clients, { clock }: ViewContext): Child {
  return section(
    'Clients',
    facts(
      ['Have the newest version', clientBar(spec.clients)],
      ['Updates taken', sparkline(spec.updates)],
      ['SDKs', spec.bySdk.length === 0 ? 'none seen' : sdkList(spec.bySdk)],
      ['Versions held', spec.byVersion.length === 0 ? undefined : versionList(spec.byVersion, clock)],
    ),
    table({
      caption: 'Clients, those that are behind first',
      columns: [
        {
          title: 'Client',
          isHead: true,
          cell: ({ session, isStream }) =>
            h('bdi', { class: 'code' }, session ?? (isStream ? 'a stream' : 'unnamed')),
        },
        { title: 'SDK', cell: ({ sdk, sdkVersion }) => h('bdi', {}, `${sdk} ${sdkVersion}`) },
        { title: 'Has', cell: ({ holding }) => HOLDINGS[holding] },
        { title: 'Version', cell: ({ holds }) => (holds === 0 ? '–' : at(holds, clock)) },
        { title: 'By', cell: ({ isStream }) => (isStream ? 'stream' : 'polls') },
        { title: 'Seen', cell: ({ seenAgoS }) => agoS(seenAgoS, clock) },
        { title: 'First seen', cell: ({ firstSeenAgoS }) => agoS(firstSeenAgoS, clock) },
      ],
      rows: clients.map((client, index) => ({ ...client, index })),
      key: ({ session, index }) => session ?? `unnamed ${index}`,
      empty: 'No client of this spec has been seen in the last minutes.',
    }),
    leftOut > 0 && note(`${integer(leftOut)} more are not shown.`),
  );
}

const HOLDINGS = { newest: 'the newest', older: 'an older one', none: 'none yet' } as const;

const POLLS: Readonly<Record<OneSpec['polls']['outcomes'][number]['kind'], string>> = {
  updated: 'brought a new version',
  unchanged: 'nothing new',
  unauthorized: 'the key was refused',
  failed: 'failed',
  confirmed_by_fleet: 'another replica asked',
};

function pollsSection({ polls }: OneSpec, { clock }: ViewContext): Child {
  const { intervalS, nextInS, failuresInARow, outcomes } = polls;
  return section(
    'Polls',
    facts(
      ['Every', duration(intervalS)],
      ['Next', nextInS === null ? 'none is due' : agoS(-nextInS, clock)],
      ['Failed in a row', integer(failuresInARow)],
    ),
    table({
      caption: 'Polls, the newest first',
      columns: [
        { title: 'Outcome', isHead: true, cell: ({ kind }) => POLLS[kind] },
        { title: 'Times', isNumber: true, cell: ({ count }) => integer(count) },
        { title: 'From', cell: ({ since }) => atIso(since, clock) },
        { title: 'To', cell: ({ until }) => atIso(until, clock) },
        { title: 'Why', cell: ({ reason }) => (reason === null ? '–' : h('bdi', {}, reason)) },
      ],
      rows: outcomes.toReversed(),
      key: ({ since, kind }) => `${String(since)} ${kind}`,
      empty: 'This replica has not polled it yet.',
    }),
  );
}

function backupsSection({ backups }: OneSpec, { clock }: ViewContext): Child {
  return section(
    'Backups',
    table({
      caption: 'Where this spec outlives the process',
      columns: [
        { title: 'Place', isHead: true, cell: ({ place }) => place },
        {
          title: 'Last',
          cell: ({ last }) => (last === null ? 'nothing yet' : h('bdi', {}, last.replaceAll('_', ' '))),
        },
        { title: 'When', cell: ({ lastAt }) => agoIso(lastAt, clock) },
        { title: 'Stored', cell: ({ storedAt }) => agoIso(storedAt, clock) },
      ],
      rows: backups,
      key: ({ place }) => place,
      empty: 'None: it is in memory only.',
    }),
  );
}
