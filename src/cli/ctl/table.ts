// Rows of an answer as columns of text for a terminal.

const GAP = '  ';
/** A cell may hold what an origin or another operator wrote. */
const CELL_CHARACTERS_MAX = 120;

export function asTable(
  rows: readonly Readonly<Record<string, unknown>>[],
  columns: readonly string[],
): string {
  if (rows.length === 0) return 'none';
  const cells = [columns, ...rows.map((row) => columns.map((column) => toCell(row[column])))];
  const widths = columns.map((_column, index) =>
    Math.max(...cells.map((line) => (line[index] ?? '').length)),
  );
  return cells
    .map((line) => line.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(GAP))
    .map((line) => line.trimEnd())
    .join('\n');
}

function toCell(value: unknown): string {
  if (value === null || value === undefined) return '-';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return withoutControls(text.slice(0, CELL_CHARACTERS_MAX)).replaceAll('\n', ' ');
}

/** No text of others may move the cursor of a terminal, or worse. */
export function withoutControls(text: string): string {
  return text.replace(/[^\P{C}\n]/gu, '?');
}
