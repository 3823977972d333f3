// Keeps the few top-level members of a JSON text that are wanted, while the scanner passes over all the others.

/** Longest name or value that is kept; the ones looked for are far shorter. */
const KEPT_BYTES_MAX = 256;

/** Stands for the value of a wanted member that is an array. */
export const JSON_ARRAY: unique symbol = Symbol('array');

export class JsonMembers {
  readonly #wanted: ReadonlySet<string>;
  readonly #values = new Map<string, unknown>();
  /** Bytes of the name or value being kept; undefined while nothing is. */
  #kept: number[] | undefined;
  /** The wanted member whose value comes next. */
  #member: string | undefined;

  constructor(wanted: Iterable<string>) {
    this.#wanted = new Set(wanted);
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

  /** The value that begins is an object or an array: what is in it is not wanted. */
  passOver(isArray: boolean): void {
    if (this.#member !== undefined) this.#values.set(this.#member, isArray ? JSON_ARRAY : undefined);
    this.#member = undefined;
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
