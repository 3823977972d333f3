// Builds what sends profiles to Google Cloud, with connections of its own: a request there may take an hour.
import type { Config } from '../config/load-config.js';
import type { GoogleConfig } from '../config/profiling-config.js';
import { SharedConnections, UpstreamPool, type UpstreamPoolOptions } from '../http-client/upstream-pool.js';
import type { Collector } from '../profiling/collector.js';
import { KeptToken, MachineTokens, ServiceAccountTokens } from '../profiling/google/access-token.js';
import { CloudAgent } from '../profiling/google/cloud-agent.js';
import { createFindIdentity } from '../profiling/google/cloud-identity.js';
import { METADATA_MS_MAX, MetadataServer } from '../profiling/google/metadata-server.js';
import { CREATE_MS_MAX, ProfilerApi } from '../profiling/google/profiler-api.js';
import { toUpstreamOptions } from './room-options.js';
import type { World } from './world.js';

export interface CloudProfiles {
  readonly agent: CloudAgent;
  /** From now on these certificate authorities count, as for origins. */
  readonly trust: (caPem: string) => void;
  close(): Promise<void>;
}

export function buildCloudProfiles(
  config: Config,
  world: World,
  google: GoogleConfig,
  collector: Collector,
): CloudProfiles {
  const { clock, log, version } = world;
  const outbound = toOutbound(config, world);
  const connections = new SharedConnections(clock, outbound);
  const pool = new UpstreamPool(clock, { ...outbound, connections });
  const onMachine = new UpstreamPool(clock, toMachine(outbound));
  const metadata = new MetadataServer(clock, onMachine, google.metadataHost);
  const tokens =
    google.credentialsFile === undefined
      ? new MachineTokens(clock, metadata)
      : new ServiceAccountTokens(clock, pool, google.credentialsFile);
  const api = new ProfilerApi(clock, pool, new KeptToken(clock, tokens), google.endpoint);
  const identity = createFindIdentity(tokens, metadata, {
    projectId: google.projectId,
    service: google.service,
    version: google.version ?? version,
    instanceName: config.instanceName,
  });
  return {
    agent: new CloudAgent(clock, log, collector, identity, api),
    trust: connections.trust.bind(connections),
    close: async () => {
      await Promise.all([pool.close(), onMachine.close(), connections.close()]);
    },
  };
}

/** As to origins, without the certificate that is shown to them. */
function toOutbound(config: Config, { version, lookup }: World): UpstreamPoolOptions {
  return {
    ...toUpstreamOptions(config, version),
    identity: undefined,
    headersTimeoutMs: CREATE_MS_MAX,
    lookup,
  };
}

function toMachine(outbound: UpstreamPoolOptions): UpstreamPoolOptions {
  return { ...outbound, httpProxy: '', httpsProxy: '', headersTimeoutMs: METADATA_MS_MAX };
}
