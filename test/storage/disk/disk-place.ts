// A data folder for a test: below a folder of its own, by a clock that is turned by hand, and gone when the test is over.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createLogger, type Logger } from '../../../src/observability/logger.js';
import {
  openDiskSnapshotsOn,
  type DiskOptions,
  type DiskSnapshots,
} from '../../../src/storage/disk/disk-snapshots.js';
import { DiskQueue } from '../../../src/files/disk-queue.js';
import { systemFiles, type FileSystem } from '../../../src/files/file-system.js';
import type { BackupSeal } from '../../../src/storage/backup-seal.js';
import { plainSeal } from '../../fakes/backup-seals.js';
import type { SnapshotsPlace } from '../../contracts/snapshots-place.js';
import { LogSink } from '../../fakes/log-sink.js';
import { ManualClock } from '../../fakes/manual-clock.js';
import { testUser } from '../../fakes/test-user.js';
import { makeTemporaryFolder } from '../../fakes/temporary-folder.js';

const LIMITS = { encodedBytesMax: 16 * 1024 * 1024, decodedBytesMax: 16 * 1024 * 1024 };

export class DiskPlace implements SnapshotsPlace {
  readonly clock: ManualClock;
  readonly sink = new LogSink();
  readonly log: Logger = createLogger(this.sink, { level: 'info', instanceName: 'test', version: '0' });
  /** Not there before the first handle is opened. */
  readonly folder: string;

  readonly #seal: BackupSeal;

  /** `nowMs`: what the clock says at first. `seal`: of handles that are opened without one. */
  constructor(t: TestContext, nowMs?: number, seal = plainSeal()) {
    this.#seal = seal;
    this.clock = new ManualClock(nowMs);
    const parent = makeTemporaryFolder('spec-forward-proxy');
    this.folder = join(parent, 'data');
    // What a test let hang may still make it anew: that goes in the end.
    t.after(() => {
      rmSync(parent, { recursive: true });
    });
  }

  /** `files`: what the handle works with instead of the system's own. */
  open(options: Partial<DiskOptions> = {}, files: FileSystem = systemFiles): Promise<DiskSnapshots> {
    const queue = new DiskQueue(this.clock);
    const defaults = {
      what: 'specs',
      queue,
      folder: this.folder,
      filesMax: 1000,
      user: testUser(),
      limits: LIMITS,
      seal: this.#seal,
    };
    return openDiskSnapshotsOn(files, this.clock, this.log, { ...defaults, ...options });
  }

  async age(durationMs: number): Promise<void> {
    this.clock.advance(durationMs);
  }

  /** Names in the folder, in order; none where it is not there. */
  get names(): readonly string[] {
    return readdirSync(this.folder).sort();
  }

  /** The bytes of all files, one after the other, each as a character. */
  get contents(): string {
    return this.names.map((name) => readFileSync(this.pathOf(name), 'latin1')).join('\n');
  }

  pathOf(name: string): string {
    return join(this.folder, name);
  }
}
