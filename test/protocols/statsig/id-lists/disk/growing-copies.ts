// A process whose copies grow, and are made anew, until it is killed; says how far the growing one has come.
import { DiskPlace } from '../../../../../src/protocols/statsig/id-lists/disk/disk-place.js';
import { createLogger } from '../../../../../src/observability/logger.js';
import { DiskQueue } from '../../../../../src/files/disk-queue.js';
import { systemFiles } from '../../../../../src/files/file-system.js';
import { grow, readAll } from '../../../../contracts/copy-bytes.js';
import { ManualClock } from '../../../../fakes/manual-clock.js';
import { testUser } from '../../../../fakes/test-user.js';
import { GROWING, listOf, REPLACED } from './growing-lists.js';

const [, , folder = ''] = process.argv;
const log = createLogger(
  { write: (line) => process.stderr.write(line) },
  { level: 'info', instanceName: '', version: '' },
);
const clock = new ManualClock();
const options = { queue: new DiskQueue(clock), folder, user: testUser() };
const place = new DiskPlace(systemFiles, clock, log, options);
const left = await place.open();
const growing = left.get(GROWING) ?? (await place.create(GROWING));
const before = left.get(REPLACED);
// The one before may have been killed before it had anything.
let list = before === undefined || before.length === 0 ? 2 : listOf(await readAll(before, 0, 10));
let replaced = before ?? (await place.create(REPLACED));
for (let round = 1; ; round += 1) {
  await grow(growing, 1, growing.length + 50_000, 7000);
  process.stdout.write(`${growing.length}\n`);
  if (round % 5 === 0) {
    list = 2 + (list % 80);
    replaced = await place.create(REPLACED);
  }
  await grow(replaced, list, replaced.length + 30_000, 5000);
}
