// The replicas of a fleet as a feature, and side by side for operators: which of them holds which version of which spec.
import type { Config } from '../config/load-config.js';
import { placeOf, RECORD_VERSIONS_MAX, type ReplicaRecord } from '../core/replicas/replica-record.js';
import { ReplicaRegister, type KnownReplica } from '../core/replicas/replica-register.js';
import { hashSdkKey } from '../domain/sdk-key.js';
import type { PageQuery } from '../servers/admin/operator-api.js';
import type { OpenedPlaces } from './backup-places.js';
import type { Feature } from './feature.js';
import { OPERATED_KINDS } from './operated-kinds.js';
import { toIso, toSeconds } from './shown-times.js';
import { listSpecs, matches, wordsOf, type ListedSpec, type SpecListRooms } from './spec-list.js';
import type { World } from './world.js';

export interface Replicas {
  readonly replicaFeature: Feature;
  /** Names of those that are known, this one included. */
  readonly names: () => readonly string[];
  readonly describe: (query: Omit<PageQuery, 'after'>) => Promise<object>;
}

export function buildReplicas(
  config: Config,
  { clock, log, version }: World,
  rooms: SpecListRooms,
  { redis, link }: Pick<OpenedPlaces, 'redis' | 'link'>,
): Replicas {
  const { instanceName: name } = config;
  const own = { id: redis?.instanceId ?? name, name, release: version, startedAtMs: clock.nowMs() };
  const versions = (): ReplicaRecord['versions'] => versionsHeld(rooms);
  const register =
    redis && new ReplicaRegister(clock, log, redis.kept, { own, versions, isLeader: () => redis.isLeader });
  if (register !== undefined) {
    rooms.store.subscribe({
      updated: () => {
        register.changed();
      },
      removed: () => {
        register.changed();
      },
    });
  }
  const alone = (): readonly KnownReplica[] => [{ ...own, versions: versions(), saidAgoMs: 0 }];
  return {
    names: () => register?.ids.map(nameOf) ?? [name],
    replicaFeature: {
      name: 'replicas',
      open: () => register?.start(),
      drain: () => register?.stop(),
    },
    describe: async ({ limit, search }) => {
      const replicas = (await register?.all()) ?? alone();
      const leader = link?.leader ?? null;
      const words = wordsOf(search);
      const specs = listSpecs(rooms, clock.nowMs()).filter((spec) => matches(spec, words));
      const rows = specs.map((spec) => sideBySide(spec, replicas));
      rows.sort((left, right) => (left.place < right.place ? -1 : 1));
      return {
        isShared: register !== undefined,
        leader,
        replicas: replicas.map((replica) => ({
          id: replica.id,
          name: replica.name,
          isThis: replica.id === own.id,
          isLeader: replica.id === leader,
          release: replica.release,
          startedAt: toIso(replica.startedAtMs),
          saidAgoS: toSeconds(replica.saidAgoMs),
          specs: Object.keys(replica.versions).length,
        })),
        specs: rows.slice(0, limit).map(({ row }) => row),
        differing: rows.filter(({ row }) => !row.isSame).length,
        leftOut: Math.max(0, rows.length - limit),
      };
    },
  };
}

/** An id is the name of a replica, and what tells its processes apart. */
function nameOf(id: string): string {
  const at = id.lastIndexOf(':');
  return at < 0 ? id : id.slice(0, at);
}

/** By payload, as all replicas name it. */
function versionsHeld({ store }: Pick<SpecListRooms, 'store'>): ReplicaRecord['versions'] {
  const versions: Record<string, number> = {};
  let count = 0;
  for (const { key, payload } of store.all()) {
    if (!OPERATED_KINDS.includes(key.kind)) continue;
    if (count >= RECORD_VERSIONS_MAX) break;
    count += 1;
    versions[placeOf(hashSdkKey(key.sdkKey), key)] = payload.version;
  }
  return versions;
}

interface SideBySide {
  readonly row: {
    readonly sdkKey: string;
    readonly keyHash: string;
    readonly api: string;
    readonly format: string;
    readonly isSame: boolean;
    /** In the order of the replicas. */
    readonly versions: readonly (number | null)[];
  };
  /** What differs sorts first, then by name. */
  readonly place: string;
}

/** A replica that holds nothing of a spec differs from nobody: no client of its own asked for it. */
function sideBySide({ key, keyHash, shown }: ListedSpec, replicas: readonly KnownReplica[]): SideBySide {
  const place = placeOf(keyHash, key);
  const versions = replicas.map((replica) => replica.versions[place] ?? null);
  const isSame = new Set(versions.filter((version) => version !== null)).size <= 1;
  const [api, format] = [key.kind.name, key.format];
  return {
    row: { sdkKey: shown, keyHash, api, format, isSame, versions },
    place: [isSame ? 1 : 0, shown, place].join(' '),
  };
}
