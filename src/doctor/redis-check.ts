// Redis: whether it can be entered, is of the kind that settings say, takes every command that is needed, and keeps what it is given.
import { identityOf } from '../app/room-options.js';
import { toRedisOptions } from '../app/backup-places.js';
import { DataKeys } from '../files/data-keys.js';
import { BackupSeal } from '../storage/backup-seal.js';
import { toRedisFault, type RedisFault } from '../storage/redis/redis-fault.js';
import { inspectRedis, type RedisInspection } from '../storage/redis/redis-inspection.js';
import type { RedisOptions } from '../storage/redis/redis-options.js';
import { fail, pass, warn, type Finding, type Patient } from './check.js';
import { judgeLogEventStore } from './log-event-store-check.js';

/** As docs/cache.md has it: scripts that write after they asked for the time. */
const OLDEST_MAJOR = 5;
const SKEW_WARN_MS = 10_000;
const MIB = 1024 * 1024;

export async function checkRedis({
  config,
  clock,
  lookup,
}: Pick<Patient, 'config' | 'clock' | 'lookup'>): Promise<readonly Finding[]> {
  if (config.redis === undefined) return [pass(`CACHE ${config.cache}: Redis is not used`)];
  const tls = { caPem: config.redisCaPem, identity: identityOf(config.redisCertificate) };
  const options = {
    ...toRedisOptions(config, config.redis, tls, new BackupSeal(new DataKeys(clock), false)),
    ...(lookup && { lookup }),
  };
  let found: RedisInspection;
  try {
    found = await inspectRedis(clock, options);
  } catch (error) {
    return [unreachable(toRedisFault(error))];
  }
  return [...judge(options, found), ...judgeLogEventStore(config, found.queue), ...judgeReaders(config)];
}

const REMEDIES: Readonly<Record<string, string>> = {
  connection_refused: 'Check host and port, and that Redis runs.',
  connect_timeout: 'Open the way to Redis: firewall, NetworkPolicy, security group; or REDIS_TLS is wrong.',
  connection_lost: 'Something answers and hangs up: Redis with TLS where REDIS_TLS is not set, mostly.',
  dns_failed: 'Check the name in the settings and the DNS of this machine.',
  tls_failed:
    'Name its authority by --redis-ca-file (REDIS_CA_FILE), and the host as its certificate has it.',
  auth_failed: 'Check REDIS_ENTERPRISE_USER and the password, or the password file.',
  read_only: 'This is a replica: name its master, or the sentinels (REDIS_SENTINEL_NAME).',
  loading: 'Redis is loading its data: try again later.',
};

function unreachable({ reason, code }: RedisFault): Finding {
  const detail = code === '' ? '' : ` (${code})`;
  const remedy = REMEDIES[reason] ?? 'See docs/reasons.md for what the reason means.';
  return fail(`Redis cannot be used: ${reason}${detail}`, remedy);
}

function judge(options: RedisOptions, found: RedisInspection): readonly Finding[] {
  return [
    ...judgeKind(options, found.info),
    ...judgeVersion(found.info),
    ...judgePermissions(options, found),
    ...judgeMemory(found.info),
    ...judgeClock(found.aheadMs),
  ];
}

function judgeKind({ address }: RedisOptions, info: RedisInspection['info']): readonly Finding[] {
  const mode = info.get('redis_mode');
  if (mode === undefined)
    return [pass('Redis answers; it does not say what kind it is (INFO is not allowed)')];
  if (mode === 'sentinel') {
    return [
      fail('this is a sentinel, not Redis', 'Set REDIS_SENTINEL_NAME, and name sentinels in REDIS_NODES.'),
    ];
  }
  if (mode === 'cluster' && address.kind !== 'cluster')
    return [fail('this is a node of a cluster', 'Set REDIS_CLUSTER=true.')];
  if (mode !== 'cluster' && address.kind === 'cluster')
    return [fail('this is no cluster', 'Leave REDIS_CLUSTER out.')];
  if (address.kind === 'standalone' && info.get('role') === 'slave')
    return [fail('this is a replica, which takes no writes', REMEDIES['read_only'] ?? '')];
  return [pass(`Redis answers: ${address.kind}, ${info.get('role') ?? 'role unknown'}`)];
}

function judgeVersion(info: RedisInspection['info']): readonly Finding[] {
  const version = info.get('redis_version');
  if (version === undefined) return [];
  const remedy = `Update it to Redis ${OLDEST_MAJOR} or newer.`;
  if (Number.parseInt(version, 10) < OLDEST_MAJOR)
    return [fail(`Redis ${version} is too old: scripts that write fail`, remedy)];
  return [pass(`Redis ${version}`)];
}

function judgePermissions(options: RedisOptions, { denied, untried }: RedisInspection): readonly Finding[] {
  const who = options.user === '' ? 'the default user' : 'the user of the settings';
  if (denied.length > 0) {
    return [
      fail(
        `${who} may not: ${denied.join(', ')}`,
        'Allow these commands on names that begin with the prefix and statsig, and its channel: docs/cache.md has the list.',
      ),
    ];
  }
  if (untried.length === 0) return [pass(`${who} may send every command that is needed`)];
  return [
    pass(
      `${who} may send what could be tried; not tried, as that would change something: ${untried.join(', ')}`,
    ),
  ];
}

function judgeMemory(info: RedisInspection['info']): readonly Finding[] {
  const [policy, max, used] = ['maxmemory_policy', 'maxmemory', 'used_memory'].map((name) => info.get(name));
  if (policy === undefined || max === undefined) return [];
  if (Number(max) === 0) return [pass(`no memory limit (${policy})`)];
  const fill = `${Math.round(Number(used) / MIB)} of ${Math.round(Number(max) / MIB)} MiB used, ${policy}`;
  if (policy === 'noeviction') return [pass(fill)];
  return [
    warn(
      `${fill}: a full Redis drops specs, and the lock of the leader`,
      'Give specs a Redis of their own, or maxmemory-policy noeviction; replicas then go on without it.',
    ),
  ];
}

function judgeReaders({ encryptBackups }: Patient['config']): readonly Finding[] {
  if (!encryptBackups) return [];
  return [
    warn(
      'backups of specs are encrypted: SDK data adapters, and SFP, cannot read them',
      'Leave --encrypt-backups out where SDKs read Redis themselves.',
    ),
  ];
}

function judgeClock(aheadMs: number | undefined): readonly Finding[] {
  if (aheadMs === undefined) return [];
  if (Math.abs(aheadMs) < SKEW_WARN_MS) return [pass("this machine's clock agrees with that of Redis")];
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  return [
    warn(
      `this machine's clock is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of Redis`,
      'Set both by NTP. Replicas agree by the clock of Redis; this one is off for certificates and ages.',
    ),
  ];
}
