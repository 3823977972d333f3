// Redis as the place where log events wait: whether it is taken as such, and what makes them less safe there.
import { toStoreFacts, unfitness } from '../app/log-event-place.js';
import { logEventRisks } from '../app/log-event-risks.js';
import type { Config } from '../config/load-config.js';
import type { QueueDurability } from '../storage/shard-queue.js';
import { fail, pass, warn, type Finding } from './check.js';

export function judgeLogEventStore(config: Config, durability: QueueDurability): readonly Finding[] {
  const { logEventStore, dataDir, dataKeys } = config;
  if (logEventStore === 'memory' || logEventStore === 'disk') return [];
  const why = unfitness(durability);
  if (logEventStore === 'auto' && why !== undefined) {
    const where = dataDir === '' ? 'memory' : 'the data directory';
    return [pass(`log events wait in ${where}, and not in Redis: ${why}`)];
  }
  const fsync = durability.appendFsync ?? 'not told';
  const kept = pass(`log events wait in Redis: append-only file, appendfsync ${fsync}`);
  const risks = logEventRisks(toStoreFacts(config, durability, dataKeys !== undefined));
  return [
    ...(durability.appendOnly === true ? [kept] : []),
    ...risks.map(({ isGrave, what, remedy }) => (isGrave ? fail : warn)(what, remedy)),
  ];
}
