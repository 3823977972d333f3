// What the rounds of one form of one key come to: how often it was the same, late or different, an example of each kind, and latencies.
import { isNote, type Comparison, type DifferenceKind } from './difference.js';
import type { Behind } from './lag.js';
import type { Asked } from './side.js';

/** Of each side the last so many: enough for a 95th percentile. */
const LATENCIES_MAX = 400;

export interface Counted {
  readonly kind: DifferenceKind;
  readonly rounds: number;
  /** Of the last round in which it was so. */
  readonly detail: string;
}

export interface Latency {
  readonly medianMs: number;
  readonly p95Ms: number;
}

export interface FormReport {
  readonly form: string;
  readonly rounds: number;
  readonly same: number;
  readonly late: { readonly rounds: number; readonly longestMs: number; readonly behind: readonly Behind[] };
  /** What SDKs may notice. */
  readonly differences: readonly Counted[];
  /** What they do not. */
  readonly notes: readonly Counted[];
  readonly latency: Readonly<Record<Behind, Latency>>;
}

export class Tally {
  readonly #form: string;
  #rounds = 0;
  #same = 0;
  #lateRounds = 0;
  #longestMs = 0;
  readonly #behind = new Set<Behind>();
  readonly #counted = new Map<DifferenceKind, Counted>();
  readonly #tookMs: Record<Behind, number[]> = { base: [], against: [] };

  constructor(form: string) {
    this.#form = form;
  }

  add(base: Asked, against: Asked, { differences, late }: Comparison): void {
    this.#rounds += 1;
    if (late !== undefined) {
      this.#lateRounds += 1;
      this.#longestMs = Math.max(this.#longestMs, late.forMs);
      this.#behind.add(late.behind);
    }
    const kinds = new Set<DifferenceKind>();
    for (const { kind, detail } of differences) {
      const before = this.#counted.get(kind)?.rounds ?? 0;
      this.#counted.set(kind, { kind, rounds: kinds.has(kind) ? before : before + 1, detail });
      kinds.add(kind);
    }
    if (late === undefined && [...kinds].every(isNote)) this.#same += 1;
    this.#took('base', base);
    this.#took('against', against);
  }

  get report(): FormReport {
    const all = [...this.#counted.values()];
    return {
      form: this.#form,
      rounds: this.#rounds,
      same: this.#same,
      late: {
        rounds: this.#lateRounds,
        longestMs: Math.round(this.#longestMs),
        behind: [...this.#behind],
      },
      differences: all.filter(({ kind }) => !isNote(kind)),
      notes: all.filter(({ kind }) => isNote(kind)),
      latency: { base: latencyOf(this.#tookMs.base), against: latencyOf(this.#tookMs.against) },
    };
  }

  #took(side: Behind, { tookMs }: Asked): void {
    const all = this.#tookMs[side];
    all.push(tookMs);
    if (all.length > LATENCIES_MAX) all.shift();
  }
}

function latencyOf(tookMs: readonly number[]): Latency {
  const sorted = [...tookMs].sort((one, other) => one - other);
  const at = (part: number): number => Math.round((sorted[Math.floor(sorted.length * part)] ?? 0) * 10) / 10;
  return { medianMs: at(0.5), p95Ms: at(0.95) };
}
