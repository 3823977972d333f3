// Where members and elements stand in JSON text that is known to be valid: found by brackets and quotes, never parsed.
import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  isWhiteSpace,
  skipPlain,
} from './json-bytes.js';

/** From the first byte of a value to the one after its last. */
export interface Slice {
  readonly from: number;
  readonly to: number;
}

export interface List extends Slice {
  /** In their order. */
  readonly elements: readonly Slice[];
}

/** The array at `from`, with its elements; undefined where it has more than `elementsMax`. */
export function elementsOf(text: Buffer, from: number, elementsMax: number): List | undefined {
  const elements: Slice[] = [];
  let at = skipSpace(text, from + 1);
  while (text[at] !== CLOSE_ARRAY) {
    if (elements.length === elementsMax) return undefined;
    const to = endOfValue(text, at);
    elements.push({ from: at, to });
    at = nextItem(text, to);
  }
  return { from, to: at + 1, elements };
}

/**
 * The members of the object at `from` by their names. Undefined where a name is written with escapes or stands twice:
 * then people and programs may differ about what it says. `endOf` finds where a member's value ends, for who looks into it
 * at the same time.
 */
export function membersOf(
  text: Buffer,
  from: number,
  endOf: (name: string, valueFrom: number) => number = (_name, valueFrom) => endOfValue(text, valueFrom),
): ReadonlyMap<string, Slice> | undefined {
  const members = new Map<string, Slice>();
  let at = skipSpace(text, from + 1);
  while (text[at] !== CLOSE_OBJECT) {
    const nameEnd = endOfString(text, at);
    const name = textOf(text, { from: at + 1, to: nameEnd - 1 });
    if (name.includes('\\') || members.has(name)) return undefined;
    const valueFrom = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const to = endOf(name, valueFrom);
    members.set(name, { from: valueFrom, to });
    at = nextItem(text, to);
  }
  return members;
}

/** The member's text just as it is written. */
export function textOf(text: Buffer, { from, to }: Slice): string {
  return text.toString('latin1', from, to);
}

export function isObject(text: Buffer, slice: Slice | undefined): slice is Slice {
  return slice !== undefined && text[slice.from] === OPEN_OBJECT;
}

export function skipSpace(text: Buffer, from: number): number {
  let at = from;
  while (at < text.length && isWhiteSpace(text[at] as number)) at += 1;
  return at;
}

/** The place of the next element or name, or of the closing bracket. */
function nextItem(text: Buffer, from: number): number {
  const at = skipSpace(text, from);
  return text[at] === COMMA ? skipSpace(text, at + 1) : at;
}

/** Where the value that begins at `from` is over. */
export function endOfValue(text: Buffer, from: number): number {
  const first = text[from];
  if (first === QUOTE) return endOfString(text, from);
  if (first === OPEN_OBJECT || first === OPEN_ARRAY) return endOfBrackets(text, from);
  let at = from;
  while (at < text.length && !isAfterWord(text[at] as number)) at += 1;
  return at;
}

function endOfString(text: Buffer, from: number): number {
  let at = skipPlain(text, from + 1);
  while (at < text.length && text[at] !== QUOTE) at = skipPlain(text, at + (text[at] === BACKSLASH ? 2 : 1));
  return at + 1;
}

function endOfBrackets(text: Buffer, from: number): number {
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const byte = text[at];
    if (byte === QUOTE) {
      at = endOfString(text, at);
      continue;
    }
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth += 1;
    if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth -= 1;
    at += 1;
    if (depth === 0) return at;
  }
  return at;
}

function isAfterWord(byte: number): boolean {
  return (
    byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT || byte === COLON || isWhiteSpace(byte)
  );
}
