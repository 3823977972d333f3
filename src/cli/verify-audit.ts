// The command `audit verify`: says whether the lines of an audit folder, or of one file, are as they were written.
import { statSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readLine, verifyChain, type ChainEnd, type ChainFault } from '../core/audit/audit-line.js';
import { auditFiles, END_FILE } from '../storage/disk/audit-folder.js';

export interface AuditReport {
  readonly isWhole: boolean;
  /** For people. */
  readonly text: string;
}

interface Source {
  readonly file: string;
  readonly lines: readonly string[];
}

/** `path`: of a folder with audit files, or of one such file, which may be a part only. */
export function verifyAudit(path: string): AuditReport {
  let sources: readonly Source[];
  let end: ChainEnd | undefined;
  try {
    const isFolder = statSync(path).isDirectory();
    const folder = isFolder ? path : dirname(path);
    const names = isFolder ? auditFiles(readdirSync(path)) : [basename(path)];
    sources = names.map((file) => ({ file, lines: linesOf(join(folder, file)) }));
    end = isFolder ? readEnd(join(folder, END_FILE)) : undefined;
  } catch (error) {
    return {
      isWhole: false,
      text: `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
  const lines = sources.flatMap((source) => source.lines);
  const faults = verifyChain(lines, end);
  if (faults.length > 0)
    return { isWhole: false, text: faults.map((fault) => describe(fault, sources)).join('\n') };
  const [first, last] = [readLine(lines[0] ?? ''), readLine(lines.at(-1) ?? '')];
  const range = first && last ? `, numbers ${first.seq} to ${last.seq}` : '';
  return { isWhole: true, text: `whole: ${lines.length} lines${range}` };
}

function describe({ line, what }: ChainFault, sources: readonly Source[]): string {
  let left = line;
  for (const { file, lines } of sources) {
    if (left <= lines.length) return `${file}:${left}: ${what}`;
    left -= lines.length;
  }
  return what;
}

/** Half a line at the end counts as well: it was never written whole, or was cut. */
function linesOf(path: string): readonly string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

/** Without the file, or with another one in its place, nothing is known of the end: that is a fault, too. */
function readEnd(path: string): ChainEnd {
  const { seq, hash } = JSON.parse(readFileSync(path, 'utf8')) as Partial<ChainEnd>;
  if (typeof seq !== 'number' || typeof hash !== 'string') throw new Error(`${END_FILE} is not one of ours`);
  return { seq, hash };
}
