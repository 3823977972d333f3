// Two texts line by line: which lines went, which came, and which stayed.

export interface Line {
  readonly kind: 'same' | 'removed' | 'added';
  readonly text: string;
}

/** Cells of the table below; beyond, all lines of one text go and all of the other come. */
const CELLS_MAX = 250_000;

/** With as few lines that go and come as there can be: by the longest common subsequence. */
export function lineDiff(before: string, after: string): readonly Line[] {
  const [from, to] = [before.split('\n'), after.split('\n')];
  if (from.length * to.length > CELLS_MAX)
    return [...from.map((text) => line('removed', text)), ...to.map((text) => line('added', text))];
  const common = commonLengths(from, to);
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < from.length || j < to.length) {
    if (i < from.length && from[i] === to[j]) {
      lines.push(line('same', from[i] ?? ''));
      i += 1;
      j += 1;
    } else if (j >= to.length || (i < from.length && at(common, i + 1, j) >= at(common, i, j + 1))) {
      lines.push(line('removed', from[i] ?? ''));
      i += 1;
    } else {
      lines.push(line('added', to[j] ?? ''));
      j += 1;
    }
  }
  return lines;
}

function line(kind: Line['kind'], text: string): Line {
  return { kind, text };
}

/** By the index of a line in each: the length of the longest common subsequence of what follows. */
function commonLengths(from: readonly string[], to: readonly string[]): readonly Uint32Array[] {
  const rows = Array.from({ length: from.length + 1 }, () => new Uint32Array(to.length + 1));
  for (let i = from.length - 1; i >= 0; i -= 1) {
    for (let j = to.length - 1; j >= 0; j -= 1) {
      const length =
        from[i] === to[j] ? at(rows, i + 1, j + 1) + 1 : Math.max(at(rows, i + 1, j), at(rows, i, j + 1));
      rows[i]?.fill(length, j, j + 1);
    }
  }
  return rows;
}

function at(rows: readonly Uint32Array[], i: number, j: number): number {
  return rows[i]?.[j] ?? 0;
}
