// The names of files in the data folder: one for each payload key, which reveals nothing of the SDK key.
import type { PayloadKey } from '../../domain/payload-key.js';
import { hashSdkKey } from '../../domain/sdk-key.js';

/** What one of our files is, by its name; undefined for a file that is not ours to touch. */
export type FileKind = 'snapshot' | 'temporary' | 'set-aside';

const SNAPSHOT = String.raw`[0-9a-f]{64}\.\w+\.(?:json|protobuf)\.spec`;
const PATTERNS: readonly (readonly [RegExp, FileKind])[] = [
  [new RegExp(`^${SNAPSHOT}$`), 'snapshot'],
  [new RegExp(String.raw`^${SNAPSHOT}\.[0-9a-f]+-\d+\.tmp$`), 'temporary'],
  [new RegExp(String.raw`^${SNAPSHOT}\.set-aside$`), 'set-aside'],
];

/** `<hex sha256 of the SDK key>.v2.protobuf.spec`: in hex, as some file systems do not tell `A` from `a`. */
export function snapshotName(key: PayloadKey): string {
  return `${hashSdkKey(key.sdkKey)}.${key.kind.name}.${key.format}.spec`;
}

/**
 * A file that is being written; `writer` is another one for each handle on the folder, `count` for each of its files.
 * A process id would not do: in containers that share a folder every process is the first.
 */
export function temporaryName(name: string, writer: string, count: number): string {
  return `${name}.${writer}-${count}.tmp`;
}

/** What could not be used, kept for inspection. */
export function setAsideName(name: string): string {
  return `${name}.set-aside`;
}

export function kindOfFile(name: string): FileKind | undefined {
  return PATTERNS.find(([pattern]) => pattern.test(name))?.[1];
}
