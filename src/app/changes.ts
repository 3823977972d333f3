// What changes, as events for pages that are open: told by the rooms where it happens, or found by a look while somebody listens.
import { randomBytes } from 'node:crypto';
import type { AuditEvent } from '../core/audit/audit-line.js';
import type { HoldListener } from '../core/holds/hold-keeper.js';
import type { StoreListener } from '../core/payload-store.js';
import type { Cancel, Clock } from '../domain/clock.js';
import type { PayloadKey } from '../domain/payload-key.js';
import { hashSdkKey, maskSdkKey } from '../domain/sdk-key.js';
import { ChangeLog } from '../servers/admin/change-log.js';
import { ChangeStreams } from '../servers/admin/change-streams.js';
import type { OpenedPlaces } from './backup-places.js';
import type { Feature, Features } from './feature.js';
import { OPERATED_KINDS } from './operated-kinds.js';
import { describeHold } from './operator-orders.js';
import { judge, type JudgedProblem } from './problems.js';
import type { Replicas } from './replicas.js';
import { toIso } from './shown-times.js';

/** Between looks at what nobody tells of. */
const LOOK_EVERY_MS = 2_000;
/** Of this process among all that a page may ask. */
const EPOCH_BYTES = 6;
/** Of what a problem says, which may repeat what others wrote. */
const WHAT_CHARACTERS_MAX = 2_000;

/** What is told to those who listen, by the rooms where it happens. */
export interface ChangeTellers extends StoreListener, HoldListener {
  readonly audited: (event: AuditEvent) => void;
}

export class Changes implements ChangeTellers {
  readonly #clock: Clock;
  readonly #log = new ChangeLog(randomBytes(EPOCH_BYTES).toString('hex'));

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get log(): ChangeLog {
    return this.#log;
  }

  readonly updated: NonNullable<StoreListener['updated']> = ({ key, payload, source, from }, replaced) => {
    const old = replaced?.payload.version ?? null;
    this.#tellSpec(key, { old, version: payload.version, source, from: from ?? null });
  };

  readonly removed = (key: PayloadKey): void => {
    this.#tellSpec(key, { old: null, version: null, source: null, from: null });
  };

  readonly changed: HoldListener['changed'] = (hold) => {
    this.#log.publish('hold', describeHold(hold, this.#clock.nowMs()));
  };

  readonly audited = ({ atMs, ...event }: AuditEvent): void => {
    this.#log.publish('audit', { at: toIso(atMs), ...event });
  };

  #tellSpec({ sdkKey, kind, format }: PayloadKey, now: object): void {
    if (!OPERATED_KINDS.includes(kind)) return;
    const of = { keyHash: hashSdkKey(sdkKey), api: kind.name, format };
    this.#log.publish('spec', { sdkKey: maskSdkKey(sdkKey), ...of, at: toIso(this.#clock.nowMs()), ...now });
  }
}

export interface ChangeRooms {
  readonly features: Features;
  readonly replicas: Pick<Replicas, 'names'>;
  readonly places: Pick<OpenedPlaces, 'redis' | 'link'>;
}

export interface BuiltChanges {
  readonly streams: ChangeStreams;
  readonly changeFeature: Feature;
}

export function buildChangeStreams(clock: Clock, { log }: Changes, rooms: ChangeRooms): BuiltChanges {
  const look = lookAround(log, rooms);
  const streams = new ChangeStreams(clock, log, look);
  let cancel: Cancel = () => undefined;
  const open = (): void => {
    cancel = clock.schedule(LOOK_EVERY_MS, () => {
      if (streams.gauge.entries > 0) look();
      open();
    });
  };
  return {
    streams,
    changeFeature: {
      name: 'changes',
      open,
      drain: () => {
        cancel();
        streams.drain();
      },
      gauges: () => ({ changeStreams: streams.gauge }),
    },
  };
}

/** Tells what has changed since it was called last. */
function lookAround(log: ChangeLog, { features, replicas, places }: ChangeRooms): () => void {
  let problems = new Map<string, JudgedProblem>();
  let fleet = '';
  const tell = (problem: JudgedProblem, isOver: boolean): void => {
    const what = problem.what.slice(0, WHAT_CHARACTERS_MAX);
    log.publish('problem', { ...problem, what, isOver });
  };
  return () => {
    const now = new Map(
      judge(features.problems).problems.map((each) => [`${each.reason} ${each.what}`, each]),
    );
    for (const [id, problem] of problems) if (!now.has(id)) tell(problem, true);
    for (const [id, problem] of now) if (!problems.has(id)) tell(problem, false);
    problems = now;
    const described = {
      leader: places.link?.leader ?? null,
      isLeader: places.redis?.isLeader ?? null,
      names: replicas.names(),
    };
    if (JSON.stringify(described) === fleet) return;
    fleet = JSON.stringify(described);
    log.publish('replicas', described);
  };
}
