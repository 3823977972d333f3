// How much of a version the next one has lost: the worst of its parts, in words and in percent.

export interface Loss {
  /** The same for as much of the same part: by this a loss is known again where versions have no names. */
  readonly what: string;
  readonly percent: number;
}

/** Of what there are several, or bytes. */
export interface Part {
  readonly what: string;
  readonly before: number;
  readonly lost: number;
}

export function worstOf(parts: readonly [Part, ...Part[]]): Loss {
  const losses = parts.map(({ what, before, lost }) => ({ what, percent: percentOf(before, lost) }));
  return losses.reduce((worst, loss) => (loss.percent > worst.percent ? loss : worst));
}

export function percentOf(before: number, lost: number): number {
  return before === 0 ? 0 : (100 * lost) / before;
}
