// Lines of the audit log, each of which holds the hash of the one before: an edited, cut or reordered line does not fit its neighbours.
import { createHash } from 'node:crypto';

export type AuditAction =
  | 'freeze'
  | 'rollback'
  | 'release'
  | 'refuse'
  /** The guard held back a version. */
  | 'guard'
  /** Nothing holds the payload on this replica any more. */
  | 'hold_over'
  /** What clients of this replica get is another version from now on, or nothing. */
  | 'version'
  | 'removed';

export interface AuditEvent {
  readonly action: AuditAction;
  /** By the wall clock of this replica. */
  readonly atMs: number;
  readonly replica: string;
  /** Whose token it was done with; of what no operator did, where it came from. */
  readonly who: string;
  /** From where an operator asked; empty for what no operator did. */
  readonly address: string;
  /** The SHA-256 of the SDK key. */
  readonly keyHash: string;
  readonly api: string;
  readonly format: string;
  /** Versions in force before and after; null for none. */
  readonly old: number | null;
  readonly new: number | null;
  readonly reason: string;
}

/** The end of a chain so far. */
export interface ChainEnd {
  readonly seq: number;
  readonly hash: string;
}

export const CHAIN_START: ChainEnd = { seq: 0, hash: '' };

export interface ChainedLine extends ChainEnd {
  /** Without its end of line. */
  readonly text: string;
}

/** The line that follows. */
export function chainLine(end: ChainEnd, { atMs, ...event }: AuditEvent): ChainedLine {
  const seq = end.seq + 1;
  const fields = { seq, at: new Date(atMs).toISOString(), ...event, previous: end.hash };
  const content = JSON.stringify(fields);
  const hash = hashOf(content);
  return { seq, hash, text: `${content.slice(0, -1)},"hash":"${hash}"}` };
}

const HASH_END = /,"hash":"([0-9a-f]{64})"\}$/;
/** Beyond any line of ours, whose texts are bounded where they come in. */
const LINE_CHARACTERS_MAX = 16_384;

export interface ReadLine extends ChainEnd {
  readonly previous: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Undefined for what no line can be, or was edited. */
export function readLine(text: string): ReadLine | undefined {
  const hash = text.length > LINE_CHARACTERS_MAX ? undefined : HASH_END.exec(text)?.[1];
  if (hash === undefined) return undefined;
  const content = `${text.replace(HASH_END, '')}}`;
  if (hashOf(content) !== hash) return undefined;
  let fields: unknown;
  try {
    fields = JSON.parse(content);
  } catch {
    // It has its own hash, and is still no line of ours.
    return undefined;
  }
  if (typeof fields !== 'object' || fields === null) return undefined;
  const { seq, previous } = fields as Readonly<Record<string, unknown>>;
  if (typeof seq !== 'number' || typeof previous !== 'string') return undefined;
  return { seq, hash, previous, fields: fields as Readonly<Record<string, unknown>> };
}

export interface ChainFault {
  /** From 1 on. */
  readonly line: number;
  readonly what: 'edited' | 'lines missing before it' | 'out of order' | 'lines missing at the end';
}

/**
 * Whether each line follows the one before. The first may have any number: those before it were let go of by age.
 * `end`: how far the chain was written at least, where that is known.
 */
export function verifyChain(lines: readonly string[], end?: ChainEnd): readonly ChainFault[] {
  const faults: ChainFault[] = [];
  let before: ReadLine | undefined;
  let hasEnd = end === undefined || end.seq === 0;
  for (const [index, text] of lines.entries()) {
    const read = readLine(text);
    const line = index + 1;
    if (read === undefined) {
      faults.push({ line, what: 'edited' });
      // What follows is judged by what it says of itself, so that one fault is told once.
      before = undefined;
      continue;
    }
    if (before !== undefined && read.seq <= before.seq) faults.push({ line, what: 'out of order' });
    else if (before !== undefined && read.previous !== before.hash)
      faults.push({ line, what: 'lines missing before it' });
    if (read.seq === end?.seq && read.hash === end.hash) hasEnd = true;
    before = read;
  }
  if (!hasEnd) faults.push({ line: lines.length, what: 'lines missing at the end' });
  return faults;
}

function hashOf(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}
