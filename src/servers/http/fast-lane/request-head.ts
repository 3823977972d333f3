// The head of one HTTP/1.1 GET, read from one piece of bytes: a strict subset of what Node's parser takes, and all that is in it.

/** Request line and headers together. SDKs send about 500 bytes. */
const HEAD_BYTES_MAX = 4_096;

const START = Buffer.from('GET /');
const VERSION = Buffer.from(' HTTP/1.1\r\n');
const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const COLON = 0x3a;
/** Makes a letter of a token lower case, and leaves a hyphen and a digit as they are. */
const LOWER_CASE = 0x20;

/** Characters of a header's name: RFC 9110, 5.6.2. */
const TOKEN = tableOf("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
/** The visible characters of ASCII lie between these. Values have spaces too; tabs, and bytes above 127, are allowed by HTTP and sent by nobody. */
const VISIBLE_FIRST = 0x21;
const VISIBLE_LAST = 0x7e;

/** The headers that a reader looks for. */
export interface HeaderNames {
  /** Kept, each at most once: a head with two of them is not read. */
  readonly wanted: readonly string[];
  /** A head with one of these is not read. */
  readonly refused: readonly string[];
}

export class RequestHead {
  /** Path and query, as they came. */
  readonly target: string;
  readonly #slots: ReadonlyMap<string, number>;
  readonly #values: readonly (string | undefined)[];

  constructor(target: string, slots: ReadonlyMap<string, number>, values: readonly (string | undefined)[]) {
    this.target = target;
    this.#slots = slots;
    this.#values = values;
  }

  /** Undefined where the header is absent; throws for one that the reader was not told to keep. */
  header(name: string): string | undefined {
    const slot = this.#slots.get(name);
    if (slot === undefined) throw new Error(`${name} is not among the headers that are kept`);
    return this.#values[slot];
  }
}

/** Instead of a place. */
const REFUSED = -1;
const MEANINGLESS = -2;

interface KnownName {
  /** As bytes, which are compared faster than characters. */
  readonly name: Buffer;
  /** Where its value is kept. */
  readonly slot: number;
}

export class RequestHeadReader {
  readonly #slots: ReadonlyMap<string, number>;
  /** By their length, which few names share. */
  readonly #byLength: KnownName[][] = [];
  readonly #noValues: readonly undefined[];

  constructor({ wanted, refused }: HeaderNames) {
    this.#slots = new Map(wanted.map((name, slot) => [name, slot]));
    this.#noValues = wanted.map(() => undefined);
    for (const name of [...wanted, ...refused]) {
      const known = { name: Buffer.from(name), slot: this.#slots.get(name) ?? REFUSED };
      (this.#byLength[name.length] ??= []).push(known);
    }
  }

  /**
   * Undefined unless the piece is exactly one head of a GET in which nothing is unusual. Whatever this takes, Node's
   * parser takes as well, and understands in the same way.
   */
  read(piece: Buffer): RequestHead | undefined {
    if (piece.length > HEAD_BYTES_MAX || !startsAt(piece, 0, START)) return undefined;
    const targetEnd = skipVisible(piece, START.length, VISIBLE_FIRST);
    if (!startsAt(piece, targetEnd, VERSION)) return undefined;
    const text = piece.toString('latin1');
    const values = this.#readHeaders(piece, targetEnd + VERSION.length, text);
    // The slash at the end of the start is the first character of the target.
    return values && new RequestHead(text.slice(START.length - 1, targetEnd), this.#slots, values);
  }

  /** `text`: the piece as a string, of which the values are cut. */
  #readHeaders(piece: Buffer, start: number, text: string): (string | undefined)[] | undefined {
    const values: (string | undefined)[] = this.#noValues.slice();
    let at = start;
    while (piece[at] !== CR) {
      const nameEnd = skipToken(piece, at);
      if (nameEnd === at || piece[nameEnd] !== COLON) return undefined;
      const valueEnd = skipVisible(piece, nameEnd + 1, SPACE);
      if (!isLineEnd(piece, valueEnd)) return undefined;
      const slot = this.#slotOf(piece, at, nameEnd);
      if (slot !== MEANINGLESS) {
        if (slot === REFUSED || values[slot] !== undefined) return undefined;
        values[slot] = trimmed(piece, text, nameEnd + 1, valueEnd);
      }
      at = valueEnd + 2;
    }
    return isLineEnd(piece, at) && at + 2 === piece.length ? values : undefined;
  }

  #slotOf(piece: Buffer, start: number, end: number): number {
    const known = this.#byLength[end - start];
    if (known === undefined) return MEANINGLESS;
    for (const { name, slot } of known) if (isName(piece, start, name)) return slot;
    return MEANINGLESS;
  }
}

function isName(piece: Buffer, start: number, name: Buffer): boolean {
  for (let at = 0; at < name.length; at += 1) {
    if (((piece[start + at] as number) | LOWER_CASE) !== name[at]) return false;
  }
  return true;
}

/** Where the run of a name's characters that begins at `start` has its end. */
function skipToken(piece: Buffer, start: number): number {
  const { length } = piece;
  let at = start;
  while (at < length && TOKEN[piece[at] as number] === 1) at += 1;
  return at;
}

/** The same for the characters from `first` to the last visible one: a range is compared faster than a table is read. */
function skipVisible(piece: Buffer, start: number, first: number): number {
  const { length } = piece;
  let at = start;
  while (at < length && (piece[at] as number) >= first && (piece[at] as number) <= VISIBLE_LAST) at += 1;
  return at;
}

function startsAt(piece: Buffer, start: number, expected: Buffer): boolean {
  for (let at = 0; at < expected.length; at += 1) if (piece[start + at] !== expected[at]) return false;
  return true;
}

function isLineEnd(piece: Buffer, at: number): boolean {
  return piece[at] === CR && piece[at + 1] === LF;
}

function trimmed(piece: Buffer, text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && piece[from] === SPACE) from += 1;
  while (to > from && piece[to - 1] === SPACE) to -= 1;
  return text.slice(from, to);
}

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}
