// Whether the disk reads and writes what it is asked: of each, one line when it begins to fail and one when it works again.
import type { Clock } from '../domain/clock.js';
import type { Logger } from '../observability/logger.js';
import { DiskTooSlow, type Access } from './disk-queue.js';
import { errorCode } from './file-system.js';
import { FolderRefused } from './own-folder.js';

/** Why a disk did not do what it was asked. Stable and machine-readable. */
export type DiskFailureReason = 'disk_full' | 'disk_denied' | 'disk_failed' | 'closed';

/** In place of a file's name. */
export const WHOLE_FOLDER = '';

/**
 * It works again when the file that failed last does, or when nothing failed for so long. One file that cannot be
 * written among thousands that can would have a line for each time it is tried otherwise.
 */
const QUIET_MS = 60_000;

const REASONS: ReadonlyMap<string, DiskFailureReason> = new Map<string, DiskFailureReason>([
  ['ENOSPC', 'disk_full'],
  ['EDQUOT', 'disk_full'],
  ['EACCES', 'disk_denied'],
  ['EPERM', 'disk_denied'],
  ['EROFS', 'disk_denied'],
]);

interface Failure {
  readonly reason: DiskFailureReason;
  /** A system's error code, or what is wrong with the folder; not machine-readable. */
  readonly detail: string;
  readonly sinceMs: number;
  readonly lastMs: number;
  readonly lastFile: string;
}

export interface DiskFailing {
  readonly reason: DiskFailureReason;
  readonly forMs: number;
}

/** What the lines say. */
export interface DiskLines {
  /** What the failure of the disk means for the operator. */
  readonly fails: Readonly<Record<Access, string>>;
  readonly worksAgain: Readonly<Record<Access, string>>;
}

export class DiskHealth {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #folder: string;
  readonly #lines: DiskLines;
  /** Reads and writes apart: on a full disk every write fails, and every read works. */
  readonly #failures = new Map<Access, Failure>();

  constructor(clock: Clock, log: Logger, folder: string, lines: DiskLines) {
    this.#clock = clock;
    this.#log = log;
    this.#folder = folder;
    this.#lines = lines;
  }

  worked(access: Access, file: string): void {
    const failure = this.#failures.get(access);
    if (failure === undefined) return;
    const isOfFile = failure.lastFile === file || failure.lastFile === WHOLE_FOLDER;
    const isQuiet = this.#clock.monotonicMs() - failure.lastMs >= QUIET_MS;
    if (!isOfFile && !isQuiet) return;
    this.#failures.delete(access);
    this.#log.info({ folder: this.#folder, access }, this.#lines.worksAgain[access]);
  }

  failed(access: Access, file: string, error: unknown): void {
    const nowMs = this.#clock.monotonicMs();
    const before = this.#failures.get(access);
    const sinceMs = before?.sinceMs ?? nowMs;
    const { reason, detail } = describe(error);
    if (before === undefined) {
      this.#log.warn({ folder: this.#folder, access, reason, detail }, this.#lines.fails[access]);
    }
    this.#failures.set(access, { reason, detail, sinceMs, lastMs: nowMs, lastFile: file });
  }

  /** What has been failing for longest, reads or writes; undefined where both work. */
  get failing(): DiskFailing | undefined {
    const [first] = [...this.#failures.values()].sort((left, right) => left.sinceMs - right.sinceMs);
    return first && { reason: first.reason, forMs: this.#clock.monotonicMs() - first.sinceMs };
  }

  /** For the status page. */
  describe(): object {
    return { reads: this.#describe('read'), writes: this.#describe('write') };
  }

  #describe(access: Access): object {
    const failure = this.#failures.get(access);
    if (failure === undefined) return { state: 'working' };
    const { reason, detail, sinceMs } = failure;
    const forS = Math.round((this.#clock.monotonicMs() - sinceMs) / 100) / 10;
    return { state: 'failing', reason, detail, forS };
  }
}

export function failureReason(error: unknown): DiskFailureReason {
  return describe(error).reason;
}

function describe(error: unknown): Pick<Failure, 'reason' | 'detail'> {
  if (error instanceof FolderRefused) return { reason: 'disk_denied', detail: error.message };
  if (error instanceof DiskTooSlow) return { reason: 'disk_failed', detail: error.message };
  const code = errorCode(error);
  const detail = code === '' ? 'an error without a code' : code;
  return { reason: REASONS.get(code) ?? 'disk_failed', detail };
}
