// The grammar of JSON as a table: which state follows each byte in each state. Nesting is not in it: brackets are tracked separately.
import { BACKSLASH, QUOTE, SPACE } from './json-bytes.js';

/** What the table has instead of a state; every state is smaller. */
export const OPENS_OBJECT = 0xf0;
export const OPENS_ARRAY = 0xf1;
export const CLOSES = 0xf2;
export const MISPLACED = 0xff;

const WHITE_SPACE = ' \t\n\r';
const DIGITS = '0123456789';
const HEX_DIGITS = `${DIGITS}abcdefABCDEF`;
const LITERALS = ['true', 'false', 'null'];
/** The bytes that stand for themselves in strings: UTF-8 is checked elsewhere. */
const PLAIN = Array.from({ length: 0x100 - SPACE }, (_none, index) => index + SPACE).filter(
  (byte) => byte !== QUOTE && byte !== BACKSLASH,
);

type Next = string | number;

/** The text of strings, outside of escapes. These states come first, so that one comparison tells them from all others. */
const TEXTS = ['name string', 'member string', 'element string'];
/** States below this are in the text of a string. */
export const TEXT_STATES_END = TEXTS.length;

/** What follows which bytes, by the names of states. */
const rows = new Map<string, Map<number, Next>>(TEXTS.map((state) => [state, new Map()]));

addString('name string', 'before colon');
on('before colon', WHITE_SPACE, 'before colon');
on('before colon', ':', 'before member');
for (const [state, mayClose] of [
  ['first name', true],
  ['name', false],
] as const) {
  on(state, WHITE_SPACE, state);
  on(state, '"', 'name string');
  if (mayClose) on(state, '}', CLOSES);
}
addValue('member', ['before member'], 'name', '}');
addValue('element', ['before element', 'first element'], 'before element', ']');
on('first element', ']', CLOSES);
on('start', WHITE_SPACE, 'start');
on('start', '{', OPENS_OBJECT);
on('done', WHITE_SPACE, 'done');

function on(state: string, characters: string | readonly number[], next: Next): void {
  const row = rows.get(state) ?? new Map<number, Next>();
  rows.set(state, row);
  const bytes = typeof characters === 'string' ? Buffer.from(characters) : characters;
  for (const byte of bytes) row.set(byte, next);
}

function addString(state: string, after: string): void {
  on(state, PLAIN, state);
  on(state, '"', after);
  on(state, '\\', `${state}: escape`);
  on(`${state}: escape`, '"\\/bfnrt', state);
  on(`${state}: escape`, 'u', `${state}: hex 1`);
  for (const digit of [1, 2, 3]) on(`${state}: hex ${digit}`, HEX_DIGITS, `${state}: hex ${digit + 1}`);
  on(`${state}: hex 4`, HEX_DIGITS, state);
}

/** The values of an object's members, or of an array's elements: `before` are the states in which one may begin. */
function addValue(kind: string, before: readonly string[], next: string, closing: string): void {
  const after = `after ${kind}`;
  addString(`${kind} string`, after);
  addNumber(kind);
  for (const word of LITERALS) {
    for (let at = 1; at < word.length; at += 1) {
      const isLast = at === word.length - 1;
      on(`${kind} ${word} ${at}`, word.charAt(at), isLast ? after : `${kind} ${word} ${at + 1}`);
    }
  }
  // Nothing but what comes next tells where a number ends.
  for (const state of [
    after,
    ...['zero', 'integer', 'fraction', 'exponent'].map((part) => `${kind} ${part}`),
  ]) {
    on(state, WHITE_SPACE, after);
    on(state, ',', next);
    on(state, closing, CLOSES);
  }
  for (const state of before) {
    on(state, WHITE_SPACE, state);
    on(state, '"', `${kind} string`);
    on(state, '{', OPENS_OBJECT);
    on(state, '[', OPENS_ARRAY);
    on(state, '-', `${kind} minus`);
    on(state, DIGITS, `${kind} integer`);
    on(state, '0', `${kind} zero`);
    for (const word of LITERALS) on(state, word.charAt(0), `${kind} ${word} 1`);
  }
}

function addNumber(kind: string): void {
  on(`${kind} minus`, DIGITS, `${kind} integer`);
  on(`${kind} minus`, '0', `${kind} zero`);
  on(`${kind} integer`, DIGITS, `${kind} integer`);
  for (const state of ['zero', 'integer']) {
    on(`${kind} ${state}`, '.', `${kind} point`);
    on(`${kind} ${state}`, 'eE', `${kind} e`);
  }
  for (const state of ['point', 'fraction']) on(`${kind} ${state}`, DIGITS, `${kind} fraction`);
  on(`${kind} fraction`, 'eE', `${kind} e`);
  on(`${kind} e`, '+-', `${kind} sign`);
  for (const state of ['e', 'sign', 'exponent']) on(`${kind} ${state}`, DIGITS, `${kind} exponent`);
}

const names = [...rows.keys()];

/** The number of a state. */
export function stateOf(name: string): number {
  const state = names.indexOf(name);
  if (state < 0) throw new Error(`no state '${name}'`);
  return state;
}

/** At `state << 8 | byte`: the next state, or one of the constants above. */
export const NEXT = new Uint8Array(names.length << 8).fill(MISPLACED);
for (const [state, row] of [...rows.values()].entries()) {
  for (const [byte, next] of row) {
    NEXT[(state << 8) | byte] = typeof next === 'number' ? next : stateOf(next);
  }
}

/** What a byte belongs to, as far as members are read. */
export type Part = 'name' | 'value' | 'neither';

/** By state: what the byte that led to it belongs to. */
export const PART_OF: readonly Part[] = names.map((name) => {
  if (name.startsWith('name string')) return 'name';
  return name.startsWith('member ') ? 'value' : 'neither';
});
