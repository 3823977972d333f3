// Lines that are only ever appended, in a file for each day, and bounded by age; beside them how far they were written.
import { appendLines, readWhole } from '../../files/text-lines.js';
import type { Clock } from '../../domain/clock.js';
import type { Logger } from '../../observability/logger.js';
import { DiskAccess } from '../../files/disk-access.js';
import { DiskHealth, type DiskFailing } from '../../files/disk-health.js';
import type { Access, DiskQueue } from '../../files/disk-queue.js';
import { ifThere, systemFiles } from '../../files/file-system.js';
import { OwnFolder, type FolderUser } from '../../files/own-folder.js';

const FILE = /^audit-\d{4}-\d{2}-\d{2}\.jsonl$/;
/** What the last line was, so that lines cut off at the end are missed. */
export const END_FILE = 'end.json';
const MS_PER_DAY = 86_400_000;
const PENDING_MAX = 64;
const LINES = {
  fails: {
    read: 'audit folder fails: what is in it cannot be read',
    write: 'audit folder fails: its lines wait in memory',
  },
  worksAgain: {
    read: 'audit folder works again: what is in it can be read',
    write: 'audit folder works again: its lines are written there',
  },
} as const;

export interface AuditFolderOptions {
  readonly folder: string;
  readonly user: FolderUser | undefined;
  readonly queue: DiskQueue;
  readonly daysKept: number;
}

/** The names of the files with lines, the oldest first. */
export function auditFiles(names: readonly string[]): readonly string[] {
  return names.filter((name) => FILE.test(name)).sort();
}

/** Nothing rejects. */
export class AuditFolder {
  readonly #clock: Clock;
  readonly #health: DiskHealth;
  readonly #access: DiskAccess;
  readonly #folder: OwnFolder;
  readonly #daysKept: number;

  constructor(clock: Clock, log: Logger, { folder, user, queue, daysKept }: AuditFolderOptions) {
    this.#clock = clock;
    this.#health = new DiskHealth(clock, log, folder, LINES);
    this.#access = new DiskAccess(clock, this.#health, { queue, pendingMax: PENDING_MAX });
    this.#folder = new OwnFolder(systemFiles, folder, user);
    this.#daysKept = daysKept;
  }

  get failing(): DiskFailing | undefined {
    return this.#health.failing;
  }

  async newest(linesMax: number): Promise<readonly string[] | 'failed'> {
    return await this.#run('read', () => this.#newest(linesMax));
  }

  /** The lines are on the disk when this is true; `end`: what is to be known of the last one. */
  async append(lines: readonly string[], end: string): Promise<boolean> {
    const done = await this.#run('write', async () => {
      await this.#folder.make();
      const name = `audit-${this.#dayOf(this.#clock.nowMs())}.jsonl`;
      await appendLines(this.#folder.pathOf(name), lines);
      await writeWhole(this.#folder, END_FILE, end);
      await this.#removeOld();
      return true;
    });
    return done === true;
  }

  async close(): Promise<void> {
    await this.#access.close();
  }

  async #newest(linesMax: number): Promise<readonly string[]> {
    if (!(await this.#folder.isThere())) return [];
    const lines: string[] = [];
    for (const name of [...(await this.#names())].reverse()) {
      lines.unshift(...(await readWhole(this.#folder.pathOf(name))));
      if (lines.length >= linesMax) break;
    }
    return lines.slice(-linesMax);
  }

  async #names(): Promise<readonly string[]> {
    return auditFiles((await ifThere(systemFiles.readdir(this.#folder.path))) ?? []);
  }

  async #removeOld(): Promise<void> {
    const oldest = `audit-${this.#dayOf(this.#clock.nowMs() - this.#daysKept * MS_PER_DAY)}.jsonl`;
    for (const name of await this.#names()) if (name < oldest) await this.#folder.remove(name);
  }

  #dayOf(atMs: number): string {
    return new Date(atMs).toISOString().slice(0, 10);
  }

  async #run<Value>(access: Access, operation: () => Promise<Value>): Promise<Value | 'failed'> {
    try {
      // One after another: appending reads nothing, and still has an order.
      const value = await this.#access.run(access, 'audit', operation);
      this.#health.worked(access, 'audit');
      return value;
    } catch {
      // DiskAccess has told of it.
      return 'failed';
    }
  }
}

/** Beside it first, so that it is never half there. */
async function writeWhole(folder: OwnFolder, name: string, text: string): Promise<void> {
  const path = folder.pathOf(`${name}.tmp`);
  await folder.remove(`${name}.tmp`);
  await appendLines(path, [text]);
  await systemFiles.rename(path, folder.pathOf(name));
  await folder.sync();
}
