// The name that was probably meant, for a name that does not exist.

/** More edits than this make another word. */
const EDITS_MAX = 3;

/** The nearest of `names`, or undefined where none is near enough. */
export function similarName(name: string, names: readonly string[]): string | undefined {
  const editsMax = Math.min(EDITS_MAX, Math.floor(name.length / 3));
  let nearest: string | undefined;
  let nearestEdits = editsMax + 1;
  for (const candidate of names) {
    if (Math.abs(candidate.length - name.length) >= nearestEdits) continue;
    const edits = editsBetween(name.toLowerCase(), candidate.toLowerCase());
    if (edits < nearestEdits) {
      nearest = candidate;
      nearestEdits = edits;
    }
  }
  return nearest;
}

/** Levenshtein's distance, row by row. */
function editsBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_none, index) => index);
  for (let at = 1; at <= from.length; at += 1) {
    const next = [at];
    for (let other = 1; other <= to.length; other += 1) {
      const replaced = (row[other - 1] ?? 0) + (from[at - 1] === to[other - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[other] ?? 0) + 1, (next[other - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
