// What makes log events less safe in this Redis than their acceptance promises, each with what to do: for the start and the doctor.
import type { QueueDurability } from '../storage/shard-queue.js';

export interface LogEventRisk {
  /** Batches are not accepted at all, or accepted ones are lost without any failure. */
  readonly isGrave: boolean;
  readonly what: string;
  readonly remedy: string;
}

export interface LogEventStoreFacts {
  readonly durability: QueueDurability;
  /** Of Redis, which a batch has to reach. */
  readonly replicasMin: number;
  /** Another server may take over with what it has by then. */
  readonly failsOver: boolean;
  readonly isSealed: boolean;
}

type Rule = readonly [
  applies: (facts: LogEventStoreFacts) => boolean,
  risk: (facts: LogEventStoreFacts) => LogEventRisk,
];

const RULES: readonly Rule[] = [
  [
    ({ durability: { denied } }) => denied.length > 0,
    ({ durability: { denied } }) => ({
      isGrave: true,
      what: `the user of Redis may not: ${denied.join(', ')}, so that it takes no log events`,
      remedy:
        "Allow these on names that begin with the prefix and 'spec-forward-proxy|': docs/cache.md has the list.",
    }),
  ],
  [
    ({ durability: { appendOnly } }) => appendOnly === false,
    () => ({
      isGrave: true,
      what: 'Redis writes no append-only file: log events that were accepted are lost when it restarts',
      remedy: 'Set appendonly yes in Redis, or --log-event-store disk.',
    }),
  ],
  [
    ({ durability: { appendOnly, appendFsync } }) => appendOnly === true && appendFsync === 'no',
    () => ({
      isGrave: false,
      what: 'Redis leaves it to the system when its append-only file is on the disk: a power cut may lose half a minute',
      remedy: 'Set appendfsync everysec, which may lose a second, or always, which loses nothing.',
    }),
  ],
  [
    ({ durability }) => evictsLogEvents(durability),
    ({ durability: { evictionPolicy } }) => ({
      isGrave: true,
      what: `a full Redis may evict log events that were accepted (maxmemory-policy ${String(evictionPolicy)})`,
      remedy: 'Set maxmemory-policy noeviction: SDKs then get 503 while it is full, and nothing is lost.',
    }),
  ],
  [
    ({ durability: { replicas = Infinity }, replicasMin }) => replicas < replicasMin,
    ({ durability: { replicas }, replicasMin }) => ({
      isGrave: true,
      what: `Redis has ${String(replicas)} replicas, and --log-event-min-replicas asks for ${replicasMin}: log events get 503`,
      remedy: 'Bring the replicas of Redis back, or lower --log-event-min-replicas.',
    }),
  ],
  [
    ({ failsOver, replicasMin }) => failsOver && replicasMin === 0,
    () => ({
      isGrave: false,
      what: 'a failover of Redis may lose the log events that no replica of it has yet',
      remedy: 'Set --log-event-min-replicas 1: a batch is accepted once a replica has it too.',
    }),
  ],
  [
    ({ isSealed }) => !isSealed,
    () => ({
      isGrave: false,
      what: 'log events and their SDK keys are in Redis as plain text',
      remedy: 'Set --data-key-file, the same on every replica.',
    }),
  ],
];

/** The queue's names never expire: a policy that takes only what does leaves them alone. */
export function evictsLogEvents({ evictionPolicy = '', memoryBytesMax = 0 }: QueueDurability): boolean {
  return evictionPolicy.startsWith('allkeys-') && memoryBytesMax > 0;
}

export function logEventRisks(facts: LogEventStoreFacts): readonly LogEventRisk[] {
  return RULES.filter(([applies]) => applies(facts)).map(([, risk]) => risk(facts));
}
