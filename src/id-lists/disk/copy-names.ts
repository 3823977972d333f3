// The names of files in the folder of copies: two for each copy, and those that are being written.

/** What a file of ours is, by its name, and the copy it belongs to. */
export interface CopyFileName {
  readonly name: string;
  readonly kind: 'copy' | 'checkpoint' | 'temporary';
}

const NAME = '[A-Za-z0-9_-]{43}';
const PATTERNS: readonly (readonly [RegExp, CopyFileName['kind']])[] = [
  [new RegExp(String.raw`^(${NAME})\.list$`), 'copy'],
  [new RegExp(String.raw`^(${NAME})\.checkpoint$`), 'checkpoint'],
  [new RegExp(String.raw`^(${NAME})\.(?:list|checkpoint)\.tmp$`), 'temporary'],
];
const WHOLE_NAME = new RegExp(`^${NAME}$`);

/** Whether a copy of this name can have a file: another one could lead out of the folder. */
export function isCopyName(name: string): boolean {
  return WHOLE_NAME.test(name);
}

/** The bytes of the list, and nothing else. */
export function copyFile(name: string): string {
  return `${name}.list`;
}

export function checkpointFile(name: string): string {
  return `${name}.checkpoint`;
}

/** One for each file is enough: there is one process to a folder, and it writes one file at a time. */
export function temporaryFile(file: string): string {
  return `${file}.tmp`;
}

/** Undefined for a file that is not ours to touch. */
export function readFileName(file: string): CopyFileName | undefined {
  for (const [pattern, kind] of PATTERNS) {
    const name = pattern.exec(file)?.[1];
    if (name !== undefined) return { name, kind };
  }
  return undefined;
}
