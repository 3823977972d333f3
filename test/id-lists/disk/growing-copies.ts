// A process whose copies grow, and are made anew, until it is killed; says how far a checkpoint must have come.
import { DiskPlace } from '../../../src/id-lists/disk/disk-place.js';
import { createLogger } from '../../../src/observability/logger.js';
import { systemFiles } from '../../../src/sources/disk/file-system.js';
import { grow, readAll } from '../../contracts/copy-bytes.js';
import { testUser } from '../../fakes/test-user.js';
import { ManualClock } from '../../fakes/manual-clock.js';
import { GROWING, listOf, REPLACED } from './growing-lists.js';

const CHECKPOINT_MS = 5_000;

const [, , folder = ''] = process.argv;
const log = createLogger(
  { write: (line) => process.stderr.write(line) },
  { debug: false, instanceName: '', version: '' },
);
const clock = new ManualClock();
const place = new DiskPlace(systemFiles, clock, log, { folder, user: testUser() });
const left = await place.open();
const growing = left.get(GROWING) ?? (await place.create(GROWING));
const before = left.get(REPLACED);
let list = before === undefined ? 2 : listOf(await readAll(before, 0, Math.min(10, before.length)));
let replaced = before ?? (await place.create(REPLACED));
for (let round = 1; ; round += 1) {
  await grow(growing, 1, growing.length + 50_000, 7000);
  const said = growing.length;
  // Due for both, and nothing else is: a process turns this clock only when nothing is under way.
  clock.advance(CHECKPOINT_MS);
  // In line behind the checkpoint.
  await grow(growing, 1, said + 13);
  process.stdout.write(`${said}\n`);
  if (round % 5 === 0) {
    list = 2 + (list % 80);
    replaced = await place.create(REPLACED);
  }
  await grow(replaced, list, replaced.length + 30_000, 5000);
}
