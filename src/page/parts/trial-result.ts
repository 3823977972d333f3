// What configs are for a context: each with its overrides, the one whose value counts, and a reason for every condition.
import type { Evaluated, JudgedCondition } from '../api-answers.js';
import type { PageClock } from '../clock.js';
import type { Context } from '../context-text.js';
import { h, type Child } from '../element.js';
import { plural } from '../format.js';
import { CONFIGS_SHOWN_MAX } from '../trials.js';
import { badge, type Tone } from './badge.js';
import { at } from './time.js';

type Config = Evaluated['configs'][number];
type Override = Config['overrides'][number];

/** More configs than these are shown folded, each in a line. */
const UNFOLDED_MAX = 5;
/** Overrides and conditions in one view: each is a handful of elements. */
const ITEMS_MAX = 500;
/** Of a value in a line, of one that has lines of its own, and of a name. */
const LINE_CHARACTERS_MAX = 120;
const TEXT_CHARACTERS_MAX = 2_000;
const NAME_CHARACTERS_MAX = 200;

interface Room {
  /** Overrides and conditions that wanted to be shown. */
  items: number;
}

/** `showUpTo`: asks the same again with another limit. */
export function trialResult(
  { version, configs, leftOut }: Evaluated,
  context: Context,
  limit: number,
  clock: PageClock,
  showUpTo: (limit: number) => void,
): Child {
  const room: Room = { items: 0 };
  const isOpen = configs.length <= UNFOLDED_MAX;
  const overridden = configs.filter(({ override }) => override !== null).length;
  const shown = configs.map((config) => configView(config, isOpen, room));
  return [
    h(
      'p',
      { class: 'tried', role: 'status' },
      configs.length === 0
        ? 'No config has such a name.'
        : [
            `${plural(configs.length, 'config')}, ${overridden} with an override that matches, in the version of `,
          ],
      configs.length > 0 && [at(version, clock), ', for the context ', codeOf(context)],
    ),
    shown.length > 0 && h('ul', { class: 'plain configs' }, shown),
    room.items > ITEMS_MAX &&
      h('p', { class: 'note' }, 'More overrides and conditions are not shown: look for fewer configs.'),
    leftOut > 0 && leftOutView(leftOut, limit, showUpTo),
  ];
}

function leftOutView(leftOut: number, limit: number, showUpTo: (limit: number) => void): Child {
  return h(
    'p',
    { class: 'note' },
    `${plural(leftOut, 'more config is', 'more configs are')} not shown: at most ${limit}, and 4 MiB of them together, are tried at one time. `,
    limit < CONFIGS_SHOWN_MAX &&
      h(
        'button',
        {
          type: 'button',
          onclick: () => {
            showUpTo(CONFIGS_SHOWN_MAX);
          },
        },
        `Show up to ${CONFIGS_SHOWN_MAX}`,
      ),
  );
}

function configView(config: Config, isOpen: boolean, room: Room): HTMLElement {
  const { name, value, override, overrides } = config;
  const by = override === null ? undefined : overrides[override];
  const head = [
    h('bdi', { class: 'code' }, cut(name, NAME_CHARACTERS_MAX)),
    ' ',
    h('bdi', { class: 'code value' }, cut(textOf(value), LINE_CHARACTERS_MAX)),
    ' ',
    by === undefined
      ? h('span', { class: 'faint' }, overrides.length === 0 ? 'has no overrides' : 'no override matches')
      : [badge('good', 'override'), ' ', h('bdi', {}, cut(by.name, NAME_CHARACTERS_MAX))],
  ];
  const isLong = textOf(value).length > LINE_CHARACTERS_MAX;
  if (overrides.length === 0 && !isLong) return h('li', { 'data-key': name }, head);
  return h(
    'li',
    { 'data-key': name },
    h(
      'details',
      // Of its own key, as a reader's folding is left as it is.
      { 'data-key': String(isOpen), open: isOpen },
      h('summary', {}, head),
      overridesView(config, room),
      by !== undefined && h('p', {}, 'Without an override: ', valueView(config.baseValue)),
      by === undefined && isLong && valueView(value),
    ),
  );
}

function overridesView({ override: counting, overrides }: Config, room: Room): Child {
  const shown: HTMLElement[] = [];
  for (const [index, override] of overrides.entries()) {
    if (!takes(room)) break;
    shown.push(overrideView(override, index === counting, room));
  }
  return shown.length > 0 && h('ol', { class: 'overrides' }, shown);
}

function overrideView(
  { name, result, value, conditions }: Override,
  isCounting: boolean,
  room: Room,
): HTMLElement {
  return h(
    'li',
    { class: isCounting ? 'counting' : undefined },
    h(
      'p',
      {},
      resultBadge(result),
      ' ',
      h('bdi', {}, cut(name, NAME_CHARACTERS_MAX)),
      ': ',
      valueView(value),
      result === 'matched' && !isCounting && h('span', { class: 'faint' }, ' an earlier one counts'),
    ),
    conditions.length === 0 && h('p', { class: 'faint' }, 'It has no conditions.'),
    conditionsView(conditions, room),
  );
}

function conditionsView(conditions: readonly JudgedCondition[], room: Room): Child {
  const shown: HTMLElement[] = [];
  for (const condition of conditions) {
    if (!takes(room)) break;
    const { result, reason } = condition;
    shown.push(
      h(
        'li',
        {},
        resultBadge(result),
        ' ',
        h('bdi', { class: 'code' }, cut(wordsOf(condition), TEXT_CHARACTERS_MAX)),
        ' ',
        h('bdi', { class: 'faint' }, reason),
        conditionsView(condition.conditions ?? [], room),
      ),
    );
  }
  return shown.length > 0 && h('ul', { class: 'conditions' }, shown);
}

/** A place for one more. */
function takes(room: Room): boolean {
  room.items += 1;
  return room.items <= ITEMS_MAX;
}

const RESULTS: Readonly<Record<JudgedCondition['result'], readonly [Tone, string]>> = {
  matched: ['good', 'matched'],
  not_matched: ['quiet', 'not matched'],
  unknown: ['warn', 'unknown'],
};

function resultBadge(result: JudgedCondition['result']): HTMLElement {
  return badge(...RESULTS[result]);
}

const GROUPS: ReadonlyMap<string, string> = new Map([
  ['and', 'all of'],
  ['or', 'any of'],
  ['not', 'not'],
]);

function wordsOf({ operator, asks }: JudgedCondition): string {
  const group = GROUPS.get(operator);
  if (group !== undefined) return group;
  const { property, value, fromPercentage, toPercentage, seed } = asks;
  if (typeof property !== 'string') return `${operator} ${textOf(asks)}`;
  if (operator === 'segmentation') {
    return `${property} in ${textOf(fromPercentage)} to ${textOf(toPercentage)} % with seed ${textOf(seed)}`;
  }
  return `${property} ${operator.replaceAll('_', ' ')} ${textOf(value)}`;
}

/** As JSON: "1" is not 1. */
function textOf(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

function codeOf(value: unknown): HTMLElement {
  return h('bdi', { class: 'code' }, cut(textOf(value), TEXT_CHARACTERS_MAX));
}

function valueView(value: unknown): HTMLElement {
  if (textOf(value).length <= LINE_CHARACTERS_MAX) return codeOf(value);
  return h(
    'pre',
    { tabindex: 0, 'aria-label': 'value' },
    cut(JSON.stringify(value, null, 2), TEXT_CHARACTERS_MAX),
  );
}

function cut(text: string, charactersMax: number): string {
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax)}…`;
}
