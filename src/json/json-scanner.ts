// Checks JSON text that arrives in pieces, and reads a few top-level members out of it without building values.
import { CLOSE_OBJECT, COMMA, isWhiteSpace } from './json-bytes.js';
import * as grammar from './json-grammar.js';
import { JsonMembers } from './json-members.js';
import { BodyFault } from '../domain/body-reader.js';

/** Nesting that is refused: no spec comes near, and the stack of open brackets needs an end. */
const DEPTH_MAX = 512;

// Copies: what is imported is loaded anew for every byte, which takes half as long again.
const { NEXT, OPENS_OBJECT, OPENS_ARRAY, CLOSES, PART_OF, TEXT_STATES_END, stateOf } = grammar;
const START = stateOf('start');
const DONE = stateOf('done');
const FIRST_NAME = stateOf('first name');
const FIRST_ELEMENT = stateOf('first element');
const AFTER_MEMBER = stateOf('after member');
const AFTER_ELEMENT = stateOf('after element');

// The text of strings is read four bytes at a time. For a byte b, (b - limit) & ~b has its high bit set where b < limit. A byte
// below its limit borrows from the next one, which may then be marked wrongly; the first mark is always right.
const WORD_BYTES = 4;
const HIGH_BITS = 0x80808080 | 0;
const ONES = 0x01010101;
const BACKSLASHES = 0x5c5c5c5c;
/** With this bit flipped, the quote directly follows the control characters, so one comparison finds both. */
const BIT_OF_QUOTE = 0x02020202;
const ABOVE_QUOTE = 0x21212121;

/** Below the top level nothing is looked at but the grammar, in one loop over its table: that is nearly all of a spec. */
export class JsonScanner {
  readonly #members: JsonMembers;
  /** By depth: the state after what is open there. */
  readonly #after = new Uint8Array(DEPTH_MAX + 1).fill(DONE, 0, 1);
  #depth = 0;
  #state = START;

  /**
   * `wanted`: names of top-level members whose values are to be read; of an array only that it is one. `wholeArrays`: names
   * of such members that are to be read whole where they are arrays of no more than ARRAY_BYTES_MAX.
   */
  constructor(wanted: Iterable<string>, wholeArrays: Iterable<string> = []) {
    this.#members = new JsonMembers(wanted, wholeArrays);
  }

  push(bytes: Uint8Array): void {
    const text = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    while (at < bytes.length) {
      at = this.#depth > 1 ? this.#passOver(bytes, text, at) : this.#readTopLevel(bytes, at);
    }
  }

  /** The wanted members that were there; of one named twice the last, as JSON.parse has it. */
  end(): ReadonlyMap<string, unknown> {
    if (this.#state !== DONE) throw new BodyFault('truncated', 'the JSON text ends too early');
    return this.#members.values;
  }

  /** Goes on within an object or an array; returns how far it came. */
  #passOver(bytes: Uint8Array, text: DataView, from: number): number {
    const to = this.#check(bytes, text, from);
    this.#members.keepInside(bytes, from, to);
    if (this.#depth <= 1) this.#members.endInside();
    return to;
  }

  /** Takes bytes to their end, or until the text is back at its top level; returns how far that was. */
  #check(bytes: Uint8Array, text: DataView, from: number): number {
    const to = bytes.length;
    const lastWord = to - WORD_BYTES;
    let at = from;
    let state = this.#state;
    for (;;) {
      // Inline: as a function it takes a quarter longer.
      if (state < TEXT_STATES_END) {
        for (; at <= lastWord; at += WORD_BYTES) {
          // Little-endian on any machine, so the lowest bits are the first byte.
          const word = text.getInt32(at, true);
          const flipped = word ^ BIT_OF_QUOTE;
          const crossed = word ^ BACKSLASHES;
          const found = (((flipped - ABOVE_QUOTE) & ~flipped) | ((crossed - ONES) & ~crossed)) & HIGH_BITS;
          if (found === 0) continue;
          at += (31 - Math.clz32(found ^ (found - 1))) >> 3;
          break;
        }
      }
      if (at >= to) break;
      const next = NEXT[(state << 8) | (bytes[at] as number)] as number;
      at += 1;
      if (next < OPENS_OBJECT) state = next;
      else {
        state = this.#cross(next);
        if (this.#depth <= 1) break;
      }
    }
    this.#state = state;
    return at;
  }

  /** Returns the state behind the bracket. */
  #cross(bracket: number): number {
    if (bracket === CLOSES) {
      this.#depth -= 1;
      return this.#after[this.#depth] as number;
    }
    if (bracket !== OPENS_OBJECT && bracket !== OPENS_ARRAY) throw notJson();
    if (this.#depth === DEPTH_MAX) {
      throw new BodyFault('not_json', `the JSON text is nested deeper than ${DEPTH_MAX} levels`);
    }
    const isObject = bracket === OPENS_OBJECT;
    this.#depth += 1;
    this.#after[this.#depth] = isObject ? AFTER_MEMBER : AFTER_ELEMENT;
    return isObject ? FIRST_NAME : FIRST_ELEMENT;
  }

  /** Byte by byte, but for what nobody wants; returns how far it came. */
  #readTopLevel(bytes: Uint8Array, from: number): number {
    const members = this.#members;
    const at = members.isKeeping ? from : endOfRun(this.#state, bytes, from);
    if (at === bytes.length) return at;
    const byte = bytes[at] as number;
    const before = PART_OF[this.#state];
    const next = NEXT[(this.#state << 8) | byte] as number;
    this.#state = next < OPENS_OBJECT ? next : this.#cross(next);
    const part = PART_OF[this.#state];
    if (this.#depth > 1) members.passOver(this.#state === FIRST_ELEMENT);
    else if (part === 'name') members.keepName(byte);
    else if (part === 'value') members.keepValue(byte);
    else if (before === 'name') members.endName(byte);
    else if (before === 'value') members.endValue(isAfterWord(byte) ? undefined : byte);
    return at + 1;
  }
}

/** Where the first byte from `from` on stands that changes the state: most bytes are text, white space or digits. */
function endOfRun(state: number, bytes: Uint8Array, from: number): number {
  const row = state << 8;
  let at = from;
  while (at < bytes.length && NEXT[row | (bytes[at] as number)] === state) at += 1;
  return at;
}

/** Whether the byte ends the word before it without being part of it. */
function isAfterWord(byte: number): boolean {
  return byte === COMMA || byte === CLOSE_OBJECT || isWhiteSpace(byte);
}

function notJson(): BodyFault {
  return new BodyFault('not_json', 'the body is not a JSON object');
}
