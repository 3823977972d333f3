// The series of one instrument: a cell for each set of labels, found without making anything, and bounded in number.
import type { Instrument } from './instrument.js';

export type LabelValue = string | number;

/** Different values of one label; what comes beyond is counted together, as `other`. */
export const LABEL_VALUES_MAX = 200;
export const OTHER = 'other';

/** Numbers in place: a property that holds a fraction costs an object for each new value. */
export class Cell {
  readonly labels: readonly LabelValue[];
  readonly #bounds: readonly number[];
  /** First the count of a counter, the reading of a gauge, or the sum of a histogram's values; then the counts of its buckets. */
  readonly #numbers: Float64Array;

  constructor(labels: readonly LabelValue[], bounds: readonly number[]) {
    this.labels = labels;
    this.#bounds = bounds;
    this.#numbers = new Float64Array(bounds.length + 2);
  }

  get value(): number {
    return this.#numbers[0] as number;
  }

  set value(value: number) {
    this.#numbers[0] = value;
  }

  /** Of a histogram: how many values each bound was the first to hold, and last those above all bounds. */
  get counts(): Float64Array {
    return this.#numbers.subarray(1);
  }

  /** All of its numbers as they are now: those of `value`, then of `counts`. */
  snapshot(): Float64Array {
    return this.#numbers.slice();
  }

  /** Adds one value to a histogram. */
  observe(value: number): void {
    this.#numbers[0] = (this.#numbers[0] as number) + value;
    let at = 0;
    while (at < this.#bounds.length && value > (this.#bounds[at] as number)) at += 1;
    this.#numbers[at + 1] = (this.#numbers[at + 1] as number) + 1;
  }
}

/** A place in the tree of label values, one level for each label. */
export interface SeriesNode {
  readonly labels: readonly LabelValue[];
  readonly children: Map<LabelValue, SeriesNode>;
  /** Where every label has its value. */
  readonly cell: Cell | undefined;
}

export class Series {
  readonly instrument: Instrument;
  readonly root: SeriesNode;
  readonly #values: readonly Set<LabelValue>[];
  readonly #cells: Cell[] = [];

  constructor(instrument: Instrument) {
    this.instrument = instrument;
    this.#values = instrument.labels.map(() => new Set());
    this.root = this.#node([]);
  }

  get cells(): readonly Cell[] {
    return this.#cells;
  }

  /** The child of `node` for a value that it has none of: for the value itself, or for `other`. */
  grow(node: SeriesNode, value: LabelValue): SeriesNode {
    const values = this.#values[node.labels.length];
    if (values === undefined) return node;
    const isKept = values.has(value) || values.size < LABEL_VALUES_MAX;
    const kept = isKept ? value : OTHER;
    if (isKept) values.add(value);
    const known = node.children.get(kept);
    if (known !== undefined) return known;
    const child = this.#node([...node.labels, kept]);
    node.children.set(kept, child);
    return child;
  }

  /** The cell of these labels, made where it is missing. */
  at(labels: readonly LabelValue[]): Cell {
    let node = this.root;
    for (const value of labels) node = node.children.get(value) ?? this.grow(node, value);
    if (node.cell === undefined) throw new Error(`${this.instrument.name}: a label is missing`);
    return node.cell;
  }

  #node(labels: readonly LabelValue[]): SeriesNode {
    if (labels.length < this.instrument.labels.length)
      return { labels, children: new Map(), cell: undefined };
    const cell = new Cell(labels, this.instrument.bounds ?? []);
    this.#cells.push(cell);
    return { labels, children: new Map(), cell };
  }
}
