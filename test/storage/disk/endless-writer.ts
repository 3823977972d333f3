// A process that stores ever newer versions in a data folder until it is killed, and says each that was stored.
import { systemClock } from '../../../src/domain/clock.js';
import { createLogger } from '../../../src/observability/logger.js';
import { DiskQueue } from '../../../src/files/disk-queue.js';
import { openDiskSnapshots } from '../../../src/storage/disk/disk-snapshots.js';
import { plainSeal } from '../../fakes/backup-seals.js';
import { testUser } from '../../fakes/test-user.js';
import { largePayload, WRITER_KEYS, WRITER_LIMITS } from './writer-payloads.js';

const [, , folder = '', first = '1'] = process.argv;
const log = createLogger(
  { write: (line) => process.stderr.write(line) },
  { level: 'info', instanceName: '', version: '' },
);
const snapshots = await openDiskSnapshots(systemClock, log, {
  queue: new DiskQueue(systemClock),
  folder,
  what: 'specs',
  filesMax: 100,
  user: testUser(),
  limits: WRITER_LIMITS,
  seal: plainSeal(),
});
for (let version = Number(first); ; version += 1) {
  const outcomes = await Promise.all(WRITER_KEYS.map((key) => snapshots.save(key, largePayload(version), 0)));
  for (const [index, { kind }] of outcomes.entries()) process.stdout.write(`${index} ${kind} ${version}\n`);
}
