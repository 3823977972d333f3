// What operators see of the proxy as a whole, put together from what its features state for /status.
import type { Config } from '../config/load-config.js';
import { describeSettings } from '../config/shown-settings.js';
import type { Clock } from '../domain/clock.js';
import type { OperatorApi } from '../servers/admin/operator-api.js';
import type { OpenedPlaces } from './backup-places.js';
import type { Features } from './feature.js';
import { toIso } from './shown-times.js';

export type ProxyViews = Pick<OperatorApi, 'status' | 'logEvents' | 'idLists' | 'settings'>;

/** `describeProcess`: the verdict, and which process this is. */
export function buildProxyViews(
  config: Config,
  clock: Clock,
  features: Features,
  { redis, link }: Pick<OpenedPlaces, 'redis' | 'link'>,
  describeProcess: () => object,
): ProxyViews {
  const ofEveryKey = (): boolean => true;
  return {
    status: () => {
      const { endpoints } = features.statusOf('servers') as Stated;
      const { specs } = features.statusOf('specs') as Stated;
      const backups = features.statusOf('backups') as Stated;
      return {
        ...describeProcess(),
        now: toIso(clock.nowMs()),
        isLeader: redis?.isLeader ?? null,
        leader: link?.leader ?? null,
        endpoints,
        specs,
        redis: backups['redis'] ?? null,
        disk: backups['disk'] ?? null,
        backupsToWrite: backups['backupsToWrite'],
        openPages: features.gauges['changeStreams']?.entries ?? 0,
      };
    },
    logEvents: () => ({
      leftOut: 0,
      ...((features.statusOf('log events', ofEveryKey) as Stated)['logEvents'] as object),
    }),
    idLists: () => ({
      disk: null,
      ...((features.statusOf('ID lists') as Stated)['idLists'] as object),
    }),
    settings: () => ({ settings: describeSettings(config, config.settingSources) }),
  };
}

type Stated = Readonly<Record<string, unknown>>;
