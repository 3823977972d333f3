// Specs kept in Redis, under the names and in the layout that SDKs' own adapters read.
import type { Clock } from '../../domain/clock.js';
import type { Encoding, Payload } from '../../domain/payload.js';
import type { PayloadKey } from '../../domain/payload-key.js';
import type { BodyLimits } from '../../bodies/body-intake.js';
import { DATA_KEY_SEAL_BYTES } from '../../files/data-keys.js';
import type { BackupSeal } from '../backup-seal.js';
import type { Failing, Loading, LoadPatience, Snapshots, SnapshotFault, Storing } from '../snapshots.js';
import { BodyQueue } from './redis-body-queue.js';
import { readPayload, toBodyFields, type StoredForm } from './redis-body.js';
import { inTime } from '../../domain/deadline.js';
import { isForeign, type StoredEntry } from './redis-entry-state.js';
import type { RedisCommands } from './redis-commands.js';
import type { RedisEntries } from './redis-entries.js';
import { RedisFault, toRedisFault } from './redis-fault.js';
import type { EntryNames, RedisNames } from './redis-names.js';
import { FIELDS } from './redis-scripts.js';

/** A writer may come between the look at an entry and the reading of its body, even twice. */
const LOAD_TRIES_MAX = 3;
/** How long a body waits for its turn. */
const WAITING_MS_MAX = 30_000;
/** For a whole load that a client waits for. */
const CLIENT_LOAD_MS_MAX = 1_500;
/** The connection stays; the answer that is on its way is discarded. */
const TOO_LATE = new RedisFault('command_timeout', 'CLIENT');

/** The entry has changed between the look at it and the reading of its body. */
const OVERTAKEN = Symbol('overtaken');

export interface RedisRoom {
  readonly commands: RedisCommands;
  readonly entries: RedisEntries;
  readonly names: RedisNames;
  readonly bodyLimits: BodyLimits;
  readonly seal: BackupSeal;
  readonly close: () => Promise<void>;
}

export function createRedisSnapshots(clock: Clock, room: RedisRoom): Snapshots {
  const { commands, entries, names, bodyLimits, seal } = room;
  const saves = new BodyQueue(clock);
  /** Separate queues: a load for a client does not wait for saves, or for loads that may take a minute. */
  const loads = { client: new BodyQueue(clock), background: new BodyQueue(clock) };

  async function loadInTime(key: PayloadKey, patience: LoadPatience): Promise<Loading> {
    if (patience === 'background') return await load(key, 'background', Infinity);
    const untilMs = clock.monotonicMs() + CLIENT_LOAD_MS_MAX;
    return await inTime(clock, CLIENT_LOAD_MS_MAX, TOO_LATE, load(key, 'client', untilMs));
  }

  async function load(key: PayloadKey, patience: LoadPatience, untilMs: number): Promise<Loading> {
    const entryNames = names.of(key);
    for (let tries = 0; tries < LOAD_TRIES_MAX; tries += 1) {
      const startMs = clock.monotonicMs();
      const [look] = await entries.look([key], true);
      if (look === undefined) return { kind: 'missing' };
      if (look.kind !== 'entry') return look;
      const waitingMsMax = Math.min(WAITING_MS_MAX, untilMs - clock.monotonicMs());
      const payload = await loads[patience].run(waitingMsMax, () => loadPayload(key, entryNames, look));
      if (payload === OVERTAKEN) continue;
      if (typeof payload === 'string') return unusable(payload);
      const confirmedAgoMs = look.confirmedAgoMs + (clock.monotonicMs() - startMs);
      return { kind: 'found', snapshot: { payload, confirmedAgoMs, confirmedBy: look.confirmedBy } };
    }
    // No replica writes that fast.
    return unusable('torn');
  }

  async function loadPayload(
    key: PayloadKey,
    entryNames: EntryNames,
    look: StoredEntry,
  ): Promise<Payload | SnapshotFault | typeof OVERTAKEN> {
    const plan = planBody(key, look);
    if (plan === undefined) return 'unknown_format';
    const limits = limitsFor(plan.encoding, bodyLimits);
    if (plan.bytes - plan.sealBytes > limits.encodedBytesMax) return 'no_spec';
    const fields = [FIELDS.version, FIELDS.ourVersion, FIELDS.owner, plan.field];
    const [version, ourVersion, owner, bytes] = await commands.loadBody(entryNames.entry, fields, plan.bytes);
    if (!isSame(look, version, ourVersion) || (bytes?.length ?? 0) !== plan.bytes) return OVERTAKEN;
    if (isForeign(entryNames, look.isOurs, owner?.toString())) return 'foreign_key';
    const read = await readStored(seal, { key, plan, bytes }, limits);
    // Else its version, which may be too high, would keep every save out.
    if (read === 'disproved') await entries.disprove(entryNames, plan.version, plan.field, plan.bytes);
    return read === 'disproved' || read === 'unusable' ? 'no_spec' : read;
  }

  async function save(key: PayloadKey, payload: Payload, confirmedAgoMs: number): Promise<Storing> {
    const entryNames = names.of(key);
    const confirmedMs = clock.monotonicMs() - confirmedAgoMs;
    // If the version is there already, no body has to be made and sent.
    const confirming = await entries.confirm(entryNames, payload.version, confirmedAgoMs);
    if (confirming.kind !== 'behind') return confirming;
    return await saves.run(WAITING_MS_MAX, async () => {
      const fields = await toBodyFields(key, payload, bodyLimits.decodedBytesMax, seal);
      return await entries.save(key, entryNames, payload, fields, clock.monotonicMs() - confirmedMs);
    });
  }

  return {
    load: (key, patience = 'background') => loadInTime(key, patience).catch(toFailing),
    save: (key, payload, confirmedAgoMs = 0) => save(key, payload, confirmedAgoMs).catch(toFailing),
    confirm: (key, version) => entries.confirm(names.of(key), version, 0).catch(toFailing),
    remove: (key) => entries.remove(names.of(key)).catch(toFailing),
    close: room.close,
  };
}

