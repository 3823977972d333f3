// What a search of a list finds: rows that have every word, in whatever case.

export function hasWords(texts: readonly unknown[], search: string): boolean {
  const text = texts.map(String).join(' ').toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
