// The first view: is all well, what is wrong and what to do, what is held, what changed last, and what every service has.
import { Refused } from '../api.js';
import type { Audit, Problem, Specs, Status } from '../api-answers.js';
import { h, link, type Child } from '../element.js';
import { integer, plural } from '../format.js';
import { routeOf } from '../key-names.js';
import { badge, sign, VERDICT_TONES } from '../parts/badge.js';
import { changeList } from '../parts/change-list.js';
import { describeHold, releaseButtons, specLabel } from '../parts/hold-actions.js';
import { facts, note, section } from '../parts/section.js';
import { searchBox } from '../parts/search-box.js';
import { specKey } from '../parts/spec-cell.js';
import { specTable } from '../parts/spec-table.js';
import { agoIso, agoS } from '../parts/time.js';
import { toHash, withQuery } from '../router.js';
import type { View, ViewContext } from '../view.js';

const SPECS_SHOWN = 50;
const CHANGES_SHOWN = 6;
/** The table of specs shows the others, before those that are well. */
const HOLDS_SHOWN = 20;

export const overview: View = {
  title: 'Overview',
  show: async (context) => {
    const { api, route, signal, names } = context;
    const { search = '', cursor = '' } = route.query;
    const [status, specs, holds, changes] = await Promise.all([
      context.status,
      api.specs({ limit: SPECS_SHOWN, search, cursor }, signal),
      api.holds(signal),
      lastChanges(context),
    ]);
    names.note(specs.specs);
    const inForce = holds.holds.filter(({ state }) => state !== 'over');
    await names.learn(
      [...inForce.slice(0, HOLDS_SHOWN), ...(typeof changes === 'string' ? [] : changes)].map(
        ({ keyHash }) => keyHash,
      ),
      signal,
    );
    return [
      verdict(status),
      summary(status, specs, context),
      h(
        'div',
        { class: 'split' },
        (status.problems.length > 0 || inForce.length > 0) &&
          h('div', {}, problems(status.problems, context), held(inForce, context)),
        section(
          'What changed last',
          typeof changes === 'string' ? note(changes) : changeList(changes, context),
          typeof changes !== 'string' &&
            changes.length === 0 &&
            note('Nothing has changed since the audit log began.'),
          link('/audit', { class: 'more' }, 'All of the audit log'),
        ),
      ),
      section('Specs', specList(specs, context)),
    ];
  },
};

const VERDICTS: Readonly<Record<Status['status'], readonly [string, string]>> = {
  ok: ['All is well', 'Nothing is wrong that this replica knows of.'],
  degraded: ['Degraded', 'Clients get what they ask for, but something needs to be looked at.'],
  failing: ['Failing', 'Some clients do not get what they ask for, or their log events are not accepted.'],
};

function verdict({ status }: Status): Child {
  const [title, meaning] = VERDICTS[status];
  const tone = VERDICT_TONES[status];
  return h(
    'div',
    { class: `banner ${tone}` },
    sign(tone),
    h('div', {}, h('h1', { tabindex: -1 }, title), h('p', {}, meaning)),
  );
}

/** Or why there are none. */
async function lastChanges({ api, signal }: ViewContext): Promise<Audit['lines'] | string> {
  try {
    return (await api.audit(CHANGES_SHOWN, signal)).lines.toReversed();
  } catch (error) {
    // Kept nowhere, without a data directory and Redis: the rest of the page is as good without it.
    if (error instanceof Refused && error.reason === 'versions_unreadable') return error.message;
    throw error;
  }
}

function summary(
  { specs, isLeader, uptimeS, cache }: Status,
  { total }: Specs,
  { clock }: ViewContext,
): Child {
  return facts(
    ['Specs held', `${integer(specs.held)} of ${integer(total)}`],
    ['SDK keys', integer(specs.sdkKeys)],
    ['Polls failing', specs.failing === 0 ? 'none' : integer(specs.failing)],
    [
      'Longest unconfirmed',
      specs.oldestConfirmedAgoS === null ? '–' : agoS(specs.oldestConfirmedAgoS, clock),
    ],
    ['Kept in', cache === 'disabled' ? 'memory only' : cache],
    ['Leads the fleet', isLeader === null ? undefined : isLeader ? 'this replica' : 'another replica'],
    ['Running since', agoS(uptimeS, clock)],
  );
}

function problems(all: readonly Problem[], { clock }: ViewContext): Child {
  if (all.length === 0) return false;
  return section(
    plural(all.length, 'problem'),
    h(
      'ul',
      { class: 'cards problems' },
      all.map(({ reason, severity, what, since, count, remedy }) =>
        h(
          'li',
          { 'data-key': reason + what, class: `card ${VERDICT_TONES[severity]}` },
          h('p', { class: 'what' }, badge(VERDICT_TONES[severity], severity), ' ', h('bdi', {}, what)),
          h('p', { class: 'remedy' }, h('strong', {}, 'What to do: '), remedy),
          h(
            'p',
            { class: 'faint' },
            h('code', {}, reason),
            count > 1 && ` × ${integer(count)}`,
            ' since ',
            agoIso(since, clock),
          ),
        ),
      ),
    ),
  );
}

function held(holds: readonly Held[], context: ViewContext): Child {
  if (holds.length === 0) return false;
  const { route } = context;
  return section(
    'Held now',
    h(
      'ul',
      { class: 'cards' },
      holds.slice(0, HOLDS_SHOWN).map((hold) => heldCard(hold, context)),
    ),
    holds.length > HOLDS_SHOWN &&
      link(
        toHash(withQuery(route, { search: 'held', cursor: '' })),
        { class: 'more' },
        `${integer(holds.length - HOLDS_SHOWN)} more, among the specs below`,
      ),
  );
}

type Held = Awaited<ReturnType<ViewContext['api']['holds']>>['holds'][number];

function heldCard(hold: Held, { clock, names, holdDialog }: ViewContext): HTMLElement {
  const label = specLabel(names.of(hold.keyHash), hold);
  return h(
    'li',
    { class: 'card held', 'data-key': specKey(hold) },
    h('p', { class: 'what' }, link(routeOf(hold), {}, h('bdi', {}, label)), ' ', describeHold(hold, clock)),
    h('p', { class: 'buttons' }, releaseButtons(holdDialog, hold, label)),
  );
}

function specList({ specs, total, matching, next }: Specs, context: ViewContext): Child {
  const { clock, route, turnTo } = context;
  const { search = '', cursor = '' } = route.query;
  const empty =
    total === 0 ? 'No SDK has asked for a spec yet, and none is pinned.' : 'No spec has these words.';
  return [
    h(
      'div',
      { class: 'tools' },
      searchBox({
        label: 'Search by key, API or state',
        value: search,
        clock,
        search: (text) => {
          turnTo({ search: text, cursor: '' });
        },
      }),
      h(
        'span',
        { class: 'faint', role: 'status' },
        search === '' ? plural(total, 'spec') : `${integer(matching)} of ${plural(total, 'spec')}`,
      ),
    ),
    specTable(specs, clock, empty),
    h(
      'p',
      { class: 'pages' },
      cursor !== '' && link(toHash(withQuery(route, { cursor: '' })), {}, 'First page'),
      next !== null && link(toHash(withQuery(route, { cursor: next })), {}, 'Next page'),
    ),
  ];
}
