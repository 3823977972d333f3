// Checks JSON text that arrives in pieces, and reads a few top-level members out of it without building values.
import {
  QUOTE,
  BACKSLASH,
  COMMA,
  COLON,
  OPEN_ARRAY,
  CLOSE_ARRAY,
  OPEN_OBJECT,
  CLOSE_OBJECT,
  LOWER_U,
  SPACE,
  isHexDigit,
  isWhiteSpace,
  skipPlain,
} from './json-bytes.js';
import { JsonMembers } from './json-members.js';
import { continueNumber, isWholeNumber, type NumberState } from './json-number.js';
import { BodyFault } from '../domain/body-reader.js';

/** Nesting that is refused: no spec comes near, and the stack of open brackets needs an end. */
const DEPTH_MAX = 512;

const OBJECT = 1;
const ARRAY = 2;

const ESCAPABLE = new Set(Buffer.from('"\\/bfnrt'));
const LITERALS = new Map(['true', 'false', 'null'].map((word) => [word.charCodeAt(0), Buffer.from(word)]));

type State =
  | 'value'
  | 'first-element'
  | 'first-name'
  | 'name'
  | 'colon'
  | 'after-value'
  | 'string'
  | 'escape'
  | 'hex'
  | 'number'
  | 'literal'
  | 'done';

/** Strings are skipped in a tight loop of their own: they are nearly all of a spec. */
export class JsonScanner {
  readonly #members: JsonMembers;
  readonly #open = new Uint8Array(DEPTH_MAX + 1);
  #depth = 0;
  #state: State = 'value';
  #isName = false;
  #hexLeft = 0;
  #numberState: NumberState = 'start';
  #literal: Uint8Array = new Uint8Array(0);
  #literalAt = 0;
  /** `wanted`: names of top-level members whose values are to be read; of an array only that it is one. */
  constructor(wanted: Iterable<string>) {
    this.#members = new JsonMembers(wanted);
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === 'string' && !this.#members.isKeeping) {
        at = skipPlain(bytes, at);
        if (at === bytes.length) return;
      }
      // A byte that ends a number is looked at once more, by the state after it.
      if (this.#take(bytes[at] as number)) at += 1;
    }
  }

  /** The wanted members that were there; of one named twice the last, as JSON.parse has it. */
  end(): ReadonlyMap<string, unknown> {
    if (this.#state !== 'done') throw new BodyFault('truncated', 'the JSON text ends too early');
    return this.#members.values;
  }

  /** Returns whether the byte was used up. */
  #take(byte: number): boolean {
    switch (this.#state) {
      case 'string':
        this.#inString(byte);
        return true;
      case 'escape':
        this.#inEscape(byte);
        return true;
      case 'hex':
        this.#inHex(byte);
        return true;
      case 'number':
        return this.#inNumber(byte);
      case 'literal':
        this.#inLiteral(byte);
        return true;
      default:
        if (!isWhiteSpace(byte)) this.#betweenTokens(this.#state, byte);
        return true;
    }
  }

  #betweenTokens(state: State, byte: number): void {
    switch (state) {
      case 'first-name':
        if (byte === CLOSE_OBJECT) this.#close(OBJECT);
        else this.#beginName(byte);
        return;
      case 'name':
        this.#beginName(byte);
        return;
      case 'colon':
        if (byte !== COLON) throw notJson();
        this.#state = 'value';
        return;
      case 'first-element':
        if (byte === CLOSE_ARRAY) this.#close(ARRAY);
        else this.#beginValue(byte);
        return;
      case 'value':
        this.#beginValue(byte);
        return;
      case 'after-value':
        this.#afterValue(byte);
        return;
      default:
        throw notJson();
    }
  }

  #beginName(byte: number): void {
    if (byte !== QUOTE) throw notJson();
    this.#state = 'string';
    this.#isName = true;
    this.#members.beginName(byte, this.#depth === 1);
  }

  #beginValue(byte: number): void {
    if (this.#depth === 0 && byte !== OPEN_OBJECT) throw notJson();
    this.#members.beginValue(byte);
    if (byte === OPEN_OBJECT) this.#openBracket(OBJECT, 'first-name');
    else if (byte === OPEN_ARRAY) this.#openBracket(ARRAY, 'first-element');
    else if (byte === QUOTE) {
      this.#state = 'string';
      this.#isName = false;
    } else this.#beginWord(byte);
  }

  #beginWord(byte: number): void {
    const literal = LITERALS.get(byte);
    const numberState = continueNumber('start', byte);
    if (literal !== undefined) {
      this.#state = 'literal';
      this.#literal = literal;
      this.#literalAt = 1;
    } else if (numberState !== undefined) {
      this.#state = 'number';
      this.#numberState = numberState;
    } else throw notJson();
  }

  #openBracket(kind: number, next: State): void {
    if (this.#depth === DEPTH_MAX) {
      throw new BodyFault('not_json', `the JSON text is nested deeper than ${DEPTH_MAX} levels`);
    }
    this.#members.passOver(kind === ARRAY);
    this.#depth += 1;
    this.#open[this.#depth] = kind;
    this.#state = next;
  }

  #close(kind: number): void {
    if (this.#open[this.#depth] !== kind) throw notJson();
    this.#depth -= 1;
    this.#state = this.#depth === 0 ? 'done' : 'after-value';
  }

  #afterValue(byte: number): void {
    if (byte === COMMA) this.#state = this.#open[this.#depth] === OBJECT ? 'name' : 'value';
    else if (byte === CLOSE_OBJECT) this.#close(OBJECT);
    else if (byte === CLOSE_ARRAY) this.#close(ARRAY);
    else throw notJson();
  }

  #inString(byte: number): void {
    if (byte < SPACE) throw notJson();
    this.#members.keep(byte);
    if (byte === BACKSLASH) this.#state = 'escape';
    else if (byte === QUOTE) this.#endString();
  }

  #endString(): void {
    if (!this.#isName) {
      this.#endValue();
      return;
    }
    this.#members.endName();
    this.#state = 'colon';
  }

  #inEscape(byte: number): void {
    this.#members.keep(byte);
    if (byte === LOWER_U) {
      this.#state = 'hex';
      this.#hexLeft = 4;
    } else if (ESCAPABLE.has(byte)) this.#state = 'string';
    else throw notJson();
  }

  #inHex(byte: number): void {
    if (!isHexDigit(byte)) throw notJson();
    this.#members.keep(byte);
    this.#hexLeft -= 1;
    if (this.#hexLeft === 0) this.#state = 'string';
  }

  #inNumber(byte: number): boolean {
    const next = continueNumber(this.#numberState, byte);
    if (next === undefined) {
      if (!isWholeNumber(this.#numberState)) throw notJson();
      this.#endValue();
      return false;
    }
    this.#numberState = next;
    this.#members.keep(byte);
    return true;
  }

  #inLiteral(byte: number): void {
    if (byte !== this.#literal[this.#literalAt]) throw notJson();
    this.#members.keep(byte);
    this.#literalAt += 1;
    if (this.#literalAt === this.#literal.length) this.#endValue();
  }

  #endValue(): void {
    this.#members.endValue();
    this.#state = 'after-value';
  }
}

function notJson(): BodyFault {
  return new BodyFault('not_json', 'the body is not a JSON object');
}
