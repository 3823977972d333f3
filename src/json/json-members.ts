// Keeps the few top-level members of a JSON text that are wanted, while the scanner passes over all the others.

/** Longest name or value that is kept; the ones looked for are far shorter. */
const KEPT_BYTES_MAX = 256;

/** Longest array that is kept whole. */
export const ARRAY_BYTES_MAX = 65_536;
const OPENING = Buffer.from('[');

/** Stands for the value of a wanted member that is an array, and is not kept whole. */
export const JSON_ARRAY: unique symbol = Symbol('array');

export class JsonMembers {
  readonly #wanted: ReadonlySet<string>;
  readonly #values = new Map<string, unknown>();
  /** Bytes of the name or value being kept; undefined while nothing is. */
  #kept: number[] | undefined;
  /** The wanted member whose value comes next. */
  #member: string | undefined;
  readonly #wholeArrays: ReadonlySet<string>;
  /** The array that is being kept whole; undefined while none is. */
  #array: { readonly member: string; readonly pieces: Uint8Array[]; bytes: number } | undefined;

  /** `wholeArrays`: members that are wanted too, and whole where they are arrays of a size that can be kept. */
  constructor(wanted: Iterable<string>, wholeArrays: Iterable<string> = []) {
    this.#wholeArrays = new Set(wholeArrays);
    this.#wanted = new Set([...wanted, ...this.#wholeArrays]);
  }

  /** Whether the rest of a string that has begun is kept. */
  get isKeeping(): boolean {
    return this.#kept !== undefined && this.#kept.length <= KEPT_BYTES_MAX;
  }

  /** Of a member named twice the last value, as JSON.parse has it; undefined for objects, JSON_ARRAY for arrays. */
  get values(): ReadonlyMap<string, unknown> {
    return this.#values;
  }

  keepName(byte: number): void {
    this.#keep(byte);
  }

  endName(quote: number): void {
    this.#keep(quote);
    const name = this.#take();
    this.#member = typeof name === 'string' && this.#wanted.has(name) ? name : undefined;
  }

  /** Of a value that is neither an object nor an array. */
  keepValue(byte: number): void {
    if (this.#member !== undefined) this.#keep(byte);
  }

  /** `last`: the byte that ends it, where that is part of it. */
  endValue(last: number | undefined): void {
    if (this.#member === undefined) return;
    if (last !== undefined) this.#keep(last);
    this.#values.set(this.#member, this.#take());
    this.#member = undefined;
  }

  /** The value that begins is an object or an array: what is in it is not wanted, unless it is an array to be kept whole. */
  passOver(isArray: boolean): void {
    const member = this.#member;
    this.#member = undefined;
    if (member === undefined) return;
    this.#values.set(member, isArray ? JSON_ARRAY : undefined);
    if (isArray && this.#wholeArrays.has(member)) this.#array = { member, pieces: [OPENING], bytes: 0 };
  }

  /** What is in an object or an array, its end included. */
  keepInside(bytes: Uint8Array, from: number, to: number): void {
    if (this.#array === undefined) return;
    this.#array.bytes += to - from;
    // A copy: the piece's memory belongs to the stream it came from.
    if (this.#array.bytes <= ARRAY_BYTES_MAX) this.#array.pieces.push(bytes.slice(from, to));
    else this.#array = undefined;
  }

  endInside(): void {
    if (this.#array === undefined) return;
    const { member, pieces } = this.#array;
    this.#array = undefined;
    this.#values.set(member, JSON.parse(Buffer.concat(pieces).toString()));
  }

  #keep(byte: number): void {
    this.#kept ??= [];
    if (this.#kept.length <= KEPT_BYTES_MAX) this.#kept.push(byte);
  }

  #take(): unknown {
    const kept = this.#kept;
    this.#kept = undefined;
    if (kept === undefined || kept.length > KEPT_BYTES_MAX) return undefined;
    return JSON.parse(Buffer.from(kept).toString());
  }
}
