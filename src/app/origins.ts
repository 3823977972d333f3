// Every origin as one: which of them is asked depends on the kind of what is asked for.
import type { Config } from '../config/load-config.js';
import type { Origin } from '../core/origin.js';
import type { SharedConnections } from '../http-client/upstream-pool.js';
import { ProjectFeeds } from '../protocols/replane/origin/project-feeds.js';
import { REPLANE_PROJECT } from '../protocols/replane/project-kind.js';
import { createManifestClient } from '../protocols/statsig/origin/manifest-client.js';
import { createOriginByApi } from '../protocols/statsig/origin/origin-by-api.js';
import { createUpstreamClient } from '../protocols/statsig/origin/upstream-client.js';
import type { ProxyPaths } from '../protocols/statsig/proxy-path.js';
import { toProjectFeedsOptions, toUpstreamOptions } from './room-options.js';
import type { World } from './world.js';

export interface Origins {
  readonly origin: Origin;
  /** Replane's part of it; undefined where Replane is not served. */
  readonly feeds: ProjectFeeds | undefined;
}

export function buildOrigins(
  config: Config,
  { clock, log, version }: Pick<World, 'clock' | 'log' | 'version'>,
  connections: SharedConnections,
  paths: Pick<ProxyPaths, 'specs' | 'idLists'>,
): Origins {
  const upstream = toUpstreamOptions(config, version, connections);
  const statsig = createOriginByApi(
    createUpstreamClient(clock, { ...upstream, path: paths.specs }),
    createManifestClient(clock, {
      ...upstream,
      endpoint: config.idListsStatsigEndpoint,
      path: paths.idLists,
    }),
  );
  if (config.replaneEndpoint === '') return { origin: statsig, feeds: undefined };
  const feeds = new ProjectFeeds(clock, log, toProjectFeedsOptions(config, version, connections));
  return {
    feeds,
    origin: {
      fetch: (key, sinceTime, wanted) =>
        key.kind === REPLANE_PROJECT ? feeds.fetch(key) : statsig.fetch(key, sinceTime, wanted),
      close: async () => {
        await Promise.all([statsig.close(), feeds.close()]);
      },
    },
  };
}
