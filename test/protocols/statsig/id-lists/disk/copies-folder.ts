// A folder of copies for a test: below a folder of its own, by a clock that is turned by hand, and gone when the test is over.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { CopyBytes } from '../../../../../src/protocols/statsig/id-lists/copy-place.js';
import {
  DiskPlace,
  type DiskPlaceOptions,
} from '../../../../../src/protocols/statsig/id-lists/disk/disk-place.js';
import { createLogger, type Logger } from '../../../../../src/observability/logger.js';
import { DiskQueue } from '../../../../../src/files/disk-queue.js';
import { systemFiles, type FileSystem } from '../../../../../src/files/file-system.js';
import { within } from '../../../../e2e/deadline.js';
import { LogSink } from '../../../../fakes/log-sink.js';
import { testUser } from '../../../../fakes/test-user.js';
import { ManualClock } from '../../../../fakes/manual-clock.js';

export class CopiesFolder {
  readonly clock = new ManualClock();
  readonly sink = new LogSink();
  readonly log: Logger = createLogger(this.sink, { level: 'info', instanceName: 'test', version: '0' });
  /** Not there before the first place is opened. */
  readonly path: string;
  readonly #places: DiskPlace[] = [];

  constructor(t: TestContext) {
    const parent = mkdtempSync(join(tmpdir(), 'id-lists-'));
    this.path = join(parent, 'id-lists');
    t.after(async () => {
      for (const place of this.#places) await within(place.close(), 'end of a place');
      rmSync(parent, { recursive: true });
    });
  }

  /** A place that is not open yet; closed when the test is over. */
  start(files: FileSystem = systemFiles, options: Partial<DiskPlaceOptions> = {}): DiskPlace {
    const queue = new DiskQueue(this.clock);
    const defaults = { queue, folder: this.path, user: testUser() };
    const place = new DiskPlace(files, this.clock, this.log, { ...defaults, ...options });
    this.#places.push(place);
    return place;
  }

  async open(
    files?: FileSystem,
    options?: Partial<DiskPlaceOptions>,
  ): Promise<{ readonly place: DiskPlace; readonly left: ReadonlyMap<string, CopyBytes> }> {
    const place = this.start(files, options);
    return { place, left: await within(place.open(), 'open place') };
  }

  /** In order, without the lock. */
  get names(): readonly string[] {
    return readdirSync(this.path)
      .filter((name) => name !== 'lock')
      .sort();
  }

  pathOf(name: string): string {
    return join(this.path, name);
  }

  get messages(): readonly unknown[] {
    return this.sink.lines.map(({ msg }) => msg);
  }
}
