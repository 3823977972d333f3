// Who this process is for Cloud Profiler: its project, its service, and the machine it runs on.
import type { Failure } from '../../domain/failure.js';
import type { TokenSource } from './access-token.js';
import type { MetadataServer } from './metadata-server.js';
import type { Deployment } from './profiler-api.js';

export interface CloudIdentity {
  readonly deployment: Deployment;
  /** Of every profile. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Never rejects; may be asked again where it failed. */
export type FindIdentity = (signal: AbortSignal) => Promise<CloudIdentity | Failure>;

export interface IdentityOptions {
  /** Undefined where credentials or the machine name it. */
  readonly projectId: string | undefined;
  readonly service: string;
  readonly version: string;
  /** Where there is no metadata server to name the machine. */
  readonly instanceName: string;
}

export function createFindIdentity(
  tokens: TokenSource,
  metadata: MetadataServer,
  options: IdentityOptions,
): FindIdentity {
  return async (signal) => {
    const projectId = options.projectId ?? (await tokens.projectId(signal));
    if (typeof projectId !== 'string') return projectId;
    // Outside of Google Cloud there is nobody to ask, and profiles are taken without these.
    const [zone, instance] = await Promise.all([
      metadata.get('instance/zone', signal),
      metadata.get('instance/name', signal),
    ]);
    return {
      deployment: {
        projectId,
        target: options.service,
        labels: {
          language: 'nodejs',
          version: options.version,
          // projects/NUMBER/zones/ZONE
          ...(typeof zone === 'string' && { zone: zone.slice(zone.lastIndexOf('/') + 1) }),
        },
      },
      labels: { instance: typeof instance === 'string' ? instance : options.instanceName },
    };
  };
}
