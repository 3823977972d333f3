// What is measured: series that events feed, and readings that are taken when somebody asks for all of it.
import { catalogue, LABEL_VALUES, type CatalogueRow, type Feed, type ProxyEventName } from './catalogue.js';
import type { ProxyEventFields } from './event-fields.js';
import type { Instrument, Label } from './instrument.js';
import { eventInstruments, type readInstruments } from './instruments.js';
import type { EventSink } from './proxy-events.js';
import { Series, type Cell, type LabelValue } from './series.js';

/** Writes one reading: the values of the instrument's labels in their order. */
export type WriteReading = (
  instrument: (typeof readInstruments)[keyof typeof readInstruments],
  value: number,
  ...labels: readonly string[]
) => void;

/** States the readings of a part of the app. */
export type Reader = (write: WriteReading) => void;

/** Values that a label is known to take: their series are there from the start, at zero. */
export type KnownValues = Partial<Record<Label, readonly LabelValue[]>>;

const MS_PER_S = 1000;

export class Metrics implements EventSink {
  readonly #series = new Map<Instrument, Series>();
  readonly #recorders = {} as Record<ProxyEventName, readonly Recorder[]>;
  readonly #readers: Reader[] = [];

  constructor(known: KnownValues) {
    for (const instrument of Object.values(eventInstruments)) {
      this.#series.set(instrument, new Series(instrument));
    }
    for (const [name, { feeds }] of Object.entries(catalogue) as [ProxyEventName, CatalogueRow][]) {
      this.#recorders[name] = feeds.map((feed) => new Recorder(this.#of(feed.instrument), feed, known));
    }
  }

  record(name: ProxyEventName, fields: ProxyEventFields): void {
    for (const recorder of this.#recorders[name]) recorder.record(fields);
  }

  addReader(reader: Reader): void {
    this.#readers.push(reader);
  }

  /** All of it, as it is now. */
  read(): readonly Series[] {
    const readings = new Map<Instrument, Series>();
    const written = new Set<Cell>();
    for (const reader of this.#readers) {
      reader((instrument, value, ...labels) => {
        const series = readings.get(instrument) ?? new Series(instrument);
        readings.set(instrument, series);
        const cell = series.at(labels);
        cell.value = written.has(cell) ? merged(instrument, cell.value, value) : value;
        written.add(cell);
      });
    }
    return [...this.#series.values(), ...readings.values()];
  }

  #of(instrument: Instrument): Series {
    const series = this.#series.get(instrument);
    if (series === undefined) throw new Error(`${instrument.name} is not among the instruments`);
    return series;
  }
}

function merged({ merge }: Instrument, left: number, right: number): number {
  if (merge === undefined) return left + right;
  return merge === 'min' ? Math.min(left, right) : Math.max(left, right);
}

/** The value of one label. */
type Step = (fields: ProxyEventFields) => LabelValue | undefined;

/** Feeds one instrument from one event; makes nothing where the series is there already. */
class Recorder {
  readonly #series: Series;
  readonly #steps: readonly Step[];
  readonly #isHistogram: boolean;

  constructor(series: Series, feed: Feed, known: KnownValues) {
    const { instrument } = series;
    this.#series = series;
    this.#isHistogram = instrument.type === 'histogram';
    this.#steps = instrument.labels.map((label) => toStep(label, feed));
    const values = instrument.labels.map((label) => {
      const fixed = feed.fixed[label];
      return fixed === undefined ? (known[label] ?? []) : [fixed];
    });
    for (const labels of product(values)) series.at(labels);
  }

  /** An event without a value for one of the labels does not count for this instrument: this leaves probes out of its requests. */
  record(fields: ProxyEventFields): void {
    let node = this.#series.root;
    for (const step of this.#steps) {
      const value = step(fields);
      if (value === undefined) return;
      node = node.children.get(value) ?? this.#series.grow(node, value);
    }
    if (node.cell === undefined) return;
    if (this.#isHistogram) node.cell.observe((fields.latencyMs ?? 0) / MS_PER_S);
    else node.cell.value += fields.events ?? 1;
  }
}

function toStep(label: Label, { fixed, instrument }: Feed): Step {
  const value = fixed[label];
  if (value !== undefined) return () => value;
  const valueOf = LABEL_VALUES[label];
  if (valueOf === undefined) throw new Error(`${instrument.name}: nothing states its label ${label}`);
  return valueOf;
}

function product(values: readonly (readonly LabelValue[])[]): LabelValue[][] {
  return values.reduce<LabelValue[][]>(
    (sets, more) => sets.flatMap((set) => more.map((value) => [...set, value])),
    [[]],
  );
}
