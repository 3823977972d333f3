// The folder that holds the snapshots: kept within bounds, with what cannot be used put aside.
import type { Stats } from 'node:fs';
import { kindOfFile, setAsideName, type FileKind } from './file-names.js';
import { ifThere } from '../../files/file-system.js';
import { OwnFolder } from '../../files/own-folder.js';

/**
 * A file that is being written changes all the time; one that was not touched for so long has lost its writer. Its last
 * change may be set to a confirmation of long ago before it gets its name: its last access is now then.
 */
const TEMPORARY_AGE_MAX_MS = 600_000;
/** More than are ever written at one time, by however many processes: the oldest of more have lost their writer. */
const TEMPORARY_FILES_MAX = 32;
const SET_ASIDE_FILES_MAX = 32;
/** Of the files that may be, one in so many is given up with those that are too many. */
const SPARE_PART = 16;

export interface Victim {
  readonly name: string;
  /** Of the last confirmation: where it is another one by now, the file is to stay. */
  readonly mtimeMs: number;
}

/** How much of snapshots there may be. */
export interface Bounds {
  readonly filesMax: number;
  /** Of all files together; no bound where left out, and then none of them is looked at for its size. */
  readonly bytesMax?: number | undefined;
}

export interface Survey {
  readonly snapshots: number;
  /** Of the snapshots that are no victims; 0 where there is no bound. */
  readonly bytes: number;
  /** The longest unconfirmed of more snapshots than there may be. */
  readonly victims: readonly Victim[];
}

export class DataFolder extends OwnFolder {
  /** Puts the file out of the way, in the place of the one put there before it; not where another took its place. */
  async setAside(name: string, inode: number | undefined): Promise<boolean> {
    const stats = await ifThere(this.files.lstat(this.pathOf(name)));
    if (stats === undefined || (inode !== undefined && stats.ino !== inode)) return false;
    await this.files.rename(this.pathOf(name), this.pathOf(setAsideName(name)));
    return true;
  }

  async removeSetAside(name: string): Promise<void> {
    const stats = await ifThere(this.files.lstat(this.pathOf(setAsideName(name))));
    if (stats !== undefined && !stats.isDirectory()) await this.remove(setAsideName(name));
  }

  /** Removes what is no longer needed, and returns the snapshots that are too many. Foreign files are left alone. */
  async survey(nowMs: number, { filesMax, bytesMax }: Bounds): Promise<Survey> {
    const names = await this.files.readdir(this.path);
    const of = (kind: FileKind): string[] => names.filter((name) => kindOfFile(name) === kind);
    const temporary = await this.#newestFirst(of('temporary'), touchedAtMs);
    const isLost = (stats: Stats): boolean => Math.abs(nowMs - touchedAtMs(stats)) > TEMPORARY_AGE_MAX_MS;
    const lost = temporary.filter(({ stats }, index) => index >= TEMPORARY_FILES_MAX || isLost(stats));
    const setAside = await this.#beyond(of('set-aside'), SET_ASIDE_FILES_MAX, ({ ctimeMs }) => ctimeMs);
    for (const { name, stats } of [...lost, ...setAside]) if (!stats.isDirectory()) await this.remove(name);
    const snapshots = of('snapshot');
    const beyond = await this.#beyond(snapshots, filesMax, ({ mtimeMs }) => mtimeMs);
    const rest = snapshots.filter((name) => beyond.every((victim) => victim.name !== name));
    const { bytes, tooMuch } =
      bytesMax === undefined ? { bytes: 0, tooMuch: [] } : await this.#beyondBytes(rest, bytesMax);
    return {
      snapshots: snapshots.length,
      bytes,
      victims: [...beyond, ...tooMuch].map(({ name, stats }) => ({ name, mtimeMs: stats.mtimeMs })),
    };
  }

  async #beyondBytes(
    names: readonly string[],
    bytesMax: number,
  ): Promise<{ readonly bytes: number; readonly tooMuch: readonly KnownFile[] }> {
    const files = await this.#newestFirst(names, ({ mtimeMs }) => mtimeMs);
    const all = files.reduce((sum, { stats }) => sum + stats.size, 0);
    if (all <= bytesMax) return { bytes: all, tooMuch: [] };
    const keptMax = bytesMax - Math.floor(bytesMax / SPARE_PART);
    let bytes = 0;
    const first = files.findIndex(({ stats }) => {
      if (bytes + stats.size > keptMax) return true;
      bytes += stats.size;
      return false;
    });
    return { bytes, tooMuch: files.slice(first) };
  }

  /** Looks at single files only where there are too many; then a few more go, so that it is not done for each. */
  async #beyond(names: readonly string[], filesMax: number, timeOf: TimeOf): Promise<readonly KnownFile[]> {
    if (names.length <= filesMax) return [];
    return (await this.#newestFirst(names, timeOf)).slice(filesMax - Math.floor(filesMax / SPARE_PART));
  }

  async #newestFirst(names: readonly string[], timeOf: TimeOf): Promise<readonly KnownFile[]> {
    const found: KnownFile[] = [];
    for (const name of names) {
      const stats = await ifThere(this.files.lstat(this.pathOf(name)));
      if (stats !== undefined) found.push({ name, stats });
    }
    return found.sort((a, b) => timeOf(b.stats) - timeOf(a.stats));
  }
}

/** In milliseconds since 1970. */
type TimeOf = (stats: Stats) => number;

function touchedAtMs({ mtimeMs, atimeMs }: Stats): number {
  return Math.max(mtimeMs, atimeMs);
}

interface KnownFile {
  readonly name: string;
  readonly stats: Stats;
}