interface StoredBytes {
  readonly key: PayloadKey;
  readonly plan: BodyPlan;
  readonly bytes: Field;
}

async function readStored(
  seal: BackupSeal,
  { key, plan, bytes }: StoredBytes,
  limits: BodyLimits,
): Promise<Payload | 'data_key_missing' | 'unusable' | 'disproved'> {
  if (!bytes) return 'disproved';
  if (plan.sealBytes === 0) return await readPayload(bytes, plan, limits);
  const opened = await seal.open(key, plan.version, bytes);
  if (opened === 'data_key_missing') return opened;
  return typeof opened === 'string' ? 'disproved' : await readPayload(opened, plan, limits);
}

interface BodyPlan extends StoredForm {
  readonly field: string;
  readonly bytes: number;
  /** 0 where it is not sealed. */
  readonly sealBytes: number;
}

/** Which field to read, and how: the body that the origin sent if it is of this version, else what adapters read. */
function planBody(key: PayloadKey, { version, isOurs, body }: StoredEntry): BodyPlan | undefined {
  const { kind } = key;
  const sealBytes = body.sealedWith === '' ? 0 : DATA_KEY_SEAL_BYTES;
  // What states no version is stored uncompressed, as a config that is what the origin sent, unless nothing is stored for adapters.
  const isInBody = kind.versions === 'stated' || kind.isContentAddressed || sealBytes > 0;
  if (isOurs && body.bodyBytes > 0 && isInBody) {
    const { format, encoding, bodyBytes } = body;
    if (format === undefined || encoding === undefined) return undefined;
    if (key.format === 'json' && format !== 'json') return undefined;
    return { kind, version, format, encoding, field: FIELDS.body, bytes: bodyBytes, sealBytes };
  }
  const encoding = key.format === 'json' ? 'identity' : 'br';
  const { configBytes: bytes } = body;
  return { kind, version, format: key.format, encoding, field: FIELDS.config, bytes, sealBytes: 0 };
}

/** An uncompressed config may be as large as a decompressed body. */
function limitsFor(encoding: Encoding, { encodedBytesMax, decodedBytesMax }: BodyLimits): BodyLimits {
  return { encodedBytesMax: encoding === 'identity' ? decodedBytesMax : encodedBytesMax, decodedBytesMax };
}

type Field = Buffer | null | undefined;

function isSame(look: StoredEntry, version: Field, ourVersion: Field): boolean {
  const isOurs = ourVersion?.toString() === version?.toString();
  return Number(version?.toString()) === look.version && isOurs === look.isOurs;
}

function unusable(fault: SnapshotFault): Failing {
  return { kind: 'unusable', fault };
}

function toFailing(error: unknown): Failing {
  const { reason, code } = toRedisFault(error);
  // Another kind of value was stored there between two of our commands.
  return code === 'WRONGTYPE' ? unusable('wrong_type') : { kind: 'failed', reason };
}
