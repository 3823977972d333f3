// The command `dead-letters --redis`: prints the batches of log events that were given up from the queue in Redis, opened.
import type { CommandLine } from '../config/command-line.js';
import { loadConfig, type Surroundings } from '../config/load-config.js';
import type { Clock } from '../domain/clock.js';
import { DataKeys } from '../files/data-keys.js';
import { openSealed } from '../protocols/statsig/log-events/disk/opened-dead-letters.js';
import { createDataKeySealer } from '../protocols/statsig/log-events/sealer.js';
import { BackupSeal } from '../storage/backup-seal.js';
import { toRedisFault } from '../storage/redis/redis-fault.js';
import { readShardLetters } from '../storage/redis/redis-shard-letters.js';
import { toRedisOptions } from './backup-places.js';
import { identityOf } from './room-options.js';

/** MODE is of no interest, and CACHE can only be this one. */
const USUAL_OPERANDS = ['http', 'redis'];

/** Of the process: one JSON line for each letter, shard by shard, and what is wrong. */
export interface LettersOutput {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** `status`: 0 where every letter was printed whole. `faults`: of the settings. */
export async function printSharedDeadLetters(
  line: CommandLine,
  around: Surroundings,
  clock: Clock,
  { stdout, stderr }: LettersOutput,
): Promise<{ readonly status: 0 | 1 } | { readonly faults: readonly string[] }> {
  const operands = line.operands.length === 0 ? USUAL_OPERANDS : line.operands;
  const loaded = loadConfig({ ...line, operands }, around);
  if (loaded.kind === 'faults') return loaded;
  const { config } = loaded;
  if (config.redis === undefined) return { faults: ["CACHE has to be 'redis'"] };
  const tls = { caPem: config.redisCaPem, identity: identityOf(config.redisCertificate) };
  const dataKeys = new DataKeys(clock, config.dataKeys?.content);
  const options = toRedisOptions(config, config.redis, tls, new BackupSeal(dataKeys, false));
  const sealer = createDataKeySealer(dataKeys);
  let status: 0 | 1 = 0;
  try {
    await readShardLetters(clock, options, async (letters) => {
      for (const { shard, facts, sealed } of letters) {
        const opened = sealed.length === 0 ? { batch: null } : await openSealed(sealer, sealed);
        if ('fault' in opened) status = 1;
        stdout.write(`${JSON.stringify({ shard, ...(JSON.parse(facts) as object), ...opened })}\n`);
      }
    });
    return { status };
  } catch (error) {
    stderr.write(`Redis cannot be read: ${toRedisFault(error).message}\n`);
    return { status: 1 };
  }
}
